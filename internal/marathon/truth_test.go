package marathon

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// TestRestartsAreCounted: those that the plan predicts, and those that were.
func TestRestartsAreCounted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		def  map[string]any
		die  bool // a task, while the deployment is followed
		want plan.Restarts
	}{
		"another command":             {map[string]any{"cmd": "sleep 2", "instances": 2}, false, plan.Restarts{Predicted: 2, Observed: 2}},
		"another command, more tasks": {map[string]any{"cmd": "sleep 2", "instances": 4}, false, plan.Restarts{Predicted: 2, Observed: 2}},
		"another command, less tasks": {map[string]any{"cmd": "sleep 2", "instances": 1}, false, plan.Restarts{Predicted: 1, Observed: 1}},
		"more tasks":                  {map[string]any{"cmd": "sleep 1", "instances": 4}, false, plan.Restarts{}},
		"less tasks":                  {map[string]any{"cmd": "sleep 1", "instances": 1}, false, plan.Restarts{}},
		"more tasks, and one dies":    {map[string]any{"cmd": "sleep 1", "instances": 4}, true, plan.Restarts{Observed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := server(t)
			m := serve(t, d)
			_, seen := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}})
			task := d.Tasks()[0].ID
			if c.die {
				_ = d.Fault("stuck", "/x")
			}
			app := desired(t, seen, "/x", c.def)
			w := plan.Work{Run: "r", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
			once := sync.OnceFunc(func() {
				if c.die {
					d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodDelete, "/v2/apps/x/tasks/"+task, nil))
					_ = d.Fault("stuck", "off")
				}
			})
			end, said := applied(t, m, w, func(string) { once() })
			if end.Result != plan.ResultDone || end.Restarts == nil || *end.Restarts != c.want {
				t.Errorf("%+v %+v %q", end, end.Restarts, said)
			}
		})
	}
}

// TestNoRestartsAreToldOfANewApp: nor of one whose tasks are not listed.
func TestNoRestartsAreToldOfANewApp(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	if end, _ := applied(t, m, deploying(t, m, "/x")); end.Result != plan.ResultDone || end.Restarts != nil {
		t.Errorf("%+v", end)
	}
	c := diff.Change{Before: mesh.Tree{}, After: mesh.Tree{}}
	if r := restarts(c, map[string]any{}, map[string]any{"tasks": []any{}}); r != nil {
		t.Errorf("%+v", r)
	}
}
