package rules

import (
	"maps"
	"strings"
	"testing"
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
	recordedFile(t, "edits.json.gz", &data)
	out := map[string]map[string]any{}
	for name, b := range data.Bases {
		out[name] = b.Canonical
	}
	return out
}
