package rules

import (
	"fmt"
	"strings"
	"testing"
)

func TestSomethingToRun(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		`"cmd": "ls"`:                             "",
		`"cmd": "  "`:                             "",
		`"cmd": "é1"`:                             "",
		`"cmd": "ls", "args": []`:                 "",
		`"args": ["x", "", "y"]`:                  "",
		`"args": ["x"], "cmd": null`:              "",
		`"container": {"docker": {"image": "a"}}`: "",
		`"container": {"type": "MESOS", "docker": {"image": "a"}}`: "",
		`"container": {"docker": {"image": "a"}}, "cmd": "ls"`:     "",
		`"cmd": "w"`:                 "cmd: has the cmd \"w\"",
		`"cmd": ""`:                  "cmd: has the cmd \"\"",
		`"cmd": "ls", "args": ["a"]`: "cmd: has both cmd and args",
		`"container": {"docker": {"image": "a"}}, "cmd": "l", "args": [""]`: "has both",
		`"args": []`:                     ": has nothing to run",
		`"args": [], "container": null`:  ": has nothing to run",
		`"container": {"type": "MESOS"}`: "container: has nothing to run: its container has no image",
		`"container": {}`:                "", // it is told to be a DOCKER container without an image
	} {
		var out []string
		for _, f := range Check("/x", parsed(t, "{"+fields+"}"), Marathon{}) {
			if f.Rule == "app-command" {
				out = append(out, strings.Join(f.Path, ".")+": "+f.Msg)
			}
		}
		if got := strings.Join(out, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", fields, got, want)
		}
	}
}

func TestNumbersThatMarathonCannotHold(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"cpus": 0, "mem": 0.0001, "disk": 1e300, "gpus": 2147483647`, ""},
		{`"instances": 2147483647, "taskKillGracePeriodSeconds": 0`, ""},
		{`"cpus": 1e400`, "cpus: has cpus 1e400, which Marathon takes for infinite"},
		{`"mem": 1e309`, "mem: has mem 1e309"},
		{`"disk": 2e308`, "disk: has disk"},
		{`"backoffFactor": 1e999`, "backoffFactor: has"},
		{`"executorResources": {"cpus": 1e400}`, "executorResources.cpus: has executorResources.cpus 1e400"},
		{`"resourceLimits": {"mem": 1e400}`, "resourceLimits.mem: has"},
		{`"instances": 2147483648`, "instances: has the number 2147483648 for instances, which is more"},
		{`"gpus": 99999999999999999999`, "gpus: has"},
		{`"backoffSeconds": 3000000000`, "backoffSeconds: has"},
		{`"maxLaunchDelaySeconds": 3000000000`, "maxLaunchDelaySeconds: has"},
		{`"taskKillGracePeriodSeconds": 3000000000`, "taskKillGracePeriodSeconds: has"},
		{`"unreachableStrategy": {"expungeAfterSeconds": 3000000000}`, "unreachableStrategy.expungeAfterSeconds: has"},
		{`"container": {"type": "MESOS", "linuxInfo": {"ipcInfo": {"mode": "PRIVATE", "shmSize": 3000000000}}}`, "container.linuxInfo.ipcInfo.shmSize: has"},
		{`"container": {"type": "MESOS", "volumes": [{"containerPath": "d", "mode": "RW", "persistent": {"size": 3000000000}}]}`, "container.volumes.0.persistent.size: has"},
		{`"residency": {"relaunchEscalationTimeoutSeconds": 3000000000}`, "residency.relaunchEscalationTimeoutSeconds: has"},
	})
}

func TestAVersionIsATime(t *testing.T) {
	t.Parallel()
	const times = `"versionInfo": {"lastScalingAt": "2020-01-01T00:00:00.000Z", "lastConfigChangeAt": "yesterday"}`
	for fields, want := range map[string]string{
		`"version": "2020-01-01T00:00:00.000Z"`:  "",
		`"version": "2020-01-01T00:00:00+02:00"`: "",
		`"version": "2020-01-01"`:                "",
		`"version": "1.4.2"`:                     `version: has the version "1.4.2", which is no time`,
		`"version": ""`:                          `version: has the version ""`,
		times:                                    `versionInfo.lastConfigChangeAt: has the lastConfigChangeAt "yesterday"`,
	} {
		got := verdict(t, "/x", fields, "")
		if !strings.Contains(got, want) || want == "" && !strings.HasPrefix(got, "warning: ") {
			t.Errorf("%s: %q, want %q", fields, got, want)
		}
	}
}

func TestLimitsAreNotBelowWhatIsAsked(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"resourceLimits": {}`, ""},
		{`"cpus": 1, "resourceLimits": {"cpus": 1.0, "mem": "unlimited"}`, ""},
		{`"cpus": 0.5, "resourceLimits": {"cpus": 0.5, "mem": 128}`, ""},
		{`"cpus": 2, "resourceLimits": {"cpus": 1.9}`, "resourceLimits.cpus: has the limit 1.9 of cpus, which is less than the 2"},
		{`"resourceLimits": {"cpus": 0.5}`, "less than the 1 that it asks for"},
		{`"resourceLimits": {"mem": 127}`, "less than the 128 that it asks for"},
	})
}

func TestGPUsNeedTheMesosContainerizer(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"gpus": 1`, ""},
		{`"gpus": 0, "container": {"docker": {"image": "a"}}`, ""},
		{`"gpus": 1, "container": {"type": "MESOS", "docker": {"image": "a"}}`, ""},
		{`"gpus": 1, "container": {"docker": {"image": "a"}}`, "gpus: asks for gpus"},
		{`"gpus": 1, "container": {"type": "DOCKER", "docker": {"image": "a"}}`, "gpus: asks for gpus"},
	})
}

func TestExecutors(t *testing.T) {
	t.Parallel()
	checkCases(t, []ruleCase{
		{`"executor": ""`, ""},
		{`"executor": "//cmd"`, ""},
		{`"executor": "/opt/run it"`, ""},
		{`"executor": "run/it"`, ""},
		{`"executor": "/"`, "executor: has the executor"},
		{`"executor": "a//b"`, "executor: has the executor"},
		{`"executor": "//other"`, "executor: has the executor"},
		{`"executor": "a/"`, "executor: has the executor"},
		{`"executorResources": {"cpus": 0.01}`, "warning: executorResources: has executorResources, which are not sent"},
	})
}

func TestADefinitionThatMarathonCannotStore(t *testing.T) {
	t.Parallel()
	fields := func(n int, char string) string {
		return fmt.Sprintf(`"labels": {"small": "x"}, "env": {"BIG": %q}`, strings.Repeat(char, n))
	}
	checkCases(t, []ruleCase{
		{fields(400<<10, "x"), ""},
		{fields(490<<10, "x"), ""},
		{fields(510<<10, "x"), "env: has 510 KiB, most of it in env"},
		{fields(100<<10, "<"), "env: has 600 KiB"}, // each is six characters in JSON
	})
}
