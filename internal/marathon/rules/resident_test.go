package rules

import (
	"maps"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/recorded"
)

// TestUpdatesOfResidentAppsAsRecorded holds Update to each recorded edit of an app with a
// persistent volume.
func TestUpdatesOfResidentAppsAsRecorded(t *testing.T) {
	t.Parallel()
	bases := recordedBases(t)
	taken, refused := 0, 0
	for _, a := range answeredEdits(t) {
		base, _, _ := strings.Cut(a.name, " ")
		want := maps.Clone(a.def)
		found := Update("/e/"+base, bases[base], want, Marathon{Version: "1.11.26"})
		told := len(found) > 0
		should := strings.Contains(a.refusal, "persistent volumes") || strings.Contains(a.refusal, "Persistent volumes") ||
			strings.Contains(a.refusal, "change the role")
		if should {
			refused++
		} else {
			taken++
		}
		if told != should {
			t.Errorf("%s: found %v, and Marathon said %s", a.name, found, a.refusal)
		}
	}
	t.Logf("%d taken, %d refused", taken, refused)
}

// recordedBases are the running apps that were edited, as Marathon showed them.
func recordedBases(t *testing.T) map[string]map[string]any {
	t.Helper()
	var data recordedEdits
	recorded.Read(t, "../definition/testdata/edits.json.gz", &data)
	out := map[string]map[string]any{}
	for name, b := range data.Bases {
		out[name] = b.Canonical
	}
	return out
}

// TestOnlyAPortThatMarathonChoseIsGivenAgain: in place of another a new one is chosen, and the
// ports of the host of an app with persistent volumes may not change.
func TestOnlyAPortThatMarathonChoseIsGivenAgain(t *testing.T) {
	t.Parallel()
	const app = `"cmd": "x y", "role": "db", "container": {"type": "MESOS", "volumes": [{"containerPath": "a", "mode": "RW", "persistent": {"size": 1}}]}`
	for _, x := range []struct {
		live    string
		low     int
		high    int
		refused bool
	}{
		{"443", 0, 0, true},
		{"9999", 0, 0, true},
		{"10000", 0, 0, false},
		{"20000", 0, 0, false},
		{"20001", 0, 0, true},
		{"443", 400, 500, false},
		{"10000", 400, 500, true},
	} {
		live := parsed(t, `{`+app+`, "portDefinitions": [{"port": `+x.live+`}]}`)
		m := Marathon{PortMin: x.low, PortMax: x.high}
		for _, want := range []string{`{` + app + `}`, `{` + app + `, "portDefinitions": [{"port": 0}]}`} {
			if found := Update("/a", live, parsed(t, want), m); len(found) > 0 != x.refused {
				t.Errorf("%s from %d to %d: %v, refused is to be %v", x.live, x.low, x.high, texts(found), x.refused)
			}
		}
	}
}
