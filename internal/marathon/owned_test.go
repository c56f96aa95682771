package marathon

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// planOwned plans a change of an app of which others own fields.
func planOwned(t *testing.T, s mesh.TargetState, definition map[string]any, open map[string]string) []diff.Change {
	t.Helper()
	want := desired(t, s, "/a", definition)
	want.Open = open
	want.Attrs = diff.Keep(want.Attrs, s.Resources[0].Attrs, open)
	return diff.Diff([]mesh.Resource{want}, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes
}

// TestWhatOthersOwnIsCopiedFromTheReadBeforeTheWrite has an autoscaler between the plan and
// the write: what it set is neither a conflict nor written over.
func TestWhatOthersOwnIsCopiedFromTheReadBeforeTheWrite(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct{ open, want string }{
		"anything": {"any", `"instances":5`}, "a range": {"1..4", `"instances":4`},
	} {
		h := server(t)
		m := serve(t, h)
		reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1", "instances": 2}})
		changes := planOwned(t, m.Observe(context.Background()), map[string]any{"cmd": "sleep 2"}, map[string]string{"instances": x.open})
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/v2/apps/a", strings.NewReader(`{"instances": 5}`)))
		var out []plan.Outcome
		if err := m.Apply(context.Background(), plan.Work{Run: "r", Changes: changes}, func(o plan.Outcome) { out = append(out, o) }); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v2/apps/a", nil))
		if last(out).Result != plan.ResultDone || !strings.Contains(w.Body.String(), x.want) || !strings.Contains(w.Body.String(), "sleep 2") {
			t.Errorf("%s: %+v; %s", name, last(out), w.Body)
		}
		s := m.Observe(context.Background())
		again := planOwned(t, s, map[string]any{"cmd": "sleep 2"}, map[string]string{"instances": x.open})
		entry := s.Record.Entries["marathon/main/app:/a"]
		if len(again) != 0 || entry.Open["instances"] != x.open || entry.Digest != diff.Found(s.Resources[0].Addr, s.Resources[0].Attrs, entry.Open) {
			t.Errorf("%s: %+v; the record has %+v", name, again, entry)
		}
	}
}
