package config

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// fullDefinitions have together every field that Marathon reads of a definition, each right.
// What has names of its own in them, such as labels, has the name a.
func fullDefinitions() []string {
	return []string{
		`{"id": "/full/host", "cmd": "run it", "user": "nobody", "env": {"a": {"secret": "a"}, "b": "c"}, "secrets": {"a": {"source": "s"}},
			"instances": 2, "cpus": 0.5, "mem": 64, "disk": 10, "gpus": 1, "executor": "//cmd", "constraints": [["hostname", "LIKE", "a.*"]],
			"fetch": [{"uri": "http://h/a.zip", "extract": true, "executable": false, "cache": false, "destPath": "d"}],
			"networks": [{"mode": "host"}], "portDefinitions": [{"port": 8080, "protocol": "tcp", "name": "http", "labels": {"a": "b"}}], "requirePorts": true,
			"healthChecks": [
				{"protocol": "MESOS_HTTP", "path": "/", "portIndex": 0, "gracePeriodSeconds": 1, "intervalSeconds": 5, "timeoutSeconds": 1,
					"maxConsecutiveFailures": 1, "delaySeconds": 1, "ipProtocol": "IPv4"},
				{"protocol": "COMMAND", "command": {"value": "true"}}, {"protocol": "HTTP", "port": 8080, "ignoreHttp1xx": false}],
			"check": {"http": {"portIndex": 0, "port": 8080, "path": "/", "scheme": "HTTP"}, "intervalSeconds": 5, "timeoutSeconds": 1, "delaySeconds": 1},
			"readinessChecks": [{"name": "r", "protocol": "HTTP", "path": "/", "portName": "http", "intervalSeconds": 5, "timeoutSeconds": 1,
				"httpStatusCodesForReady": [200], "preserveLastResponse": true}],
			"backoffSeconds": 1, "backoffFactor": 1.5, "maxLaunchDelaySeconds": 5, "dependencies": ["/b"],
			"upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.5}, "unreachableStrategy": {"inactiveAfterSeconds": 1, "expungeAfterSeconds": 2},
			"killSelection": "OLDEST_FIRST", "taskKillGracePeriodSeconds": 3, "labels": {"a": "b"}, "acceptedResourceRoles": ["*"], "role": "db",
			"resourceLimits": {"cpus": 1, "mem": 128}, "tty": true, "version": "2020-01-01T00:00:00.000Z",
			"versionInfo": {"lastScalingAt": "2020-01-01T00:00:00.000Z", "lastConfigChangeAt": "2020-01-01T00:00:00.000Z"},
			"container": {"type": "MESOS", "docker": {"image": "w", "forcePullImage": true, "pullConfig": {"secret": "a"}},
				"linuxInfo": {"seccomp": {"unconfined": true}, "ipcInfo": {"mode": "PRIVATE", "shmSize": 5}},
				"volumes": [{"containerPath": "/a", "hostPath": "/b", "mode": "RO"}, {"containerPath": "s", "secret": "a"}]}}`,
		`{"id": "/full/docker", "args": ["a"], "networks": [{"mode": "container/bridge", "labels": {"a": "b"}}],
			"container": {"type": "DOCKER", "docker": {"image": "w", "privileged": true, "parameters": [{"key": "a", "value": "b"}]},
				"portMappings": [{"containerPort": 80, "hostPort": 0, "servicePort": 10001, "protocol": "udp,tcp", "name": "http", "labels": {"a": "b"}}]}}`,
		`{"id": "/full/mesos", "cmd": "run it", "instances": 1, "networks": [{"mode": "container", "name": "n1"}],
			"container": {"type": "MESOS", "portMappings": [{"containerPort": 80, "networkNames": ["n1"]}], "volumes": [
				{"containerPath": "d", "mode": "RW", "external": {"name": "v1", "provider": "dvdi", "size": 1, "shared": false, "options": {"dvdi/driver": "rexray"}}},
				{"containerPath": "c", "mode": "RW", "external": {"name": "v2", "provider": "csi", "options": {"pluginName": "p",
					"capability": {"accessMode": "SINGLE_NODE_WRITER", "accessType": "mount", "fsType": "xfs", "mountFlags": ["a"]},
					"nodeStageSecret": {"a": "b"}, "nodePublishSecret": {"a": "b"}, "volumeContext": {"a": "b"}}}}]},
			"executorResources": {"cpus": 0.1, "mem": 32, "disk": 10}, "check": {"exec": {"command": {"shell": "true"}}}}`,
		`{"id": "/full/resident", "cmd": "run it", "role": "db", "unreachableStrategy": "disabled", "check": {"tcp": {"portIndex": 0, "port": 80}},
			"residency": {"relaunchEscalationTimeoutSeconds": 5, "taskLostBehavior": "WAIT_FOREVER"},
			"container": {"type": "MESOS", "linuxInfo": {"seccomp": {"profileName": "p"}}, "volumes": [{"containerPath": "d", "mode": "RW",
				"persistent": {"size": 1, "type": "mount", "maxSize": 2, "profileName": "p", "constraints": [["path", "LIKE", "a"]]}}]}}`,
		`{"id": "/full/address", "cmd": "run it", "uris": ["http://h/a"],
			"ipAddress": {"networkName": "n1", "labels": {"a": "b"}, "groups": ["a"],
				"discovery": {"ports": [{"number": 80, "name": "a", "protocol": "tcp", "labels": {"a": "b"}}]}}}`,
		`{"id": "/full/old", "cmd": "run it", "ports": [0], "container": {"type": "DOCKER", "docker": {"image": "w", "network": "BRIDGE",
			"portMappings": [{"containerPort": 80, "hostPort": 0, "servicePort": 10002, "protocol": "tcp", "name": "http", "labels": {"a": "b"}, "networkNames": []}]}}}`,
	}
}

