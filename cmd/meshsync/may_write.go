package main

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
)

// mayWrite refuses a plan that would be carried out on a host where the account may not
// write. It asks before anything is done anywhere: a run that stops at the third host
// leaves two behind.
func (p *planned) mayWrite(ctx context.Context, e *environment, g *globals, adopt bool) {
	if !p.plan.Applicable {
		return
	}
	names := writtenHosts(p.plan)
	if adopt {
		for t := range unrecorded(p.input) {
			names[t.Name] = names[t.Name] || t.Kind == mesh.HostTarget
		}
	}
	ctx, cancel := untilStopped(ctx, e)
	defer cancel()
	refusals := make([]*plan.Refusal, len(p.desired.mesh.Hosts))
	var asked errgroup.Group
	asked.SetLimit(max(1, g.parallel))
	for i, h := range p.desired.mesh.Hosts {
		if s, _ := p.input.Seen.Of(mesh.Host(h.Name)); !names[h.Name] || s.Outcome != mesh.OK {
			continue
		}
		asked.Go(func() error {
			var known *remote.Error
			if err := p.targets.hosts[h.Name].MayWrite(ctx); errors.As(err, &known) && known.Outcome == mesh.NoSudo {
				refusals[i] = noWrite(h, known)
			}
			return nil
		})
	}
	_ = asked.Wait() // the functions return no error
	for _, r := range slices.DeleteFunc(refusals, func(r *plan.Refusal) bool { return r == nil }) {
		p.plan.Refusals = append(p.plan.Refusals, *r)
	}
	p.plan.Applicable = len(p.plan.Refusals) == 0
}

func noWrite(h mesh.HostSpec, err *remote.Error) *plan.Refusal {
	name := mesh.Host(h.Name).String()
	return &plan.Refusal{Code: "no_write", Subject: name, Message: name + ": " + err.Msg, Hint: err.Hint, Source: "built in"}
}

// writtenHosts are those on which a run of the plan writes, be it only its lease: those
// that are changed, and the members of an ensemble of which one is stopped.
func writtenHosts(p plan.Plan) map[string]bool {
	out := map[string]bool{}
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			for _, t := range b.Targets {
				if t.Kind == mesh.HostTarget && len(b.Changes)+len(b.Service) > 0 {
					out[t.Name] = true
				}
			}
			for _, gate := range b.Before {
				if gate.Ensemble != nil {
					for _, name := range gate.Ensemble.Members {
						out[name] = true
					}
				}
			}
		}
	}
	return out
}
