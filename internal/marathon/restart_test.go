package marathon

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// counted passes requests on and counts the restarts. With lose set, their replies are lost.
type counted struct {
	*marathond.Server
	restarts, lists atomic.Int32
	lose            bool
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.RequestURI, "/v2/apps?") || r.RequestURI == "/v2/apps" {
		c.lists.Add(1)
	}
	if !strings.HasSuffix(r.URL.Path, "/restart") {
		c.Server.ServeHTTP(w, r)
		return
	}
	c.restarts.Add(1)
	if r.URL.RawQuery != "force=false" {
		http.Error(w, "forced", http.StatusTeapot)
		return
	}
	if c.lose {
		c.Server.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	c.Server.ServeHTTP(w, r)
}

// withOldTasks is a Marathon with an app whose update was cancelled by force, and the app as git wants it.
func withOldTasks(t *testing.T) (*counted, *Marathon, map[string]map[string]any) {
	t.Helper()
	s := &counted{Server: server(t)}
	m := serve(t, s)
	reach(t, m, map[string]map[string]any{"/a": {"cmd": "one", "instances": 2, "portDefinitions": []any{}}})
	if err := s.Fault("stuck", "/a"); err != nil {
		t.Fatal(err)
	}
	var put struct {
		DeploymentID string `json:"deploymentId"`
	}
	body := map[string]any{"id": "/a", "cmd": "two", "instances": 2, "portDefinitions": []any{}}
	if _, err := m.api.call(context.Background(), http.MethodPut, "/v2/apps/a?partialUpdate=false", body, &put); err != nil {
		t.Fatal(err)
	}
	if _, err := m.api.call(context.Background(), http.MethodDelete, "/v2/deployments/"+put.DeploymentID+"?force=true", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Fault("stuck", "off"); err != nil {
		t.Fatal(err)
	}
	s.lists.Store(0)
	return s, m, map[string]map[string]any{"/a": {"cmd": "two", "instances": 2, "portDefinitions": []any{}}}
}

func appOf(s mesh.TargetState) *mesh.AppState {
	for _, r := range s.Resources {
		if r.Addr.Name == "/a" {
			return r.App
		}
	}
	return nil
}

func TestTasksOfAnOlderConfigurationAreRestartedOnce(t *testing.T) {
	t.Parallel()
	s, m, want := withOldTasks(t)
	if seen := appOf(m.Observe(context.Background())); seen.TasksOutdated == 0 || s.lists.Load() != 1 {
		t.Fatalf("%+v by %d lists", seen, s.lists.Load())
	}
	out, after := reach(t, m, want)
	if o := last(out); o.Result != plan.ResultDone || o.Action != string(diff.Restart) || s.restarts.Load() != 1 {
		t.Fatalf("%+v, %d restarts", out, s.restarts.Load())
	}
	if r := last(out).Restarts; r == nil || *r != (plan.Restarts{Predicted: 2, Observed: 2}) {
		t.Errorf("the report counts %+v", r)
	}
	if a := appOf(after); a.TasksOutdated != 0 || a.TasksRunning != 2 {
		t.Errorf("%+v", a)
	}
	if e := after.Record.Entries["marathon/main/app:/a"]; e.State != mesh.Holds {
		t.Errorf("%+v", e)
	}
	if out, _ := reach(t, m, want); len(out) != 0 || s.restarts.Load() != 1 {
		t.Errorf("again: %+v, %d restarts", out, s.restarts.Load())
	}
}

func TestARestartWhoseReplyIsLostIsLookedUpAndNotRepeated(t *testing.T) {
	t.Parallel()
	s, m, want := withOldTasks(t)
	s.lose = true
	out, after := reach(t, m, want)
	if o := last(out); o.Result != plan.ResultDone || s.restarts.Load() != 1 || appOf(after).TasksOutdated != 0 {
		t.Fatalf("%+v, %d restarts, %+v", out, s.restarts.Load(), appOf(after))
	}
}

// A run that was killed behind the request left the app recorded as intended: the next one
// follows the deployment, and asks for no second restart.
func TestARestartThatSomebodyElseMadeIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	s, m, want := withOldTasks(t)
	seen := m.Observe(context.Background())
	w := plan.Work{Run: "r", Changes: diff.Diff([]mesh.Resource{desired(t, seen, "/a", want["/a"])}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
	if _, err := m.api.call(context.Background(), http.MethodPost, "/v2/apps/a/restart?force=false", nil, nil); err != nil {
		t.Fatal(err)
	}
	var out []plan.Outcome
	if err := m.Apply(context.Background(), w, func(o plan.Outcome) { out = append(out, o) }); err != nil {
		t.Fatal(err)
	}
	if o := last(out); s.restarts.Load() != 1 || o.Result != plan.ResultDone && o.Result != plan.ResultConflict {
		t.Errorf("%+v, %d restarts", out, s.restarts.Load())
	}
	if out, _ := reach(t, m, want); s.restarts.Load() != 1 {
		t.Errorf("%+v, %d restarts", out, s.restarts.Load())
	}
}

// TestScalingThatLeavesOldTasksIsDone: the plan says that it leaves them, and that the next one restarts them. What comes after it in
// the run is done, too.
func TestScalingThatLeavesOldTasksIsDone(t *testing.T) {
	t.Parallel()
	_, m, defs := withOldTasks(t)
	defs["/a"]["instances"] = 3
	out, s := reach(t, m, defs)
	if o := last(out); o.Action != string(diff.Update) || o.Result != plan.ResultDone || !strings.Contains(o.Message, "of an older configuration, which this change does not replace: plan again") {
		t.Errorf("%+v", out)
	}
	if a := appOf(s); a.TasksRunning != 3 || a.TasksOutdated == 0 {
		t.Errorf("%+v", a)
	}
	out, s = reach(t, m, defs)
	if o := last(out); o.Action != string(diff.Restart) || o.Result != plan.ResultDone || appOf(s).TasksOutdated != 0 {
		t.Errorf("then: %+v", out)
	}
}
