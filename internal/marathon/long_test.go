package marathon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// long is a server whose deployments cannot be looked at for some looks once an app was written, which do lasts.
type long struct {
	*shifted
	looks int
	do    func()
}

func (s *long) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v2/apps") && r.ContentLength > 0 && s.do != nil && s.looks == 0:
		s.looks = 5
	case r.URL.Path == "/v2/deployments" && s.looks > 1:
		s.looks--
		s.do()
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.shifted.ServeHTTP(w, r)
}

// creating is a client whose clock is the server's, and a work that creates an app.
func creating(ctx context.Context, t *testing.T, s *long, id string) (*Marathon, plan.Work) {
	t.Helper()
	m := serve(t, s)
	m.o.Timeout = time.Hour
	m.o.Now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load()) * time.Second) }
	seen := m.Observe(ctx)
	app := desired(t, seen, id, map[string]any{"cmd": "sleep 9"})
	return m, plan.Work{Run: "r1", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
}

// TestALeaseLastsAsLongAsADeployment: one that takes seven minutes, while nobody else can renew the lease.
func TestALeaseLastsAsLongAsADeployment(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := &long{shifted: movableServer(t)}
	m, w := creating(ctx, t, s, "/x")
	if err := m.Take(ctx, mesh.Lease{Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	s.do = func() { s.ahead.Add(105) }
	if err := m.Apply(ctx, w, func(plan.Outcome) {}); err != nil || s.ahead.Load() < 400 {
		t.Errorf("%v after %d s", err, s.ahead.Load())
	}
	if err := m.Renew(ctx); err != nil {
		t.Errorf("the lease: %v", err)
	}
}

// TestARunThatLostItsLeaseAmidADeploymentRecordsNothing: it would write over what the other one recorded.
func TestARunThatLostItsLeaseAmidADeploymentRecordsNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := &long{shifted: movableServer(t)}
	m, w := creating(ctx, t, s, "/x")
	if err := m.Take(ctx, mesh.Lease{Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	s.do = func() {
		s.do, s.looks = func() {}, 1
		second, w := creating(ctx, t, s, "/y")
		if err := second.Take(ctx, mesh.Lease{Run: "r2", Over: "r1"}); err != nil {
			t.Error(err)
		}
		if err := second.Apply(ctx, w, func(plan.Outcome) {}); err != nil {
			t.Error(err)
		}
	}
	var lost *mesh.Lost
	if err := m.Apply(ctx, w, func(plan.Outcome) {}); !errors.As(err, &lost) || lost.To != "r2" {
		t.Errorf("%v", err)
	}
	if e := others(m).Observe(ctx).Record.Entries["marathon/main/app:/y"]; e.State != mesh.Holds {
		t.Errorf("the other run's record: %+v", e)
	}
}

// TestARunThatLostItsLeaseWhileItWaitedForALockWritesNothing: a lock is waited for longer than a lease lasts.
func TestARunThatLostItsLeaseWhileItWaitedForALockWritesNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := &locked{Handler: server(t)}
	m := serve(t, h)
	if err := m.Take(ctx, mesh.Lease{Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	seen := m.Observe(ctx)
	app := desired(t, seen, "/x", map[string]any{"cmd": "sleep 9"})
	w := plan.Work{Run: "r1", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
	h.app = "/x"
	h.do = func() {
		if err := others(m).Take(ctx, mesh.Lease{Run: "r2", Over: "r1"}); err != nil {
			t.Error(err)
		}
	}
	var out []plan.Outcome
	err := m.Apply(ctx, w, func(o plan.Outcome) { out = append(out, o) })
	var lost *mesh.Lost
	if _, there, _ := m.app(ctx, "/x"); there || last(out).Result != plan.ResultFailed || !errors.As(err, &lost) {
		t.Errorf("%v %+v", err, out)
	}
}

// locked is a server on which an app is locked at the first write of it, and somebody does something meanwhile.
type locked struct {
	http.Handler
	app string
	do  func()
}

func (s *locked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method == http.MethodPost && s.app != "" && strings.Contains(string(body), `"id":"`+s.app+`"`) {
		s.app = ""
		s.do()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"message": "App is locked", "deployments": [{"id": "d"}]}`)
		return
	}
	s.Handler.ServeHTTP(w, r)
}
