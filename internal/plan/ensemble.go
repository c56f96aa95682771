package plan

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

// rollingEnsemble orders the members of one ensemble. It simulates the batches on
// the observed view, so that a quorum that would be lost shows in the plan.
type rollingEnsemble struct {
	e       mesh.Ensemble
	view    health.View
	serving map[string]bool     // as the batches so far leave it
	lists   map[string][]string // by host, see builder.lists; as the batches so far leave it
}

func (b *builder) ensemble(e mesh.Ensemble) rollingEnsemble {
	var answers []mesh.Answer
	for _, m := range e.Members {
		if s, ok := b.in.Seen.Of(mesh.Host(m)); ok && s.Host != nil {
			answers = append(answers, s.Host.Answers...)
		}
	}
	r := rollingEnsemble{e: e, view: health.Of(e, answers), serving: map[string]bool{}, lists: b.lists(e)}
	for _, m := range r.view.Serving() {
		r.serving[m] = true
	}
	return r
}

// ensembleBatches orders the members of an ensemble: members that are down are
// started first (all together when the ensemble does not serve at all, for none of
// them can serve alone), then one at a time, broken ones before followers before
// the leader.
func (b *builder) ensembleBatches(p part, active []mesh.Target, s *Stage) {
	r := b.ensemble(*p.role.Ensemble)
	s.Ensemble, s.LeaderLast = r.e.Name, p.role.Rollout.LeaderLast
	s.Why = r.why()
	starting, others := p.startingOnly(active, r.e.Service)
	if len(r.serving) < r.e.Quorum && len(starting) > 0 {
		s.Why = fmt.Sprintf("%d of %d members serve now and none can alone, so all that are stopped start together", len(r.serving), len(r.e.Members))
		b.addMembers(p, r, starting, s)
		b.comeBack(r)
	} else {
		others = append(starting, others...)
	}
	b.growth(r, starting, s)
	for _, t := range r.order(others, s.LeaderLast) {
		b.addMembers(p, r, []mesh.Target{t}, s)
	}
}

// createsInputOf reports whether the plan makes a file on the host that the unit reads.
func (b *builder) createsInputOf(t mesh.Target, unit string) bool {
	for _, r := range b.in.Mesh.Resources {
		if r.Addr != (mesh.Address{Target: t, Kind: mesh.Service, Name: unit}) || r.Service == nil {
			continue
		}
		return slices.ContainsFunc(b.changesOf(t), func(c diff.Change) bool {
			return c.Action == diff.Create && readsPath(r.Service.Reads, c.Addr.Name)
		})
	}
	return false
}

// comeBack takes members that run and lack a majority for ones that serve once the stopped ones are
// started. Whether they do is asked before anything stops.
func (b *builder) comeBack(r rollingEnsemble) {
	for _, m := range r.e.Members {
		if s, _ := b.in.Seen.Of(mesh.Host(m)); s.Host != nil && s.Host.Processes[r.e.Service].PID != 0 {
			r.serving[m] = true
		}
	}
}

func serve(n int) string {
	if n == 1 {
		return "1 member serves"
	}
	return fmt.Sprintf("%d members serve", n)
}

func (r rollingEnsemble) why() string {
	n := len(r.e.Members)
	if n < 3 {
		return fmt.Sprintf("%d of %d must serve, so each restart is an outage", r.e.Quorum, n)
	}
	return fmt.Sprintf("one member at a time, the leader last: %d of %d must serve at all times", r.e.Quorum, n)
}

// startingOnly parts the hosts on which the member is only started from the others.
func (p part) startingOnly(active []mesh.Target, unit string) (starting, others []mesh.Target) {
	for _, t := range active {
		starts := slices.ContainsFunc(p.steps, func(s plannedStep) bool {
			return s.Target == t && s.Unit == unit && s.Op == OpStart
		})
		if starts {
			starting = append(starting, t)
		} else {
			others = append(others, t)
		}
	}
	return starting, others
}

// order puts members that do not serve first, then the others by name, the leader last.
func (r rollingEnsemble) order(targets []mesh.Target, leaderLast bool) []mesh.Target {
	out := slices.Clone(targets)
	rank := func(t mesh.Target) int {
		switch {
		case !r.serving[t.Name]:
			return 0
		case leaderLast && t.Name == r.view.Leader():
			return 2
		default:
			return 1
		}
	}
	slices.SortStableFunc(out, func(x, y mesh.Target) int { return rank(x) - rank(y) })
	return out
}

