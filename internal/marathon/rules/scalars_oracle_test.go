package rules_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// leaves are values of fields, right and wrong ones, all of types that the contract takes. What
// only the root group of the sandbox refuses, such as a dependency on itself, is not among them.
func leaves() map[string][]string {
	return map[string][]string{
		"cmd":                        {`"w"`, `""`, `"ls"`, `"run it"`, `"  "`},
		"args":                       {`[]`, `["x"]`, `["a", "b"]`},
		"container":                  {`{"type": "MESOS"}`, `{"docker": {"image": "a"}}`, `{"type": "MESOS", "docker": {"image": "a"}}`, `{"type": "DOCKER", "docker": {"image": "a"}}`},
		"instances":                  {`0`, `1`, `2`, `2147483647`, `2147483648`},
		"gpus":                       {`0`, `1`, `4294967296`},
		"cpus":                       {`0`, `0.1`, `2`},
		"mem":                        {`0`, `64`, `256`},
		"backoffSeconds":             {`0`, `9999999999`},
		"maxLaunchDelaySeconds":      {`0`, `2147483648`},
		"taskKillGracePeriodSeconds": {`0`, `2147483648`},
		"executor":                   {`""`, `"//cmd"`, `"/a/b"`, `"a"`, `"/"`, `"a//b"`, `"a/"`, `"//b"`},
		"resourceLimits":             {`{}`, `{"cpus": 1}`, `{"cpus": 0.5}`, `{"mem": "unlimited"}`, `{"mem": 128}`, `{"cpus": "unlimited", "mem": 64}`},
		"constraints": {
			`[]`, `[["a", "UNIQUE"]]`, `[["a", "UNIQUE", ""]]`, `[["a", "unique"]]`, `[["a", "GROUP_BY", "x"]]`, `[["a", "GROUP_BY"], ["b", "CLUSTER", "x"]]`, `[["", "UNIQUE"]]`,
			`[["a", "MAX_PER"]]`, `[["a", "MAX_PER", "+2"]]`, `[["a", "MAX_PER", "2147483648"]]`, `[["a", "LIKE"]]`, `[["a", "LIKE", "["]]`, `[["a", "UNLIKE", "x.*"]]`, `[["a", "IS"]]`,
			`[["a", "IS", "a b"]]`, `[["a", "IS", "1.5"]]`, `[["a", "NEAR", "x"]]`, `[["a", "LIKE", "a", "b"]]`, `[["a", "GROUP_BY", ""]]`, `[["a", "CLUSTER", ""]]`, `[["a", "LIKE", ""]]`,
		},
		"fetch":                 {`[]`, `[{"uri": "http://h/a"}]`, `[{"uri": "a b"}]`, `[{"uri": "http://"}]`, `[{"uri": "x"}, {"uri": "http://h/%zz"}]`},
		"uris":                  {`[]`, `[""]`, `["http://h/a.zip"]`, `["1:x"]`, `["http://h/{a}"]`, `["http://[::1]/a", "mailto:x"]`},
		"dependencies":          {`[]`, `["/B"]`, `["/a/../b"]`, `["../x", "y/../z", "./w"]`, `["b/tasks"]`, `["/a/./b"]`, `["b//c/"]`},
		"env":                   {`{}`, `{"A": "b"}`, `{"": "b"}`, `{"P": {"secret": "k"}}`, `{"P": {"secret": "l"}}`},
		"secrets":               {`{}`, `{"k": {"source": "s"}}`},
		"labels":                {`{}`, `{"MARATHON_SINGLE_INSTANCE_APP": "true"}`, `{"MARATHON_SINGLE_INSTANCE_APP": "yes"}`, `{"DCOS_MIGRATION_API_VERSION": "v1"}`, `{"DCOS_MIGRATION_API_VERSION": ""}`},
		"upgradeStrategy":       {`{"minimumHealthCapacity": 0, "maximumOverCapacity": 0}`, `{"minimumHealthCapacity": 1, "maximumOverCapacity": 0}`, `{"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.5}`},
		"unreachableStrategy":   {`"disabled"`, `{}`, `{"inactiveAfterSeconds": 1}`, `{"inactiveAfterSeconds": 5, "expungeAfterSeconds": 9}`, `{"expungeAfterSeconds": 2147483648}`},
		"role":                  {`"x"`, `"*"`},
		"acceptedResourceRoles": {`[]`, `["*"]`, `["x"]`, `["*", "x"]`, `["y"]`, `["*", "*"]`},
	}
}

// mixture is a definition of some leaves; an app without a role would have one that only its
// Marathon knows.
func mixture(r *rand.Rand) string {
	all := leaves()
	fields := []string{`"id": "/g/app"`}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		values := all[name]
		switch {
		case name == "cmd" && r.IntN(10) > 0:
			values = []string{`"run it"`}
		case name != "role" && r.IntN(10) > 0:
			continue
		}
		fields = append(fields, `"`+name+`": `+values[r.IntN(len(values))])
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// TestTheSandboxsMarathonRefusesTheSame compares with another reading of the same documentation.
func TestTheSandboxsMarathonRefusesTheSame(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	sandbox := appdef.New(appdef.Settings{Features: []string{"secrets", "external_volumes", "gpu_resources"}})
	roles := func(string, string) ([]string, string) { return []string{"*", "x"}, "x" }
	refused := 0
	for range 5000 {
		text := mixture(r)
		_, refusal := sandbox.Create(json.RawMessage(text), "/", roles)
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var def map[string]any
		if err := d.Decode(&def); err != nil {
			t.Fatal(err)
		}
		found := slices.DeleteFunc(rules.Check("/g/app", def, rules.Marathon{}), func(f rules.Finding) bool {
			return f.Warning || f.Rule == "app-fetch-sent" // Marathon takes what is written, and not what is sent
		})
		if refusal != nil {
			refused++
		}
		if (refusal != nil) != (len(found) > 0) {
			t.Errorf("%s\nrules %+v\nsandbox %+v", text, found, refusal)
		}
	}
	t.Logf("%d of 5000 are refused", refused)
}
