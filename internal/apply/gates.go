package apply

import (
	"context"
	"slices"
	"strings"
	"sync"

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

// healthy asks how the services of the gate, else of the batch, are that should be up: those that have
// a check by that, of the others what systemd says.
func (r *runner) healthy(ctx context.Context, g plan.Gate, b plan.Batch) (bool, string) {
	steps := g.Services
	if len(steps) == 0 {
		steps = b.Service
	}
	steps = slices.DeleteFunc(slices.Clone(steps), func(s plan.ServiceStep) bool { return !comesUp(s) })
	verdicts := r.verdicts(ctx, steps)
	var missing []string
	for i, v := range verdicts {
		if v.Status != health.Serving {
			missing = append(missing, steps[i].Unit+" on "+steps[i].Target.Name+" ("+v.Reason+")")
		}
	}
	if len(missing) > 0 {
		return false, "not healthy: " + strings.Join(missing, ", ")
	}
	return true, healthyText(steps)
}

// comesUp reports whether a service is to be up after the step; "" is a look only.
func comesUp(s plan.ServiceStep) bool {
	return s.Op == plan.OpStart || s.Op == plan.OpRestart || s.Op == plan.OpReload || s.Op == ""
}

// healthyText says what is known of services that are as they should be: less of those without a check.
func healthyText(steps []plan.ServiceStep) string {
	checked := 0
	for _, s := range steps {
		if s.Spec.Check != nil {
			checked++
		}
	}
	switch {
	case len(steps) == 0:
		return "no service of the batch was to come up"
	case checked == len(steps):
		return "the services of the batch pass their checks"
	case checked == 0:
		return "the services of the batch run, as systemd says: they have no checks"
	default:
		return "the services of the batch pass their checks, and run, as systemd says, where they have none"
	}
}

// question is what tells how the service of a step is.
func question(s plan.ServiceStep) mesh.Check {
	if s.Spec.Check != nil {
		return *s.Spec.Check
	}
	return mesh.UnitCheck(s.Unit)
}

// verdicts asks all hosts of the steps at once, each for all of its own.
func (r *runner) verdicts(ctx context.Context, steps []plan.ServiceStep) []health.Verdict {
	checks := map[string][]mesh.Check{}
	for _, s := range steps {
		checks[s.Target.Name] = append(checks[s.Target.Name], question(s))
	}
	answers := map[string][]mesh.Answer{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(max(1, r.Limit))
	for host, of := range checks {
		if p, ok := r.Probers[host]; ok {
			g.Go(func() error {
				got := p.Probe(ctx, of)
				mu.Lock()
				defer mu.Unlock()
				answers[host] = got
				return nil
			})
		}
	}
	_ = g.Wait() // the functions return no error
	out := make([]health.Verdict, len(steps))
	for i, s := range steps {
		out[i] = health.Verdict{Reason: "was not asked"}
		if r.Probers[s.Target.Name] == nil {
			out[i].Reason = "cannot be asked"
		}
		for _, a := range answers[s.Target.Name] {
			if a.Check == question(s) {
				out[i] = health.Judge(a)
			}
		}
	}
	return out
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
