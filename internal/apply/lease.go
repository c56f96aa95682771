package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// Leaser is a target that lets one run at a time work on it.
type Leaser interface {
	// Take takes the lease. The error is a *mesh.Held when another run has it.
	Take(ctx context.Context, l mesh.Lease) error
	// Renew makes it last from now on. The error is a *mesh.Lost when it is gone.
	Renew(ctx context.Context) error
	// Release gives it back, if it is still the run's own.
	Release(ctx context.Context) error
}

// renewals are how often a lease is renewed while it lasts.
const renewals = 3

// takeLeases takes the leases of all targets that the plan touches, and returns how to
// give them back. Without all of them the run is stopped, and has none.
func (r *runner) takeLeases(ctx context.Context) (giveBack func()) {
	targets := r.leased()
	if len(targets) == 0 || r.failure != nil {
		return func() {}
	}
	taken, err := r.takeAll(ctx, targets)
	if err != nil {
		r.giveBack(ctx, taken)
		r.event(Event{Type: LeaseHeld, Message: "nothing was done: " + err.Error()})
		r.stopped, r.code = true, CodePartial
		var held *mesh.Held
		if errors.As(err, &held) {
			r.code = CodeLeased
		}
		return func() {}
	}
	r.event(Event{Type: Leased, Message: fmt.Sprintf("leased: %s", leasedText(taken))})
	renewing, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.renew(renewing, taken)
	}()
	return func() {
		stop()
		<-ended
		r.giveBack(ctx, taken)
	}
}

func leasedText(ts []mesh.Target) string {
	var names []string
	for _, t := range ts {
		names = append(names, t.String())
	}
	if len(names) > 8 {
		return fmt.Sprintf("%d targets", len(names))
	}
	return strings.Join(names, ", ")
}

// leased are the targets that the plan touches, and all members of the ensembles of which
// it stops one: two runs that stop one each would have stopped two. Sorted.
func (r *runner) leased() []mesh.Target {
	want := map[mesh.Target]bool{}
	for _, s := range r.plan.Stages {
		for _, b := range s.Batches {
			for _, c := range b.Changes {
				want[c.Addr.Target] = true
			}
			for _, st := range b.Service {
				want[st.Target] = true
			}
			if e := ensembleOf([]plan.Batch{b}); e != nil && restarts(b) {
				for _, m := range e.Members {
					want[mesh.Host(m)] = true
				}
			}
		}
	}
	if r.AdoptAll {
		for t := range r.Adopt {
			want[t] = true
		}
	}
	var out []mesh.Target
	for t := range want {
		if r.Leases[t] != nil {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, mesh.Target.Compare)
	return out
}

// takeAll takes the first one alone, so that of two runs with the same targets one gets
// all of them, and then the others at once. It returns those that were taken.
func (r *runner) takeAll(ctx context.Context, targets []mesh.Target) ([]mesh.Target, error) {
	if err := r.Leases[targets[0]].Take(ctx, r.Lease); err != nil {
		return nil, err
	}
	errs := make([]error, len(targets))
	r.each(targets[1:], func(i int, t mesh.Target) { errs[i+1] = r.Leases[t].Take(ctx, r.Lease) })
	var taken []mesh.Target
	var first error
	for i, t := range targets {
		if errs[i] == nil {
			taken = append(taken, t)
		} else if first == nil {
			first = errs[i]
		}
	}
	return taken, first
}

func (r *runner) each(targets []mesh.Target, do func(i int, t mesh.Target)) {
	var g errgroup.Group
	g.SetLimit(max(1, r.Limit))
	for i, t := range targets {
		g.Go(func() error {
			do(i, t)
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
}

// renew renews the leases until ctx ends. One that is lost stops the run before its next
// batch; a target that cannot be reached may be back in time.
func (r *runner) renew(ctx context.Context, targets []mesh.Target) {
	for r.Pause(ctx, mesh.LeaseTime/renewals) == nil {
		r.each(targets, func(_ int, t mesh.Target) {
			err := r.Leases[t].Renew(ctx)
			var lost *mesh.Lost
			if errors.As(err, &lost) {
				r.lost.CompareAndSwap(nil, lost)
			}
		})
	}
}

// leaseLost ends the run when a lease is no longer its own.
func (r *runner) leaseLost() bool {
	lost := r.lost.Load()
	if lost == nil {
		return false
	}
	r.event(Event{Type: LeaseLost, Message: "nothing new is started: " + lost.Error()})
	r.halt()
	return true
}

// releaseTime bounds how long giving back may take; what is not given back expires.
const releaseTime = 20 * time.Second

func (r *runner) giveBack(ctx context.Context, targets []mesh.Target) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	r.each(targets, func(_ int, t mesh.Target) { _ = r.Leases[t].Release(ctx) })
}
