package marathon

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// Trap 21: an error's details are a text or a list, and its message may be missing.
func TestWhatMarathonSaysOfARefusalIsRead(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"message": "Invalid JSON", "details": "Unexpected character"}`:                                                    "Marathon answered 422: Invalid JSON: Unexpected character",
		`{"message": "Invalid JSON", "details": [{"path": "/cpus", "errors": ["error.expected.jsnumber", "no"]}]}`:          "Marathon answered 422: Invalid JSON: /cpus: error.expected.jsnumber, no",
		`{"message": "Object is not valid", "details": [{"path": "/a", "errors": ["x"]}, {"path": "/b", "errors": ["y"]}]}`: "Marathon answered 422: Object is not valid: /a: x; /b: y",
		`{"message": null, "details": []}`: "Marathon answered 422 Unprocessable Entity",
		`{"message": "no", "details": []}`: "Marathon answered 422: no",
		``:                                 "Marathon answered 422 Unprocessable Entity",
		`<html>`:                           "Marathon answered 422 Unprocessable Entity",
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, body)
		})
		if s := serve(t, h).Observe(context.Background()); s.Outcome != mesh.BadStatus || s.Message != want {
			t.Errorf("%s is told as %q, want %q", body, s.Message, want)
		}
	}
}

// Trap 23: a 403 for the limit of deployments is waited for, said, and never forced.
func TestTheLimitOfDeploymentsIsWaitedFor(t *testing.T) {
	t.Parallel()
	h := server(t)
	var refused atomic.Int32
	m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limited := r.Method == http.MethodPost && r.URL.Path == "/v2/apps"
		if limited && refused.Add(1) == 3 {
			_ = h.Fault("deployment-limit", "off")
		} else if limited && refused.Load() < 3 {
			_ = h.Fault("deployment-limit", "")
		}
		h.ServeHTTP(w, r)
	}))
	out, s := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1"}})
	said := slices.ContainsFunc(out, func(o plan.Outcome) bool {
		return o.Result == plan.ResultProgress && strings.Contains(o.Message, "waiting: Max number (100) of running deployments")
	})
	if last(out).Result != plan.ResultDone || !said || len(s.Resources) != 1 {
		t.Errorf("%+v", out)
	}
}

// Trap 23 again: at the limit not even a lease can be taken, which is said at once, before anything is begun.
func TestAtTheLimitOfDeploymentsNoRunBegins(t *testing.T) {
	t.Parallel()
	h := server(t)
	if err := h.Fault("deployment-limit", ""); err != nil {
		t.Fatal(err)
	}
	m := serve(t, h)
	err := m.Take(context.Background(), mesh.Lease{Run: "r"})
	if err == nil || !strings.Contains(err.Error(), "take the lease of marathon/main: no lease can be taken while as many deployments run") {
		t.Errorf("%v", err)
	}
	_ = h.Fault("deployment-limit", "off")
	if err := m.Take(context.Background(), mesh.Lease{Run: "r"}); err != nil {
		t.Error(err)
	}
}

// Trap 24: a URL without its prefix answers 500.
func TestAURLThatLacksItsPrefixIsTold(t *testing.T) {
	t.Parallel()
	h := server(t)
	at := httptest.NewServer(http.StripPrefix("/service/marathon", h))
	t.Cleanup(at.Close)
	for base, want := range map[string]mesh.Outcome{"/service/marathon": mesh.OK, "/service/marathon/": mesh.OK, "": mesh.BadStatus} {
		m := New(Options{Spec: mesh.MarathonSpec{Name: "main", URLs: []string{at.URL + base}}, Mesh: "prod", HTTP: at.Client()})
		s := m.Observe(context.Background())
		if s.Outcome != want || want != mesh.OK && !strings.Contains(s.Message, "does it lack a prefix") {
			t.Errorf("%q: %s %s", base, s.Outcome, s.Message)
		}
	}
	s := serve(t, instead{h, "/v2/info", http.StatusInternalServerError, `{"message": "URI not found"}`}).Observe(context.Background())
	if s.Outcome != mesh.BadStatus || !strings.Contains(s.Message, "does it lack a prefix") {
		t.Errorf("%s %s", s.Outcome, s.Message)
	}
}

// Trap 44: right after a change of leader no deployment is listed while they run.
func TestAnEmptyListOfDeploymentsIsNoEnd(t *testing.T) {
	t.Parallel()
	h := server(t)
	for name, arg := range map[string]string{"stuck": "/x", "empty-deployments": ""} {
		if err := h.Fault(name, arg); err != nil {
			t.Fatal(err)
		}
	}
	var looks atomic.Int32
	var begun, lifted atomic.Bool
	m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if r.Method == http.MethodPost && r.URL.Path == "/v2/apps" {
			begun.Store(true)
		} else if begun.Load() && r.Method == http.MethodGet && r.URL.Path == "/v2/apps/x" && looks.Add(1) == 3 {
			lifted.Store(true)
			_ = h.Fault("stuck", "off")
		}
	}))
	s := m.Observe(context.Background())
	w := workFor(t, s, map[string]any{"cmd": "sleep 1"})
	var end plan.Outcome
	early := false
	if err := m.Apply(context.Background(), w, func(o plan.Outcome) {
		end = o
		early = early || o.Result != plan.ResultProgress && !lifted.Load()
	}); err != nil {
		t.Fatal(err)
	}
	if end.Result != plan.ResultDone || early {
		t.Errorf("%+v, before its tasks ran: %v", end, early)
	}
}

// workFor is what brings /x to a definition.
func workFor(t *testing.T, s mesh.TargetState, def map[string]any) plan.Work {
	t.Helper()
	seen := mesh.Observed{Targets: []mesh.TargetState{s}}
	return plan.Work{Run: "r", Changes: diff.Diff([]mesh.Resource{desired(t, s, "/x", def)}, seen).Changes}
}

// Trap 41: how tasks fare is no difference, whatever a release calls it, and is not sent back.
func TestStatisticsOfTasksAreNoDifference(t *testing.T) {
	t.Parallel()
	h := marathond.New(marathond.Options{Name: "main"})
	t.Cleanup(func() { _ = h.Close() })
	for _, name := range []string{"taskStats", "tasksStats"} {
		app := `{"id": "/x", "cmd": "sleep 1", "instances": 0, "` + name + `": {"startedAfterLastScaling": {"stats": {"counts": {"staged": 0}}}}}`
		s := serve(t, instead{h, "/v2/apps", http.StatusOK, `{"apps": [` + app + `]}`}).Observe(context.Background())
		if s.Outcome != mesh.OK || len(s.Resources[0].App.Foreign) != 0 || s.Resources[0].Attrs[name] != nil {
			t.Errorf("%+v", s)
		}
	}
}
