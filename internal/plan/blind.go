package plan

import (
	"cmp"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// blind takes what policy declares to be a blind spot out of what is unknown: resources of
// a host that was reached, which the account there may not look at. All else that cannot be
// told stays unknown, in a blind spot too.
func (b *builder) blind() {
	globs := b.in.Policy.Blind
	if len(globs) == 0 {
		return
	}
	kept := []Unknown{}
	for _, u := range b.plan.Unknown {
		if !b.denied(u) || !anyGlob(globs, u.Addr.String()) {
			kept = append(kept, u)
			continue
		}
		b.plan.NotCompared = append(slices.Clip(b.plan.NotCompared), NotCompared{
			Addr: *u.Addr, Reason: fmt.Sprintf("blind spot by policy (%s): %s", cmp.Or(b.in.Policy.Origin["blind"].String(), "policy.blind"), u.Message),
		})
	}
	b.plan.Unknown = kept
	for _, glob := range globs {
		if !b.known(glob) {
			b.plan.Notes = append(b.plan.Notes, fmt.Sprintf("policy.blind: %s matches nothing", glob))
		}
	}
}

// denied reports whether it is the account that may not look at a resource.
func (b *builder) denied(u Unknown) bool {
	if u.Addr == nil || u.Target.Kind != mesh.HostTarget {
		return false
	}
	state, _ := b.in.Seen.Of(u.Target)
	return slices.ContainsFunc(state.Unknown, func(r mesh.UnknownResource) bool {
		return r.Addr == *u.Addr && r.Reason == u.Message && r.Denied
	})
}

// known reports whether a pattern matches something: what git names, what was there, or
// what the account could not look at.
func (b *builder) known(glob string) bool {
	expr := globExpr(glob)
	matches := func(r mesh.Resource) bool { return expr.MatchString(r.Addr.String()) }
	if slices.ContainsFunc(b.in.Mesh.Resources, matches) {
		return true
	}
	return slices.ContainsFunc(b.in.Seen.Targets, func(t mesh.TargetState) bool {
		return slices.ContainsFunc(t.Resources, matches) || slices.ContainsFunc(t.Strays, matches) ||
			slices.ContainsFunc(t.Unknown, func(u mesh.UnknownResource) bool { return expr.MatchString(u.Addr.String()) })
	})
}
