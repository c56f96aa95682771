package marathon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
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

// movable is the clock of a server whose versions and answers tell the same time.
type movable struct {
	marathond.RealClock
	shift *shifted
}

func (c movable) Now() time.Time {
	return time.Now().Add(time.Duration(c.shift.ahead.Load()) * time.Second)
}

// movableServer is a server whose clock can be set.
func movableServer(t *testing.T) *shifted {
	s := &shifted{}
	d := marathond.New(marathond.Options{Name: "main", Tick: time.Millisecond, Clock: movable{shift: s}})
	t.Cleanup(func() { _ = d.Close() })
	s.Handler = d
	return s
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

// TestOneOfManyTakesTheLeaseOfAMarathon lets many take it at once, many times: as it was given back, as
// it expired, and as it was never taken.
func TestOneOfManyTakesTheLeaseOfAMarathon(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	clock := movableServer(t)
	m := serve(t, clock)
	for round := range 200 {
		var wg sync.WaitGroup
		runs := make([]*Marathon, 6)
		won := make([]bool, len(runs))
		for i := range runs {
			runs[i] = others(m)
			wg.Go(func() {
				err := runs[i].Take(ctx, mesh.Lease{Run: fmt.Sprintf("r%d.%d", round, i)})
				var held *mesh.Held
				if won[i] = err == nil; err != nil && !errors.As(err, &held) {
					t.Errorf("round %d, run %d: %v", round, i, err)
				}
			})
		}
		wg.Wait()
		winner := slices.Index(won, true)
		if winner < 0 || slices.Contains(won[winner+1:], true) {
			t.Fatalf("round %d: taken by %v", round, won)
		}
		if round%2 == 0 {
			if err := runs[winner].Release(ctx); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		} else {
			clock.ahead.Add(2 * int64(mesh.LeaseTime/time.Second))
		}
	}
}

// TestALateTakerOfAMarathonYields: a run read that a lease expired, and posts the next number when
// others have had it, and given it back, meanwhile.
func TestALateTakerOfAMarathonYields(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	clock := movableServer(t)
	m := serve(t, clock)
	if err := m.Take(ctx, mesh.Lease{Run: "expired"}); err != nil {
		t.Fatal(err)
	}
	clock.ahead.Store(2 * int64(mesh.LeaseTime/time.Second))
	gate := &gated{Handler: clock, arrived: make(chan bool), open: make(chan bool)}
	late := serve(t, gate)
	ended := make(chan error, 1)
	go func() { ended <- late.Take(ctx, mesh.Lease{Run: "late"}) }()
	<-gate.arrived
	second, third := others(m), others(m)
	if err := second.Take(ctx, mesh.Lease{Run: "second"}); err != nil {
		t.Fatal(err)
	}
	if err := second.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if err := third.Take(ctx, mesh.Lease{Run: "third"}); err != nil {
		t.Fatal(err)
	}
	close(gate.open)
	var held *mesh.Held
	if err := <-ended; !errors.As(err, &held) || held.By.Run != "third" {
		t.Errorf("the late one: %v", err)
	}
	if err := third.Renew(ctx); err != nil {
		t.Errorf("the one that has it: %v", err)
	}
}

// gated is a server that holds back the first POST until it is opened.
type gated struct {
	http.Handler
	arrived, open chan bool
	once          sync.Once
}

func (g *gated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		g.once.Do(func() { close(g.arrived) })
		<-g.open
	}
	g.Handler.ServeHTTP(w, r)
}

// mute is a server that does not tell its leases once one was posted.
type mute struct {
	http.Handler
	posted atomic.Bool
}

func (s *mute) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.posted.Load() && r.Method == http.MethodGet {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.Method == http.MethodPost {
		s.posted.Store(true)
	}
	s.Handler.ServeHTTP(w, r)
}

// TestALeaseThatWasNotSeenIsGivenBack: the run ends, and the next one need not wait until the lease expires.
func TestALeaseThatWasNotSeenIsGivenBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := &mute{Handler: server(t)}
	m := serve(t, s)
	var held *mesh.Held
	if err := m.Take(ctx, mesh.Lease{Run: "r1"}); err == nil || errors.As(err, &held) {
		t.Fatalf("%v", err)
	}
	if err := serve(t, s.Handler).Take(ctx, mesh.Lease{Run: "r2"}); err != nil {
		t.Error(err)
	}
}

