// Package observe asks all targets at once, within a limit, for one observed value.
package observe

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
)

// Target is one place that can be looked at.
type Target interface {
	Target() mesh.Target
	// Observe never fails: what went wrong is the state's Outcome. It returns
	// soon after ctx ends.
	Observe(ctx context.Context) mesh.TargetState
}

// All observes every target, at most limit at a time, and returns the states
// sorted by target. done, when not nil, is called after each target, from several
// goroutines at once.
func All(ctx context.Context, targets []Target, limit int, done func(mesh.TargetState)) mesh.Observed {
	states := make([]mesh.TargetState, len(targets))
	var g errgroup.Group
	g.SetLimit(limit)
	for i, t := range targets {
		g.Go(func() error {
			states[i] = t.Observe(ctx)
			if done != nil {
				done(states[i])
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	slices.SortFunc(states, func(a, b mesh.TargetState) int { return a.Target.Compare(b.Target) })
	return mesh.Observed{Targets: states}
}
