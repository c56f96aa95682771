package definition

import (
	"encoding/json"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/recorded"
)

// A plan asks what Marathon refuses of an update with the forms that it compares: they say
// the same as the definitions that were sent, of each recorded edit.
func TestRefusedUpdatesAreToldFromForms(t *testing.T) {
	t.Parallel()
	var data struct {
		Bases map[string]struct{ Canonical map[string]any }
		Edits []edit
	}
	recorded.Read(t, "testdata/edits.json.gz", &data)
	info := submitted{}.info()
	refused := 0
	for _, e := range data.Edits {
		if e.Request.Method != "PUT" || e.After == nil {
			continue
		}
		base := data.Bases[e.Base].Canonical
		before, after := recordedForms(t, base, e, info)
		var got bool
		for _, f := range rules.Update("/a", before, after, rules.Marathon{Version: info.Version}) {
			got = got || !f.Warning
		}
		want := e.refusesUpdate(t) && e.Edit != "role-absent" // that of the live app is sent
		if got != want {
			t.Errorf("%s %s: refused is %v, and Marathon said %d %v", e.Base, e.Edit, got, e.Seen.Status, e.Seen.Answer)
		}
		if got {
			refused++
		}
	}
	t.Logf("%d updates are refused", refused)
}

// refusesUpdate reports whether it is the change that was refused, and not the definition.
func (e edit) refusesUpdate(t *testing.T) bool {
	t.Helper()
	text, err := json.Marshal(e.Seen.Answer)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "ersistent volumes") || strings.Contains(string(text), "not possible to change the role")
}
