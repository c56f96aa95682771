package apply

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// labLease is a lease in memory.
type labLease struct {
	mu     sync.Mutex
	target mesh.Target
	by     string
	lost   bool
}

func (l *labLease) Take(_ context.Context, lease mesh.Lease) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by != "" && l.by != lease.Run {
		return &mesh.Held{Target: l.target, By: mesh.Lease{Run: l.by, Who: "ann@ci"}, Left: time.Minute}
	}
	l.by = lease.Run
	return nil
}

func (l *labLease) Renew(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return &mesh.Lost{Target: l.target, To: "r9"}
	}
	return nil
}

func (l *labLease) Release(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by = ""
	return nil
}

func leasesOf(names ...string) map[mesh.Target]*labLease {
	out := map[mesh.Target]*labLease{}
	for _, n := range names {
		t := mesh.Host(n)
		out[t] = &labLease{target: t}
	}
	return out
}

func (l *lab) leased(ls map[mesh.Target]*labLease, p plan.Plan) (Report, error) {
	leases := map[mesh.Target]Leaser{}
	for t, x := range ls {
		leases[t] = x
	}
	o := l.options()
	o.Leases, o.Lease = leases, mesh.Lease{Run: "r1"}
	err := Run(context.Background(), p, o)
	return Fold(l.events), err
}

// A run that stops one member leases them all: another one could stop a second one.
func TestAllMembersOfAnEnsembleAreLeased(t *testing.T) {
	t.Parallel()
	l, ls := newLab(), leasesOf("m1", "m2", "m3", "a1")
	p := rolling()
	p.Stages[0].Batches = p.Stages[0].Batches[:1]
	var during []string
	l.onWork = func(string, plan.Work) (plan.Result, error) {
		for t, x := range ls {
			x.mu.Lock()
			if x.by == "r1" {
				during = append(during, t.Name)
			}
			x.mu.Unlock()
		}
		return plan.ResultDone, nil
	}
	r, err := l.leased(ls, p)
	slices.Sort(during)
	if err != nil || r.Code != CodeDone || !slices.Equal(during, []string{"m1", "m2", "m3"}) {
		t.Errorf("%v %+v, leased while it worked: %v", err, r, during)
	}
	for target, x := range ls {
		if x.by != "" {
			t.Errorf("%s is still leased by %s", target, x.by)
		}
	}
}

func TestNothingIsDoneWhereAnotherRunIsAtWork(t *testing.T) {
	t.Parallel()
	for _, busy := range []string{"m1", "m3"} {
		l, ls := newLab(), leasesOf("m1", "m2", "m3")
		ls[mesh.Host(busy)].by = "r0"
		r, err := l.leased(ls, rolling())
		if err != nil || r.Code != CodeLeased || len(l.worked) != 0 || len(r.Skipped) == 0 || r.Stopped == nil ||
			!strings.Contains(r.Stopped.Message, "host/"+busy+" is leased by the run r0 of ann@ci") {
			t.Errorf("%s: %v %+v", busy, err, r)
		}
		for target, x := range ls {
			if x.by != "" && x.by != "r0" {
				t.Errorf("%s is kept by a run that does nothing", target)
			}
		}
	}
}

func TestALeaseThatIsLostStopsTheRun(t *testing.T) {
	t.Parallel()
	l, ls := newLab(), leasesOf("m1", "m2", "m3")
	o := l.options()
	o.Leases, o.Lease = map[mesh.Target]Leaser{}, mesh.Lease{Run: "r1"}
	for t, x := range ls {
		o.Leases[t] = x
	}
	renewed := make(chan struct{})
	turns := make(chan struct{}, 1)
	o.Pause = func(ctx context.Context, _ time.Duration) error {
		select {
		case turns <- struct{}{}:
			return nil // the first renewal comes at once
		default:
			close(renewed)
			<-ctx.Done()
			return ctx.Err()
		}
	}
	l.onWork = func(string, plan.Work) (plan.Result, error) {
		<-renewed
		return plan.ResultDone, nil
	}
	ls[mesh.Host("m1")].lost = true
	err := Run(context.Background(), rolling(), o)
	r := Fold(l.events)
	if err != nil || r.Code != CodePartial || len(l.worked) > 1 || r.Stopped == nil || !strings.Contains(r.Stopped.Message, "the lease of host/m1 was taken by the run r9") {
		t.Errorf("%v %+v, worked on %v", err, r, l.worked)
	}
}
