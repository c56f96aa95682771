package plan

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// growth checks that what the stage makes of an ensemble's members can be done at once, and says in which
// order it is done: a new member that starts with the list that has it follows who leads, though the others do
// not know of it; then these get the list, one at a time. Two lists that differ by one member have no
// majorities that do not meet; by two they have, and each could elect a leader.
func (b *builder) growth(r rollingEnsemble, starting []mesh.Target, s *Stage) {
	b.refuseLoss(r)
	added := b.added(r, starting)
	if len(added) == 0 {
		return
	}
	b.refuseGrowth(r, added)
	s.Why = fmt.Sprintf("%s joins first, with the list that has it, and the others learn of it one at a time, the leader last: a majority by each list must serve at all times", list(added))
}

// added are the members that some process does not know of which runs, or ran and has the others' data.
// Where nothing is recorded, they are those whose input is made anew beside members that serve.
func (b *builder) added(r rollingEnsemble, starting []mesh.Target) []string {
	var out []string
	for _, m := range r.e.Members {
		strange := false
		for _, l := range r.lists {
			strange = strange || !slices.Contains(l, m)
		}
		fresh := len(r.lists) == 0 && len(r.serving) > 0 && slices.Contains(starting, mesh.Host(m)) && b.createsInputOf(mesh.Host(m), r.e.Service)
		if strange || fresh {
			out = append(out, m)
		}
	}
	return out
}

// refuseGrowth refuses new members that cannot join as git wants it.
func (b *builder) refuseGrowth(r rollingEnsemble, added []string) {
	refusal := Refusal{Code: "membership", Subject: r.e.Name, Source: "built in"}
	old := len(r.e.Members) - len(added)
	refusal.Message = fmt.Sprintf("%s would join %s, of which %s already", list(added), r.e.Name, serve(len(r.serving)))
	switch unsaid := r.unsaid(); {
	case r.e.Joins != mesh.JoinsFirst:
		refusal.Message += ": that cannot be done in one step"
		refusal.Hint = "meshsync does not change the members of this ensemble while it serves: take them out of git, or grow it by hand and let meshsync adopt it"
	case len(unsaid) > 0:
		refusal.Message += fmt.Sprintf(", and no record says with which members %s started", list(unsaid))
		refusal.Hint = "take the new members out of git and restart the ensemble by meshsync once, which records it; then add them"
	case old < 3:
		refusal.Message += fmt.Sprintf(": %s cannot go on serving while lists change", members(old))
		refusal.Hint = "stop it, give all of it the new list with one member more, start the ones that have data first, and go on by one member each; meshsync adopts what it finds"
	case len(added) > 1:
		refusal.Message += fmt.Sprintf(": lists that differ by %d members can have majorities that do not meet", len(added))
		refusal.Hint = "add one member and apply, then the next one"
	default:
		return
	}
	b.plan.Refusals = append(b.plan.Refusals, refusal)
}

// unsaid are the members that serve and of which nobody knows with which others.
func (r rollingEnsemble) unsaid() []string {
	var out []string
	for _, m := range r.e.Members {
		if r.serving[m] && len(r.lists[m]) == 0 {
			out = append(out, m)
		}
	}
	return out
}

// refuseLoss refuses to take members out of the lists of an ensemble that git no longer names, and
// that nobody stopped by what is known: they would go on with a list that has all of them.
func (b *builder) refuseLoss(r rollingEnsemble) {
	var gone, by []string
	for _, m := range r.e.Members {
		lost := slices.DeleteFunc(slices.Clone(r.lists[m]), func(x string) bool { return slices.Contains(r.e.Members, x) })
		if len(lost) > 0 && r.serving[m] {
			gone, by = append(gone, lost...), append(by, m)
		}
	}
	if len(gone) == 0 {
		return
	}
	slices.Sort(gone)
	gone = slices.Compact(gone)
	b.plan.Refusals = append(b.plan.Refusals, Refusal{
		Code: "membership", Subject: r.e.Name, Source: "built in",
		Message: fmt.Sprintf("git no longer names %s, and %s serve with a list of %s that has them: who leaves may run on with the old list, and two lists can have majorities that do not meet", list(gone), list(by), r.e.Name),
		Hint:    "put them back into git; to shrink the ensemble, see docs/rollout.md, which has the steps by hand",
	})
}
