package marathon

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// Which role an app gets that names none depends on its group, which only Marathon knows.
func TestANewAppHasTheRoleOfItsGroup(t *testing.T) {
	t.Parallel()
	h := server(t)
	m := serve(t, h)
	r := httptest.NewRequest(http.MethodPost, "/v2/groups", strings.NewReader(`{"id": "/dev", "enforceRole": true}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	defs := map[string]map[string]any{"/dev/x": {"cmd": "sleep 1"}, "/x": {"cmd": "sleep 1"}}
	out, s := reach(t, m, defs)
	if len(s.Resources) != 2 || last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	var want []mesh.Resource
	for i, role := range []string{"dev", "*"} {
		live := s.Resources[i]
		if live.Attrs["role"] != role {
			t.Errorf("%s has the role %v", live.Addr, live.Attrs["role"])
		}
		want = append(want, desired(t, s, live.Addr.Name, defs[live.Addr.Name]))
	}
	if d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}); len(d.Changes) != 0 {
		t.Errorf("the next plan is not empty: %+v", d.Changes)
	}
}
