package marathon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// TestThePlanRefusesWhatMarathonRefusesForWhereAnAppLies asks the plan and the Marathon about one
// new app beside groups, apps and pods of others.
func TestThePlanRefusesWhatMarathonRefusesForWhereAnAppLies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id   string
		more map[string]any
		want string // of the refusal; "": both take it
	}{
		{"/alone", nil, ""},
		{"/empty", nil, ""}, // an empty group gives way
		{"/empty/below", nil, ""},
		{"/cache", nil, "has the id of a pod"},
		{"/shop", nil, "in which /shop/theirs lies"},
		{"/shop/theirs", nil, "*"}, // it is there: an update
		{"/shop/theirs/below", nil, "lies below the app /shop/theirs"},
		{"/cache/below", nil, "lies below the pod /cache"},
		{"/cache/deep/below", nil, "lies below the pod /cache"},
		{"/shop/back", nil, ""},
		{"/deep", nil, "in which /deep/er/pod lies"},

		{"/x", map[string]any{"role": "x"}, `has the role "x", and directly below the root Marathon takes * only`},
		{"/x", map[string]any{"role": "*"}, ""},
		{"/dev/x", map[string]any{"role": "*"}, "which enforces its role, Marathon takes dev only"},
		{"/dev/a/b", map[string]any{"role": "dev"}, ""},
		{"/shop/x", map[string]any{"role": "shop"}, ""},
		{"/shop/x", map[string]any{"role": "dev"}, "takes * or shop only"},
		{"/new/x", map[string]any{"role": "new"}, ""},
		{"/new/x", map[string]any{"role": "dev"}, "takes * or new only"},

		{"/infra/x", map[string]any{"dependencies": list("/shop/theirs")}, "/infra/x → /shop/theirs → /infra/x"},
		{"/infra/x", map[string]any{"dependencies": list("/shop")}, "circle"},
		{"/infra/x", map[string]any{"dependencies": list("/cache", "/gone")}, ""},
		{"/shop/x", map[string]any{"dependencies": list("/infra")}, ""},
		{"/shop/back/x", map[string]any{"dependencies": list("/shop/front")}, ""}, // nothing is in it
		{"/shop/x", map[string]any{"dependencies": list("/shop")}, "circle"},
		{"/self/x", nil, "/self/x → /self/x"},
	} {
		h := grouped(t)
		somebody(t, h, "POST", "/v2/groups", `{"id": "/empty", "groups": [{"id": "sub"}]}`)
		somebody(t, h, "POST", "/v2/groups", `{"id": "/self", "dependencies": ["/self/x"]}`)
		if err := h.PutPod("/deep/er/pod"); err != nil {
			t.Fatal(err)
		}
		app := mesh.AppSpec{Marathon: "main", ID: c.id, Definition: map[string]any{"id": c.id, "cmd": "sleep 9"}}
		for k, v := range c.more {
			app.Definition[k] = v
		}
		s := serve(t, h).Observe(context.Background())
		got := refusals(t, s, app)
		body, _ := json.Marshal(app.Definition)
		r := httptest.NewRequest("POST", "/v2/apps", bytes.NewReader(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch {
		case c.want == "*":
			if got != "" {
				t.Errorf("%s: %s", c.id, got)
			}
		case (got == "") != (c.want == "") || !strings.Contains(got, c.want):
			t.Errorf("%s %v: the plan says %q, want %q", c.id, c.more, got, c.want)
		case (w.Code >= 300) != (got != ""):
			t.Errorf("%s %v: the plan says %q, and Marathon %d %s", c.id, c.more, got, w.Code, w.Body)
		}
	}
}

// refusals of a plan for one app.
func refusals(t *testing.T, s mesh.TargetState, app mesh.AppSpec) string {
	t.Helper()
	m := &mesh.Mesh{Name: "prod", Marathons: []mesh.MarathonSpec{{Name: "main"}}, Apps: []mesh.AppSpec{app}}
	var live *mesh.Resource
	for i := range s.Resources {
		if s.Resources[i].Addr == app.Address() {
			live = &s.Resources[i]
		}
	}
	r, _, err := definition.DesiredResource(app, live, s.Marathon.Config, definition.Masker{})
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Build(plan.Input{Mesh: m, Seen: mesh.Observed{Targets: []mesh.TargetState{s}}, Apps: []mesh.Resource{r}})
	var out []string
	for _, r := range p.Refusals {
		out = append(out, r.Message)
	}
	return strings.Join(out, "; ")
}

// TestAnAppKeepsItsRoleInAGroupOnly: an app that is there may keep a role that no new one gets, and
// not directly below the root. The plan and the Marathon are asked about the same edit.
func TestAnAppKeepsItsRoleInAGroupOnly(t *testing.T) {
	t.Parallel()
	before := marathond.New(marathond.Options{Name: "main", Tick: time.Millisecond, Role: "old"})
	t.Cleanup(func() { _ = before.Close() })
	somebody(t, before, "POST", "/v2/groups", `{"id": "/dev", "enforceRole": false}`)
	for _, id := range []string{"/x", "/shop/x", "/dev/x"} {
		somebody(t, before, "POST", "/v2/apps", `{"id": "`+id+`", "cmd": "sleep 9", "instances": 0}`)
	}
	somebody(t, before, "PATCH", "/v2/groups/dev", `{"enforceRole": true}`)
	stored, err := before.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, role, want string }{
		{"/x", "old", `has the role "old", and directly below the root Marathon takes * only`},
		{"/x", "*", ""},
		{"/x", "", `has the role "old"`}, // it stays where git names none
		{"/shop/x", "old", ""},
		{"/shop/x", "older", "takes * or shop or old only"},
		{"/dev/x", "old", ""},
		{"/dev/x", "*", "takes dev or old only"},
	} {
		h, err := marathond.Restore(marathond.Options{Name: "main", Tick: time.Millisecond}, stored)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		app := mesh.AppSpec{Marathon: "main", ID: c.id, Definition: map[string]any{"id": c.id, "cmd": "sleep 8", "instances": json.Number("0")}}
		if c.role != "" {
			app.Definition["role"] = c.role
		}
		got := refusals(t, serve(t, h).Observe(context.Background()), app)
		app.Definition["role"] = cmp.Or(c.role, "old")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s with the role %q: the plan says %q, want %q", c.id, c.role, got, c.want)
		}
		body, _ := json.Marshal(app.Definition)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("PUT", "/v2/apps"+c.id+"?partialUpdate=false", bytes.NewReader(body)))
		if (w.Code >= 300) != (got != "") {
			t.Errorf("%s with the role %q: the plan says %q, and Marathon %d %s", c.id, c.role, got, w.Code, w.Body)
		}
	}
}
