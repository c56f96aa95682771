package plan

import (
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// HostRefusals are the refusals that speak of hosts as they are, whatever is to be changed:
// who they are, what they run, whose record they hold.
func (p Plan) HostRefusals() []Refusal {
	return slices.DeleteFunc(slices.Clone(p.Refusals), func(r Refusal) bool {
		return !r.aboutIdentity() && r.Code != "os.differs" && r.Code != "record.newer"
	})
}

// Strangers counts the refusals of hosts that are not who they seem.
func (p Plan) Strangers() int {
	n := 0
	for _, r := range p.Refusals {
		if r.aboutIdentity() {
			n++
		}
	}
	return n
}

func (r Refusal) aboutIdentity() bool { return strings.HasPrefix(r.Code, "identity.") }

// missingRecords notes targets without a record where others of the mesh have one: they are
// new, or theirs was lost.
func (b *builder) missingRecords() {
	var without []string
	applied := false
	for _, t := range b.in.Seen.Targets {
		switch {
		case t.Outcome != mesh.OK || !keepsRecord(t):
		case t.RecordState != mesh.RecordNone:
			applied = true
		case b.wantedOn(t.Target):
			without = append(without, t.Target.String())
		}
	}
	if applied && len(without) > 0 {
		slices.Sort(without)
		b.plan.Notes = append(b.plan.Notes, few(without)+": no record of an apply, and others of this mesh have one: a target that is new, or whose record was lost; "+
			"nobody can tell drift from pending there until an apply writes it, as one that changes something there does, and apply --adopt")
	}
}

// wantedOn reports whether git wants anything on the target: else no apply ever writes a record.
func (b *builder) wantedOn(t mesh.Target) bool {
	on := func(r mesh.Resource) bool { return r.Addr.Target == t }
	return slices.ContainsFunc(b.in.Mesh.Resources, on) || slices.ContainsFunc(b.in.Apps, on)
}
