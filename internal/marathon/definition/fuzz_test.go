package definition

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// FuzzCanonical: of whatever is written or echoed, the form of the form is the form, and the
// order of what is a set is none of it.
func FuzzCanonical(f *testing.F) {
	for _, text := range []string{
		`{"id": "/a", "cmd": "x", "ports": [0, 80], "uris": ["http://h/a.zip"], "killSelection": "oldest_first"}`,
		`{"id": "a", "constraints": [["b", "UNIQUE"], ["a", "CLUSTER", "c"], ["b", "UNIQUE"]], "dependencies": ["b", "/a/../c"], "acceptedResourceRoles": ["b", "*"]}`,
		`{"container": {"docker": {"image": "w", "network": "USER", "portMappings": [{}, null]}}, "ipAddress": {"networkName": "n", "labels": {"a": "b"}}}`,
		`{"ipAddress": {"discovery": {"ports": [{"number": 80, "name": "http", "protocol": "udp"}]}}, "healthChecks": [{"protocol": "tcp"}, {}, 5]}`,
		`{"networks": [{"mode": "bridge"}], "container": {"type": "mesos", "volumes": [{"persistent": {"size": 1, "constraints": [["path", "LIKE", "b"], ["path", "LIKE", "a"]]}}]}}`,
		`{"unreachableStrategy": "x", "check": {"tcp": 1}, "tty": false, "resourceLimits": {}, "readinessChecks": [null], "nonsense": {"a": [1]}, "fetch": [{"uri": "a"}]}`,
		`{"container": {"volumes": [{"external": {"provider": "csi", "options": {"capability": {"accessType": "block", "fsType": "x"}}}}], "portMappings": []}, "requirePorts": true}`,
		`{"networks": [{"name": "a"}, {"name": "b"}], "container": {"portMappings": [{"networkNames": ["b", "a"], "hostPort": 1}]}, "labels": null, "env": {}}`,
	} {
		for _, release := range []string{"", "1.4.8", "1.9.109"} {
			f.Add(text, release)
		}
	}
	f.Fuzz(func(t *testing.T, text, release string) {
		var def map[string]any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if len(text) > 2000 || d.Decode(&def) != nil {
			return
		}
		info := mesh.MarathonInfo{Version: release, MesosRole: "*"}
		form, _, err := Canonical(def, info)
		if err != nil {
			return
		}
		if again, _, err := Canonical(form, info); err != nil || !mesh.EqualValues(form, again) {
			t.Fatalf("the form of the form: %v\n%s", err, cmp.Diff(map[string]any(form), map[string]any(again)))
		}
		reversed := mesh.MustTree(def).Clone()
		for _, set := range []string{"constraints", "healthChecks", "dependencies", "acceptedResourceRoles"} {
			slices.Reverse(list(reversed[set]))
		}
		if other, _, err := Canonical(reversed, info); err != nil || !mesh.EqualValues(form, other) {
			t.Fatalf("in another order: %v\n%s", err, cmp.Diff(map[string]any(form), map[string]any(other)))
		}
	})
}