// TestARecordThatHadToWaitIsNotWrittenWithoutTheLease: at the limit of deployments no lease can be renewed, and another
// run may have written the record by the time that there is room again.
func TestARecordThatHadToWaitIsNotWrittenWithoutTheLease(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := server(t)
	refused := 0
	var meanwhile func()
	first := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/record/") && refused == 0 {
			refused++
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"message": "Max number (100) of running deployments reached (100). Please wait for deployments to finish."}`)
			meanwhile()
			return
		}
		d.ServeHTTP(w, r)
	}))
	if err := first.Take(ctx, mesh.Lease{Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	w := workFor(t, first.Observe(ctx), map[string]any{"cmd": "sleep 1"})
	second := serve(t, d)
	meanwhile = func() {
		if err := second.Take(ctx, mesh.Lease{Run: "r2", Over: "r1"}); err != nil {
			t.Error(err)
		}
		reach(t, second, map[string]map[string]any{"/other": {"cmd": "sleep 2", "instances": 0}}) //nolint:contextcheck // the other run is part of no request
	}
	err := first.Apply(ctx, w, func(o plan.Outcome) { t.Errorf("it was tried: %+v", o) })
	s := second.Observe(ctx)
	if _, ok := s.Record.Entries["marathon/main/app:/other"]; !ok || len(s.Resources) != 1 || !errors.As(err, new(*mesh.Lost)) {
		t.Errorf("%v: %d apps, the record %+v", err, len(s.Resources), s.Record.Entries)
	}
}

func TestWhoHoldsTheLeaseIsSeenWithTheApps(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	clock := &shifted{Handler: server(t)}
	m := serve(t, clock)
	if s := m.Observe(ctx); s.Outcome != mesh.OK || s.Marathon.Lease != nil {
		t.Fatalf("%s %s: nobody has a lease: %+v", s.Outcome, s.Message, s.Marathon)
	}
	one := mesh.Lease{Run: "r1", Who: "me@here", Job: "https://ci.example.com/1", Process: "a b 1 2"}
	if err := m.Take(ctx, one); err != nil {
		t.Fatal(err)
	}
	held := others(m).Observe(ctx).Marathon.Lease
	if held == nil || held.By != one || held.Target != m.Target() || held.Left <= 0 || held.Left > mesh.LeaseTime+time.Second {
		t.Errorf("%+v", held)
	}
	clock.ahead.Store(2 * int64(mesh.LeaseTime/time.Second))
	if held := others(m).Observe(ctx).Marathon.Lease; held != nil {
		t.Errorf("an expired lease: %+v", held)
	}
	clock.ahead.Store(0)
	if err := m.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if held := others(m).Observe(ctx).Marathon.Lease; held != nil {
		t.Errorf("a lease that was given back: %+v", held)
	}
}

// TestALeaseWhoseReplyIsLostIsTaken: the run's own is there, and to leave it would keep others away for its time.
func TestALeaseWhoseReplyIsLostIsTaken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		done  bool // the request came
		first bool // another run was faster
	}{"and it was written": {done: true}, "and it was not written": {}, "and another run was first": {first: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := server(t)
			var once sync.Once
			m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					once.Do(func() {
						if c.first {
							if err := serve(t, d).Take(ctx, mesh.Lease{Run: "r2"}); err != nil {
								t.Error(err)
							}
						}
						if c.done {
							d.ServeHTTP(httptest.NewRecorder(), r)
						}
						panic(http.ErrAbortHandler)
					})
				}
				d.ServeHTTP(w, r)
			}))
			err := m.Take(ctx, mesh.Lease{Run: "r1"})
			if (err == nil) != c.done {
				t.Errorf("%v", err)
			}
			if c.done {
				if err := m.Release(ctx); err != nil {
					t.Errorf("it was not its own: %v", err)
				}
			}
			var held *mesh.Held
			if err := others(m).Take(ctx, mesh.Lease{Run: "r3"}); errors.As(err, &held) != c.first || c.first && held.By.Run != "r2" {
				t.Errorf("the next run: %v", err)
			}
		})
	}
}