// unread are fields that no Marathon reads which the sandbox is: those of older ones, and what is shown
// beside a definition; and one that cannot be right.
func unread() []string {
	return []string{
		".storeUrls", ".taskRateLimit", ".container.docker.credential", ".tasksStaged", ".tasksRunning", ".tasksHealthy", ".tasksUnhealthy",
		".deployments", ".tasks", ".lastTaskFailure", ".readinessCheckResults", ".taskStats", ".tasksStats", ".check.exec.command.argv",
		".container.docker.portMappings[].networkNames[]", // a Docker network has no name
	}
}

// lax are the objects without a member that must be there: Marathon reads anything else as {}.
func lax() []string {
	return []string{
		".check.http", ".check.tcp", ".container.docker.portMappings[]", ".container.portMappings[]", ".executorResources", ".healthChecks[]",
		".ipAddress.discovery", ".residency", ".unreachableStrategy",
	}
}

// refusedHereOnly has the reasons why else a value is refused that the sandbox takes.
func refusedHereOnly() map[string]string {
	return map[string]string{
		".container.linuxInfo.ipcInfo.mode=<nil>":                "that Marathon fills it in is not known",
		".container.linuxInfo.ipcInfo=map[]":                     "likewise",
		".container.volumes[].external.name=":                    "a volume without a name is none",
		".container.volumes[].external.name=<nil>":               "likewise",
		".container.volumes[].external.options.pluginName=":      "likewise",
		".container.volumes[].external.options.pluginName=<nil>": "likewise",
		".dependencies[]=":                                       "it is the root, in which the app lies: the tree refuses it",
		".uris[]=":                                               "the fetch as which it is sent is refused",
	}
}

// whyRefused is the reason why a value is refused that the sandbox takes; "" is none.
func whyRefused(at string) string {
	place, value, _ := strings.Cut(at, "=")
	switch {
	case value == "map[a:7]":
		return "Marathon ignores a field that it does not know, and it is a mistake"
	case slices.Contains(lax(), place), value == "[7]" && slices.Contains(lax(), place+"[]"):
		return "Marathon reads it as {}, and it is a mistake"
	default:
		return refusedHereOnly()[at]
	}
}

// TestEachFieldIsHeldToItsType puts other values into each place of full definitions: what the sandbox's
// Marathon refuses is refused, and of what it takes only what has a reason is.
func TestEachFieldIsHeldToItsType(t *testing.T) {
	t.Parallel()
	j, live, seen, used := newJudge(t), liveMarathon("", nil), map[string]bool{}, map[string]bool{}
	reader := appdef.New(appdef.Settings{Features: live.Features})
	roles := func(string, string) ([]string, string) { return []string{"*", "db", "x", ""}, "*" }
	judge := func(text string) (here []string, there bool) {
		_, created := reader.Create(json.RawMessage(text), "/", roles)
		_, replaced := reader.Replace("/a", appdef.Existing{}, json.RawMessage(text), roles)
		if _, ok := j.app.read(j.reader.leniently(), j.con.ctx.CompileString(text)); !ok {
			return []string{"a type"}, created != nil || replaced != nil
		}
		return j.errorsOf(t, recordedApp{text: text, live: live}), created != nil || replaced != nil
	}
	for _, text := range fullDefinitions() {
		if here, there := judge(text); len(here) > 0 || there {
			t.Fatalf("%s\nis refused, here: %q, by the sandbox: %v", text, here, there)
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatal(err)
		}
		for at, changed := range spoilt("", body, seen) {
			if strings.HasSuffix(at, ".notAField") || at == ".id=<nil>" { // the key is the id
				continue
			}
			here, there := judge(jsonText(t, changed))
			why := whyRefused(at)
			switch {
			case there && len(here) == 0:
				t.Errorf("%s is taken here, and Marathon refuses it", at)
			case !there && len(here) > 0:
				used[at] = true
				if why == "" {
					t.Errorf("%s is refused here, and Marathon takes it: %q", at, here)
				}
			}
		}
	}
	for at := range refusedHereOnly() {
		if !used[at] {
			t.Errorf("%s needs no reason", at)
		}
	}
	for _, at := range placesOf(j.app, "") {
		if !seen[at] && !slices.ContainsFunc(unread(), func(u string) bool { return at == u || strings.HasPrefix(at, u+".") || strings.HasPrefix(at, u+"[") }) {
			t.Errorf("%s is in none of the full definitions", at)
		}
	}
}

// placesOf are the places in what a shape reads.
func placesOf(s shape, at string) []string {
	out := []string{at}
	switch s := s.(type) {
	case *structure:
		for name, f := range s.fields {
			out = append(out, placesOf(f, at+"."+name)...)
		}
		if _, open := s.others.(anything); !open && s.others != nil {
			out = append(out, placesOf(s.others, at+".a")...)
		}
	case *list:
		for _, f := range append(slices.Clone(s.first), s.more) {
			if f != nil {
				out = append(out, placesOf(f, at+"[]")...)
			}
		}
	case alternatives:
		for _, a := range s {
			out = append(out, placesOf(a, at)...)
		}
	}
	return out
}
