package plan

import (
	"cmp"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// rollingBatches orders the hosts of a role without an ensemble: as many at once as
// the rollout allows, less what is already down or could not be reached.
func (b *builder) rollingBatches(p part, active []mesh.Target, s *Stage) {
	size := p.role.Rollout.MaxUnavailable
	down := b.downBesides(p, active)
	if len(down) > 0 && size-len(down) < 1 && takesDown(p.steps) {
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "rollout.maxUnavailable", Subject: p.role.Name,
			Message: fmt.Sprintf("%d of %d hosts of %s may be unavailable at once, and %s already: %s",
				size, len(p.role.Hosts), p.role.Name, areIs(len(down)), list(down)),
			Hint:   "mend them first, or exclude this role's hosts",
			Source: cmp.Or(b.in.Policy.Origin["rollout."+p.role.Name+".maxUnavailable"].String(), "role "+p.role.Name),
		})
	}
	size = max(1, size-len(down))
	s.Why = fmt.Sprintf("%d at a time, so that no more of %d hosts are unavailable", size, len(p.role.Hosts))
	groups := slices.Collect(slices.Chunk(active, size))
	if len(groups[0]) > 1 && !p.role.Rollout.NoCanary && takesDown(p.steps) {
		groups = append([][]mesh.Target{active[:1]}, slices.Collect(slices.Chunk(active[1:], size))...)
		s.Why = fmt.Sprintf("%s alone first, then %s", active[0].Name, s.Why)
	}
	for _, group := range groups {
		batch := p.batch(group)
		batch.After = append(batch.After, Gate{
			Kind: GateHealthy, Timeout: p.role.Rollout.Timeout,
			Text: "the services of the batch pass their checks; where they have none, systemd says that they run",
		})
		s.Batches = append(s.Batches, batch)
	}
}

func takesDown(steps []plannedStep) bool {
	return slices.ContainsFunc(steps, plannedStep.stops)
}

// downBesides lists the hosts of the role that do not serve, or could not be seen,
// and that the stage does not touch.
func (b *builder) downBesides(p part, active []mesh.Target) []string {
	var down []string
	for _, name := range p.role.Hosts {
		t := mesh.Host(name)
		if slices.Contains(active, t) {
			continue
		}
		state, ok := b.in.Seen.Of(t)
		if !ok || state.Outcome != mesh.OK || b.failing(p.role.Name, state) {
			down = append(down, name)
		}
	}
	return down
}

// failing reports whether a service of the role answers on that host that it does not serve.
func (b *builder) failing(role string, s mesh.TargetState) bool {
	for _, r := range b.in.Mesh.ResourcesOf(s.Target) {
		if r.Role == role && r.Service != nil && r.Service.Check != nil && notServing(*r.Service.Check, s) != "" {
			return true
		}
	}
	return false
}

func areIs(n int) string {
	if n == 1 {
		return "one is"
	}
	return fmt.Sprintf("%d are", n)
}
