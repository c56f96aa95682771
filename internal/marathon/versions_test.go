package marathon

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// interfering is a server on which somebody writes an app just before the first PUT of it.
type interfering struct {
	http.Handler
	once sync.Once
	do   func()
}

func (s *interfering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut && r.URL.Path == "/v2/apps/x" {
		s.once.Do(s.do)
	}
	s.Handler.ServeHTTP(w, r)
}

// TestWhatTheHolderOfALockChangedIsNotOverwritten: between the look and the write somebody changes the app, and the write
// waits for the deployment of that change.
func TestWhatTheHolderOfALockChangedIsNotOverwritten(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := &interfering{Handler: server(t)}
	m := serve(t, h)
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 9", "instances": 1}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	s := m.Observe(ctx)
	app := desired(t, s, "/x", map[string]any{"cmd": "sleep 10", "instances": 1})
	w := plan.Work{Run: "r", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes}
	theirs := serve(t, h.Handler)
	h.do = func() {
		body := map[string]any{"cmd": "sleep 9", "instances": 1, "env": map[string]any{"THEIRS": "1"}}
		if _, err := theirs.api.call(ctx, http.MethodPut, "/v2/apps/x?partialUpdate=true", body, nil); err != nil {
			t.Error(err)
		}
	}
	var out []plan.Outcome
	if err := m.Apply(ctx, w, func(o plan.Outcome) { out = append(out, o) }); err != nil {
		t.Fatal(err)
	}
	if o := last(out); o.Result != plan.ResultConflict || !strings.Contains(o.Message, "env") {
		t.Errorf("%+v", out)
	}
	live, _, err := m.app(ctx, "/x")
	if env, _ := live["env"].(map[string]any); err != nil || env["THEIRS"] != "1" {
		t.Errorf("%v %v", live, err)
	}
}

// TestAChangeThatWasOverwrittenIsTold: somebody scales the app between the look and the write; their deployment is
// over at once, so that nothing keeps the write off.
func TestAChangeThatWasOverwrittenIsTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := &interfering{Handler: server(t)}
	m := serve(t, h)
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 9", "instances": 0}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	theirs := serve(t, h.Handler)
	h.do = func() {
		body := map[string]any{"cmd": "sleep 9", "instances": 0, "env": map[string]any{"THEIRS": "1", "PASSWORD": "hunter2"}}
		if _, err := theirs.api.call(ctx, http.MethodPut, "/v2/apps/x?partialUpdate=true", body, nil); err != nil {
			t.Error(err)
		}
		for deployments := []mesh.Deployment{{}}; len(deployments) > 0; {
			var err error
			if deployments, err = theirs.deployments(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 10", "instances": 0}})
	o := last(out)
	for _, want := range []string{"was overwritten", "THEIRS", "/v2/apps/x/versions/20"} {
		if !strings.Contains(o.Message, want) {
			t.Errorf("%q is missing in %q", want, o.Message)
		}
	}
	if o.Result != plan.ResultDone || strings.Contains(o.Message, "hunter2") || strings.Contains(o.Message, "cmd") {
		t.Errorf("%+v", o)
	}
	out, _ = reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 11", "instances": 0}})
	if o := last(out); o.Result != plan.ResultDone || o.Message != "" {
		t.Errorf("nobody interfered: %+v", o)
	}
}

// later is a server on which somebody writes an app when its write is followed.
type later struct {
	http.Handler
	wrote atomic.Bool
	do    func()
}

func (s *later) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/v2/apps/x":
		s.wrote.Store(s.do != nil)
	case r.URL.Path == "/v2/deployments" && s.wrote.Swap(false):
		s.do()
	}
	s.Handler.ServeHTTP(w, r)
}

// TestAChangeThatCameAfterTheWriteIsNotCalledOverwritten: it is theirs that stands.
func TestAChangeThatCameAfterTheWriteIsNotCalledOverwritten(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := &later{Handler: server(t)}
	m := serve(t, h)
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 9", "instances": 0}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	theirs := serve(t, h.Handler)
	h.do = func() {
		body := map[string]any{"cmd": "sleep 10", "instances": 0, "env": map[string]any{"THEIRS": "1"}}
		if _, err := theirs.api.call(ctx, http.MethodPut, "/v2/apps/x?force=true", body, nil); err != nil {
			t.Error(err)
		}
	}
	out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 10", "instances": 0}})
	if o := last(out); o.Result != plan.ResultFailed || !strings.Contains(o.Message, "somebody changed it meanwhile") || strings.Contains(o.Message, "overwritten") {
		t.Errorf("%+v", o)
	}
}

// TestAnAppThatSomebodyDeletesWhileItIsFollowedIsTold: no deployment brings it back, so nothing is waited for.
func TestAnAppThatSomebodyDeletesWhileItIsFollowedIsTold(t *testing.T) {
	t.Parallel()
	d := server(t)
	h := &later{Handler: d}
	m := serve(t, h)
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 9", "instances": 1}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	h.do = func() { somebody(t, d, http.MethodDelete, "/v2/apps/x?force=true", "") }
	out, s := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 10", "instances": 1}})
	if o := last(out); o.Result != plan.ResultFailed || !strings.HasPrefix(o.Message, "somebody deleted the app meanwhile") {
		t.Errorf("%+v", o)
	}
	h.do = nil
	if e := s.Record.Entries["marathon/main/app:/x"]; e.State != mesh.Intends {
		t.Errorf("the record: %+v", e)
	}
	if out, s = reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 10", "instances": 1}}); last(out).Action != string(diff.Create) || last(out).Result != plan.ResultDone {
		t.Errorf("then: %+v %+v", out, s.Record.Entries)
	}
}

// TestAnAppThatSomebodyDeletesBetweenTheLookAndTheWriteIsTold: Marathon makes it anew, whatever the write was made from.
func TestAnAppThatSomebodyDeletesBetweenTheLookAndTheWriteIsTold(t *testing.T) {
	t.Parallel()
	d := server(t)
	h := &interfering{Handler: d}
	m := serve(t, h)
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 9", "instances": 0}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	h.do = func() {
		somebody(t, d, http.MethodDelete, "/v2/apps/x", "")
		for len(m.mustDeployments(t)) > 0 {
		}
	}
	out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 10", "instances": 0}})
	if o := last(out); o.Result != plan.ResultDone || !strings.Contains(o.Message, "somebody deleted the app between the look and the write") {
		t.Errorf("%+v", o)
	}
}

// TestAChangeThatCameRightBehindTheWriteIsNotCalledOverwritten: it is there before the versions are listed.
func TestAChangeThatCameRightBehindTheWriteIsNotCalledOverwritten(t *testing.T) {
	t.Parallel()
	d := server(t)
	var once sync.Once
	m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.ServeHTTP(w, r)
		if r.Method == http.MethodPut && r.URL.Path == "/v2/apps/x" {
			once.Do(func() { somebody(t, d, http.MethodPatch, "/v2/apps/x?force=true", `{"env": {"THEIRS": "1"}}`) })
		}
	}))
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 9", "instances": 0}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 10", "instances": 0}})
	if o := last(out); o.Result != plan.ResultFailed || !strings.Contains(o.Message, "somebody changed it meanwhile") || strings.Contains(o.Message, "overwritten") {
		t.Errorf("%+v", o)
	}
}
