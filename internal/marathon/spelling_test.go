package marathon

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// posted makes an app as somebody else would, and waits until its tasks run.
func posted(t *testing.T, h *marathond.Server, m *Marathon, body string) mesh.TargetState {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v2/apps", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusCreated {
		text, _ := io.ReadAll(w.Body)
		t.Fatalf("%d %s", w.Code, text)
	}
	for range 5000 {
		s := m.Observe(context.Background())
		if s.Outcome == mesh.OK && len(s.Marathon.Deployments) == 0 {
			return s
		}
		_ = pause(context.Background(), m.o.Poll)
	}
	t.Fatal("its deployment does not end")
	return mesh.TargetState{}
}

// configChange is when Marathon last replaced the tasks of /x because of its definition.
func configChange(t *testing.T, m *Marathon) any {
	t.Helper()
	echo, ok, err := m.app(context.Background(), "/x")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	info, _ := echo["versionInfo"].(map[string]any)
	return info["lastConfigChangeAt"]
}

// Somebody wrote an app in a form that means the same as git's and that Marathon holds for
// another. An edit of instances scales it only when the write leaves that form as it is.
func TestScalingRestartsJustWhereThePlanSaysSo(t *testing.T) {
	t.Parallel()
	app := func(more string) string {
		return `{"id": "/x", "cmd": "sleep 1", "instances": 1, "cpus": 0.1, "mem": 16` + more + `}`
	}
	bare := map[string]any{"protocol": "MESOS_HTTP", "path": "/", "portIndex": 0}
	for _, x := range []struct {
		name, live string
		git        map[string]any
		because    []string // nil: it scales
	}{
		{name: "tty false", live: `, "tty": false`},
		{name: "tty false in git", live: `, "tty": false`, git: map[string]any{"tty": false}},
		{name: "no limits", live: `, "resourceLimits": {}`},
		{name: "no Linux info", live: `, "container": {"type": "MESOS", "linuxInfo": {}}`, git: map[string]any{"container": map[string]any{"type": "MESOS"}}},
		{
			name: "check by HTTP without index", live: `, "check": {"http": {"path": "/"}}`,
			git: map[string]any{"check": map[string]any{"http": map[string]any{"path": "/", "portIndex": 0}}},
		},
		{name: "check by TCP without index", live: `, "check": {"tcp": {}}`, git: map[string]any{"check": map[string]any{"tcp": map[string]any{}}}},
		{
			name: "health check without index", live: `, "healthChecks": [{"protocol": "MESOS_HTTP", "path": "/"}]`,
			git: map[string]any{"healthChecks": []any{bare}}, because: []string{"healthChecks", "instances"},
		},
		{
			name: "health check with index", live: `, "healthChecks": [{"protocol": "MESOS_HTTP", "path": "/", "portIndex": 0}]`,
			git: map[string]any{"healthChecks": []any{bare}},
		},
		{name: "role", live: ``},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			h := server(t)
			m := serve(t, h)
			s := posted(t, h, m, app(x.live))
			def := map[string]any{"cmd": "sleep 1", "instances": 1, "cpus": 0.1, "mem": 16}
			for k, v := range x.git {
				def[k] = v
			}
			if d := diff.Diff([]mesh.Resource{desired(t, s, "/x", def)}, mesh.Observed{Targets: []mesh.TargetState{s}}); len(d.Changes) != 0 {
				t.Errorf("the same is a change: %+v", d.Changes[0].Fields)
			}
			def["instances"] = 2
			d := diff.Diff([]mesh.Resource{desired(t, s, "/x", def)}, mesh.Observed{Targets: []mesh.TargetState{s}})
			c := d.Changes[0]
			e := definition.EffectOf(c.Before, c.After, c.App)
			if want := len(x.because); (e.Restarts > 0) != (want > 0) || want > 0 && !slices.Equal(e.Fields, x.because) {
				t.Errorf("the plan says %+v", e)
			}
			before := configChange(t, m)
			var out []plan.Outcome
			if err := m.Apply(context.Background(), plan.Work{Run: "r", Changes: d.Changes}, func(o plan.Outcome) { out = append(out, o) }); err != nil {
				t.Fatal(err)
			}
			if last(out).Result != plan.ResultDone {
				t.Errorf("%+v", out)
			}
			if restarted := configChange(t, m) != before; restarted != (e.Restarts > 0) {
				t.Errorf("the plan says %+v, and that Marathon restarted the app is %v", e, restarted)
			}
		})
	}
}

// What is deleted has no body, however it is spelt.
func TestAnAppInAnotherSpellingIsDeleted(t *testing.T) {
	t.Parallel()
	h := server(t)
	m := serve(t, h)
	reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1"}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPatch, "/v2/apps/x", strings.NewReader(`{"tty": false}`)))
	if out, s := reach(t, m, nil); last(out).Result != plan.ResultDone || len(s.Resources) != 0 {
		t.Errorf("%d: %+v", w.Code, out)
	}
}

// Marathon keeps executorResources from a POST, and loses them with any PUT.
func TestExecutorResourcesAreSentAtCreationAndNotCompared(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	def := map[string]any{"cmd": "sleep 1", "executorResources": map[string]any{"cpus": 0.5}}
	out, s := reach(t, m, map[string]map[string]any{"/x": def})
	echo, _, err := m.app(context.Background(), "/x")
	if executor, _ := echo["executorResources"].(map[string]any); err != nil || last(out).Result != plan.ResultDone || fmt.Sprint(executor["cpus"]) != "0.5" {
		t.Fatalf("%v %+v %v", err, out, echo["executorResources"])
	}
	live := &s.Resources[0]
	want, left, err := definition.DesiredResource(mesh.AppSpec{Marathon: "main", ID: "/x", Definition: def}, live, s.Marathon.Config, definition.NewMasker(nil))
	if err != nil || !mesh.EqualValues(want.Attrs, live.Attrs) || len(left) != 1 || left[0].Field != "executorResources" {
		t.Errorf("%v %+v", err, left)
	}
	delete(def, "executorResources")
	_, left, err = definition.DesiredResource(mesh.AppSpec{Marathon: "main", ID: "/x", Definition: def}, live, s.Marathon.Config, definition.NewMasker(nil))
	if err != nil || len(left) != 1 {
		t.Errorf("the next write loses them, and nobody says so: %v %+v", err, left)
	}
}