// addMembers appends the batch of the given members with its gates, and refuses or
// counts an outage when the ensemble would not serve meanwhile.
func (b *builder) addMembers(p part, r rollingEnsemble, targets []mesh.Target, s *Stage) {
	batch := p.batch(targets)
	unit := r.e.Service
	for _, t := range targets {
		stops := slices.ContainsFunc(p.steps, func(x plannedStep) bool {
			return x.Target == t && x.Unit == unit && x.stops()
		})
		if stops {
			b.stopMember(r, t, &batch)
		}
	}
	for _, t := range targets {
		if !stopsForGood(p.steps, t, unit) {
			r.serving[t.Name] = true
			r.lists[t.Name] = r.e.Members
		}
	}
	batch.After = append(batch.After, Gate{
		Kind: GateServing, Ensemble: &r.e, Need: len(r.serving), Of: len(r.e.Members), Timeout: p.role.Rollout.Timeout,
		Text: fmt.Sprintf("%d of %d members of %s serve", len(r.serving), len(r.e.Members), r.e.Name),
	})
	s.Batches = append(s.Batches, batch)
}

func stopsForGood(steps []plannedStep, t mesh.Target, unit string) bool {
	return slices.ContainsFunc(steps, func(x plannedStep) bool {
		return x.Target == t && x.Unit == unit && x.Op == OpStop
	})
}

// stopMember adds the gate before a member is stopped, or says what that costs.
func (b *builder) stopMember(r rollingEnsemble, t mesh.Target, batch *Batch) {
	n, idle := len(r.e.Members), !r.serving[t.Name] && r.view.Idle(t.Name)
	switch {
	case n < 3 && idle:
		return // nothing is lost by restarting what does not serve
	case n < 3:
		b.plan.Effects = append(b.plan.Effects, Effect{
			Kind: Outage, Target: t, Subject: r.e.Name, Count: 1,
			Because: []string{fmt.Sprintf("%s has %s: it does not serve while one restarts", r.e.Name, members(n))},
		})
		delete(r.serving, t.Name)
		return
	}
	delete(r.serving, t.Name)
	for _, e := range r.views(t) {
		if left := r.left(e, t); !idle && left < e.Quorum {
			b.plan.Refusals = append(b.plan.Refusals, Refusal{
				Code: "quorum", Subject: r.e.Name,
				Message: fmt.Sprintf("stopping %s would leave %d of %d members of %s serving%s, and %d must: %s", t.Name, left, len(e.Members), e.Name, r.counting(e), e.Quorum, r.missing()),
				Hint:    "bring the missing members back first: look at their hosts and logs; meshsync starts what is stopped, and stops nothing here until enough serve",
				Source:  "built in: quorum cannot be overridden",
			})
		}
		// Also for a member that does not serve now: it may have come back by then.
		batch.Before = append(batch.Before, Gate{
			Kind: GateQuorum, Ensemble: &e, Need: e.Quorum, Of: len(e.Members),
			Text: fmt.Sprintf("without %s at least %d of %d members of %s serve%s", t.Name, e.Quorum, len(e.Members), e.Name, r.counting(e)),
		})
	}
}

// counting says by whose list members are counted, where it is not that of git.
func (r rollingEnsemble) counting(e mesh.Ensemble) string {
	if slices.Equal(e.Members, r.e.Members) {
		return ""
	}
	return " by the list that has " + list(e.Members)
}

// missing says of the members that do not serve why not.
func (r rollingEnsemble) missing() string {
	var out []string
	for _, m := range r.e.Members {
		if v := r.view.Members[m]; v.Status != health.Serving {
			out = append(out, m+" ("+v.Reason+")")
		}
	}
	if len(out) == 0 {
		return "all serve now"
	}
	return strings.Join(out, ", ")
}

func members(n int) string {
	if n == 1 {
		return "one member"
	}
	return fmt.Sprintf("%d members", n)
}

func list(names []string) string { return strings.Join(names, ", ") }
