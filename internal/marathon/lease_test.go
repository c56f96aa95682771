package marathon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// shifted is a server whose clock, as its answers tell it, is ahead of the versions that it gave.
type shifted struct {
	http.Handler
	ahead atomic.Int64 // seconds
}

func (s *shifted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	s.Handler.ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.Header().Set("Date", time.Now().Add(time.Duration(s.ahead.Load())*time.Second).UTC().Format(http.TimeFormat))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// others returns another client of the same server.
func others(m *Marathon) *Marathon { return New(m.o) }

func TestALeaseOfAMarathonIsOfOneRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	clock := &shifted{Handler: server(t)}
	first := serve(t, clock)
	second := others(first)
	one := mesh.Lease{Run: "r1", Who: "me@here", Job: "https://ci.example.com/1", Process: "a b 1 2"}
	if err := first.Take(ctx, one); err != nil {
		t.Fatal(err)
	}
	var held *mesh.Held
	if err := second.Take(ctx, mesh.Lease{Run: "r2"}); !errors.As(err, &held) || held.By != one || held.Left <= 0 || held.Left > mesh.LeaseTime+time.Second {
		t.Fatalf("%v", err)
	}
	if err := first.Renew(ctx); err != nil {
		t.Errorf("renew: %v", err)
	}
	clock.ahead.Store(2 * int64(mesh.LeaseTime/time.Second))
	var lost *mesh.Lost
	if err := first.Renew(ctx); !errors.As(err, &lost) || lost.To != "" {
		t.Errorf("renew of what expired: %v", err)
	}
	if err := second.Take(ctx, mesh.Lease{Run: "r2"}); err != nil {
		t.Fatalf("an expired lease: %v", err)
	}
	clock.ahead.Store(0)
	if err := first.Renew(ctx); !errors.As(err, &lost) {
		t.Errorf("renew of what another run has: %v", err)
	}
	s := first.Observe(ctx)
	app := desired(t, s, "/x", map[string]any{"cmd": "sleep 9"})
	w := plan.Work{Run: "r1", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes}
	if err := first.Apply(ctx, w, func(o plan.Outcome) { t.Errorf("it was tried: %+v", o) }); !errors.As(err, &lost) || lost.To != "r2" {
		t.Errorf("a write without the lease: %v", err)
	}
	if err := second.Release(ctx); err != nil {
		t.Error(err)
	}
	if err := others(first).Take(ctx, mesh.Lease{Run: "r3"}); err != nil {
		t.Errorf("a lease that was given back: %v", err)
	}
	if s := first.Observe(ctx); len(s.Resources) != 0 {
		t.Errorf("a lease counts as an app: %+v", s.Resources)
	}
}

func TestTheLeaseOfAnEndedRunIsTakenOver(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	if err := m.Take(context.Background(), mesh.Lease{Run: "killed"}); err != nil {
		t.Fatal(err)
	}
	if err := others(m).Take(context.Background(), mesh.Lease{Run: "r2", Over: "killed"}); err != nil {
		t.Error(err)
	}
}

func TestOneOfManyTakesTheLeaseOfAMarathon(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	var wg sync.WaitGroup
	var won atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			err := others(m).Take(context.Background(), mesh.Lease{Run: fmt.Sprintf("r%d", i)})
			var held *mesh.Held
			if err == nil {
				won.Add(1)
			} else if !errors.As(err, &held) {
				t.Errorf("r%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d runs took the lease", won.Load())
	}
}
