package marathon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// long is a server whose deployments cannot be looked at for some looks once an app was written, which do lasts.
type long struct {
	*shifted

	mu    sync.Mutex
	looks int
	do    func()
}

func (s *long) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if do := s.due(r); do != nil {
		do()
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.shifted.ServeHTTP(w, r)
}

// due is what is to be done in place of answering; nil: nothing.
func (s *long) due(r *http.Request) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v2/apps") && r.ContentLength > 0 && s.do != nil && s.looks == 0:
		s.looks = 5
	case r.URL.Path == "/v2/deployments" && s.looks > 1:
		s.looks--
		return s.do
	}
	return nil
}

// set says what the next looks do, and how many of them are left; 0: as many as an app that is written gets.
func (s *long) set(looks int, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks, s.do = looks, do
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
	s.set(0, func() { s.ahead.Add(105) })
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
	s.set(0, func() {
		s.set(1, func() {})
		second, w := creating(ctx, t, s, "/y")
		if err := second.Take(ctx, mesh.Lease{Run: "r2", Over: "r1"}); err != nil {
			t.Error(err)
		}
		if err := second.Apply(ctx, w, func(plan.Outcome) {}); err != nil {
			t.Error(err)
		}
	})
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
	h := &locked{Handler: server(t), app: "/x"}
	m := serve(t, h)
	if err := m.Take(ctx, mesh.Lease{Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	seen := m.Observe(ctx)
	app := desired(t, seen, "/x", map[string]any{"cmd": "sleep 9"})
	w := plan.Work{Run: "r1", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
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
	app  string
	once sync.Once
	do   func()
}

func (s *locked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	first := false
	if r.Method == http.MethodPost && strings.Contains(string(body), `"id":"`+s.app+`"`) {
		s.once.Do(func() {
			first = true
			s.do()
		})
	}
	if first {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"message": "App is locked", "deployments": [{"id": "d"}]}`)
		return
	}
	s.Handler.ServeHTTP(w, r)
}

// TestADeploymentIsFollowedWhileItsLeaseCannotBeRenewed: at the limit of deployments Marathon refuses each write, for as long as
// others have theirs running. That is not waited for amid a change, nor tried with each look.
func TestADeploymentIsFollowedWhileItsLeaseCannotBeRenewed(t *testing.T) {
	t.Parallel()
	d := server(t)
	var renewals atomic.Int64
	m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/lease/") {
			renewals.Add(1)
		}
		d.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := m.Take(ctx, mesh.Lease{Run: "r"}); err != nil {
		t.Fatal(err)
	}
	w := workFor(t, m.Observe(ctx), map[string]any{"cmd": "sleep 1", "instances": 2})
	if err := d.Fault("stuck", "/x"); err != nil {
		t.Fatal(err)
	}
	m.o.Timeout = time.Hour
	m.o.Now = func() time.Time { return time.Now().Add(mesh.LeaseTime / 2) } // it is due
	limit := sync.OnceFunc(func() { _, _ = d.Fault("deployment-limit", ""), d.Fault("stuck", "off") })
	var end plan.Outcome
	err := m.Apply(ctx, w, func(o plan.Outcome) {
		if end = o; o.Result == plan.ResultProgress {
			limit()
			return
		}
		_ = d.Fault("deployment-limit", "off")
	})
	if err != nil || end.Result != plan.ResultDone || renewals.Load() != 1 {
		t.Errorf("%v, %d renewals: %+v", err, renewals.Load(), end)
	}
}
