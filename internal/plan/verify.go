package plan

import (
	"cmp"
	"slices"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

// verifyStage ends the plan with a look at services that are as git says and fail their
// check all the same: a run that stopped at their gate left nothing else behind, and one
// that goes on must not call that done.
func (b *builder) verifyStage() {
	byRole := map[string]*Batch{}
	for _, r := range b.in.Mesh.Resources {
		reason := b.failingCheck(r)
		if reason == "" {
			continue
		}
		b.plan.NotServing = append(b.plan.NotServing, Evidence{Target: r.Addr.Target, Unit: r.Addr.Name, Message: reason})
		if byRole[r.Role] == nil {
			byRole[r.Role] = &Batch{After: []Gate{{
				Kind: GateHealthy, Timeout: b.rollout(r.Role).Rollout.Timeout, Text: "the services of " + r.Role + " that fail their check pass it",
			}}}
		}
		batch := byRole[r.Role]
		batch.Targets = append(batch.Targets, r.Addr.Target)
		g := &batch.After[0]
		g.Services = append(g.Services, ServiceStep{Target: r.Addr.Target, Unit: r.Addr.Name, Spec: *r.Service})
	}
	if len(byRole) == 0 {
		return
	}
	s := Stage{N: len(b.plan.Stages) + 1, Title: "verify", Why: "there is nothing to change, and they fail their check: apply waits until they pass it"}
	for _, role := range b.in.Mesh.Roles { // in ascending layers, as they depend on each other
		if batch := byRole[role.Name]; batch != nil {
			batch.Targets = slices.Compact(batch.Targets)
			s.Batches = append(s.Batches, *batch)
		}
	}
	b.plan.Stages = append(b.plan.Stages, s)
}

// failingCheck says why a service does not serve although it runs as git says and no step
// of the plan touches it; "" for all others, and where nobody knows.
func (b *builder) failingCheck(r mesh.Resource) string {
	if r.Service == nil || r.Service.Check == nil || r.Attrs["running"] != true {
		return ""
	}
	state, _ := b.in.Seen.Of(r.Addr.Target)
	reason := notServing(*r.Service.Check, state)
	switch {
	case reason == "", !b.in.Filter.Match(r.Addr.String()), !slices.Contains(b.diff.Equal, r.Addr):
		return ""
	case slices.ContainsFunc(b.steps, func(s plannedStep) bool { return s.Target == r.Addr.Target && s.Unit == r.Addr.Name }):
		return ""
	default:
		return reason
	}
}

// notServing is why a check on a host says that its service does not serve; "" when it
// serves, and where nobody knows.
func notServing(check mesh.Check, s mesh.TargetState) string {
	if s.Host == nil {
		return ""
	}
	for _, a := range s.Host.Answers {
		if a.Check != check {
			continue
		}
		if v := health.Judge(a); v.Status == health.NotServing {
			return cmp.Or(v.Reason, "it fails its check")
		}
	}
	return ""
}
