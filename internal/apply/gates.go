package apply

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// look asks all members of the ensemble at once.
func (r *runner) look(ctx context.Context, e mesh.Ensemble) health.View {
	answers := make([][]mesh.Answer, len(e.Members))
	var g errgroup.Group
	g.SetLimit(max(1, r.Limit))
	for i, m := range e.Members {
		p, ok := r.Probers[m]
		if !ok {
			continue // stays unknown, which never counts as serving
		}
		g.Go(func() error {
			answers[i] = p.Probe(ctx, []mesh.Check{e.Check})
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	return health.Of(e, slices.Concat(answers...))
}

// before checks the gates before a batch, which must hold at once, and returns the
// members of the batch's ensemble that serve now.
func (r *runner) before(ctx context.Context, at Event, b plan.Batch) (served []string, ok bool) {
	e := ensembleOf([]plan.Batch{b})
	if e == nil {
		return nil, true
	}
	view := r.look(ctx, *e)
	served = view.Serving()
	for _, g := range b.Before {
		holds, text := g.Holds(view, hostNames(b.Targets), served)
		ev := at
		ev.Type, ev.Message = GateHeld, text
		if !holds {
			ev.Type, ev.Code, ev.Message = GateFailed, string(g.Kind), "not stopped: "+text
		}
		r.event(ev)
		if !holds {
			return served, false
		}
	}
	return served, true
}

// after waits for the gates after a batch.
func (r *runner) after(ctx context.Context, at Event, b plan.Batch, served []string) bool {
	for _, g := range b.After {
		if g.Kind == plan.GateDeployment {
			continue // the target followed its deployment to the end and said so
		}
		if !r.await(ctx, at, g, b, served) {
			return false
		}
	}
	return true
}

// await looks at the gate until it holds, its time is up, or ctx ends. The first
// signal does not end it: the batch is finished.
func (r *runner) await(ctx context.Context, at Event, g plan.Gate, b plan.Batch, served []string) bool {
	deadline := r.Now().Add(g.Timeout)
	last := ""
	for {
		holds, text := r.holds(ctx, g, b, served)
		ev := at
		switch {
		case holds:
			ev.Type, ev.Message = GateHeld, text
			r.event(ev)
			return true
		case ctx.Err() != nil:
			ev.Type, ev.Code = GateFailed, string(g.Kind)
			ev.Message = "gate \"" + g.Text + "\" was not waited for: the run was abandoned"
			r.event(ev)
			return false
		case !r.Now().Before(deadline):
			ev.Type, ev.Code = GateFailed, string(g.Kind)
			ev.Message = "gate \"" + g.Text + "\" did not hold within " + g.Timeout.String() + ": " + text
			r.event(ev)
			return false
		case text != last:
			ev.Type, ev.Message = GateWait, "waiting: "+text
			r.event(ev)
			last = text
		}
		_ = r.Wait(ctx, r.Poll) // a context that ended is seen by the next look
	}
}

func (r *runner) holds(ctx context.Context, g plan.Gate, b plan.Batch, served []string) (bool, string) {
	if g.Kind == plan.GateHealthy {
		return r.healthy(ctx, g, b)
	}
	return g.Holds(r.look(ctx, *g.Ensemble), hostNames(b.Targets), served)
}

// healthy asks the services of the gate, else of the batch, that have a check and should run.
func (r *runner) healthy(ctx context.Context, g plan.Gate, b plan.Batch) (bool, string) {
	var missing []string
	steps := g.Services
	if len(steps) == 0 {
		steps = b.Service
	}
	for _, s := range steps {
		starts := s.Op == plan.OpStart || s.Op == plan.OpRestart || s.Op == plan.OpReload || s.Op == "" // "" is a look only
		if s.Spec.Check == nil || !starts {
			continue
		}
		name := s.Unit + " on " + s.Target.Name
		p, ok := r.Probers[s.Target.Name]
		if !ok {
			missing = append(missing, name+" (cannot be asked)")
			continue
		}
		v := health.Verdict{Reason: "was not asked"}
		for _, a := range p.Probe(ctx, []mesh.Check{*s.Spec.Check}) {
			v = health.Judge(a)
		}
		if v.Status != health.Serving {
			missing = append(missing, name+" ("+v.Reason+")")
		}
	}
	if len(missing) > 0 {
		return false, "not healthy: " + strings.Join(missing, ", ")
	}
	return true, "the services of the batch are healthy"
}

func hostNames(ts []mesh.Target) []string {
	var out []string
	for _, t := range ts {
		if t.Kind == mesh.HostTarget {
			out = append(out, t.Name)
		}
	}
	return out
}
