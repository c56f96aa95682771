package plan

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// otherReleases refuses Marathons of another release than git says: apps were checked by the
// rules of that one, and what a field that is left out means depends on it.
func (b *builder) otherReleases() {
	for _, m := range b.in.Mesh.Marathons {
		if !differs(m, b.in.Seen) {
			continue
		}
		state, _ := b.in.Seen.Of(mesh.Marathon(m.Name))
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "marathon.differs", Subject: mesh.Marathon(m.Name).String(),
			Message: fmt.Sprintf("git says that the Marathon %s is %s, and it is %s", m.Name, m.Version, state.Marathon.Version),
			Hint:    "see whether its URL is right; after an upgrade write the new version, and validate says what of the apps it would not take",
			Source:  m.VersionOrigin.String(),
		})
	}
}

// withoutRecords notes Marathons that are too old to keep a record and a lease.
func (b *builder) withoutRecords() {
	for _, s := range b.in.Seen.Targets {
		if !keepsRecord(s) {
			b.plan.Notes = append(b.plan.Notes, s.Target.String()+": Marathon "+s.Marathon.Version+" has no labels, in which a record and a lease are kept since 0.8: "+
				"nobody can tell drift from pending there, what git no longer names stays, and nothing keeps two runs apart")
		}
	}
}

// keepsRecord reports whether the target has a place for a record.
func keepsRecord(s mesh.TargetState) bool {
	return s.Marathon == nil || mesh.ParseRelease(s.Marathon.Version).HasLabels()
}

func differs(m mesh.MarathonSpec, seen mesh.Observed) bool {
	state, _ := seen.Of(mesh.Marathon(m.Name))
	return state.Marathon != nil && !mesh.SameRelease(m.Version, state.Marathon.Version)
}

// otherRelease reports whether a target is a Marathon of another release than git says.
func (b *builder) otherRelease(t mesh.Target) bool {
	return slices.ContainsFunc(b.in.Mesh.Marathons, func(m mesh.MarathonSpec) bool {
		return mesh.Marathon(m.Name) == t && differs(m, b.in.Seen)
	})
}
