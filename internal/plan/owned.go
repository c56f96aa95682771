package plan

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// ownedFields has, for each app of which fields are not git's alone, those and how it is now;
// one that moves is as it is at its old id.
func ownedFields(in Input) map[mesh.Address]ownedApp {
	out := map[mesh.Address]ownedApp{}
	for _, o := range in.Mesh.Owned {
		a := out[o.Address()]
		a.fields = append(a.fields, o)
		out[o.Address()] = a
	}
	if len(out) == 0 {
		return nil
	}
	for _, r := range renames(in) {
		if a, ok := out[r.New()]; ok && !r.newLive && r.underWay() {
			a.live = r.old.Attrs
			out[r.New()] = a
		}
	}
	for _, t := range in.Seen.Targets {
		for _, r := range t.Resources {
			if a, ok := out[r.Addr]; ok {
				a.live = r.Attrs
				out[r.Addr] = a
			}
		}
	}
	return out
}

// ownedApp is an app with fields that are not git's alone.
type ownedApp struct {
	fields []mesh.Owned
	live   mesh.Tree // nil when there is none
}

func (a ownedApp) open() map[string]string {
	out := map[string]string{}
	for _, o := range a.fields {
		out[o.Field] = o.Open()
	}
	return out
}

// keptApps gives the apps what is live in the fields that others own. The list is not modified.
func keptApps(in Input) []mesh.Resource {
	owned := ownedFields(in)
	if len(owned) == 0 {
		return in.Apps
	}
	out := slices.Clone(in.Apps)
	for i, r := range out {
		if a, ok := owned[r.Addr]; ok {
			out[i].Open = a.open()
			out[i].Attrs = diff.Keep(r.Attrs, a.live, out[i].Open)
		}
	}
	return out
}

// ownedRemarks lists the fields that are left to others, and says of those that are not within
// what git allows why they change.
func (b *builder) ownedRemarks() {
	owned := ownedFields(b.in)
	for _, r := range b.in.Apps {
		a, ok := owned[r.Addr]
		if !ok || a.live == nil || !b.in.Filter.Match(r.Addr.String()) {
			continue
		}
		for _, o := range a.fields {
			if reason := outside(o, a.live); reason != "" {
				b.giveReason(r.Addr, reason)
				continue
			}
			b.plan.NotCompared = append(slices.Clip(b.plan.NotCompared), NotCompared{
				Addr: r.Addr, Field: o.Field, Reason: whose(o) + numbers(r.Attrs, a.live, o),
			})
		}
	}
}

func (b *builder) giveReason(a mesh.Address, reason string) {
	for i, c := range b.diff.Changes {
		if c.Addr == a && c.Action == diff.Update && c.Reason == "" {
			b.diff.Changes[i].Reason = reason
		}
	}
}

// outside says that a number is not within what git allows; "" when it is.
func outside(o mesh.Owned, live mesh.Tree) string {
	is, _ := live.At(mesh.FieldPath(o.Field))
	n, isNumber := is.(int64)
	if o.Bounds == nil || isNumber && o.Bounds.Holds(n) {
		return ""
	}
	return fmt.Sprintf("%s may be from %d to %d (%s), and %v is live: it is brought to the nearer end", o.Field, o.Bounds.Min, o.Bounds.Max, o.Origin, is)
}

// whose says to whom a field is left.
func whose(o mesh.Owned) string {
	if i := o.Ignored; i != nil {
		return fmt.Sprintf("of %s until %s, because %s", i.Owner, i.Expires, i.Reason)
	}
	if o.Bounds != nil {
		return fmt.Sprintf("from %d to %d it is left to others (%s): what is live is kept", o.Bounds.Min, o.Bounds.Max, o.Origin)
	}
	return fmt.Sprintf("it is left to others (%s): what is live is kept", o.Origin)
}

// numbers tells what is live and in git where the two differ and are numbers, which are never secret.
func numbers(git, live mesh.Tree, o mesh.Owned) string {
	path := mesh.FieldPath(o.Field)
	is, _ := live.At(path)
	said, _ := git.At(path)
	if _, isNumber := is.(int64); !isNumber || is == said {
		return ""
	}
	return fmt.Sprintf("; %v live, %v in git", is, said)
}
