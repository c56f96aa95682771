package plan

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// rename is a move of an app with what there is at both ids.
type rename struct {
	mesh.Move
	old      mesh.Resource
	entry    mesh.RecordEntry // of the old one
	oldLive  bool
	newLive  bool
	recorded bool // the old one
	ours     bool // the new one is recorded
}

func renames(in Input) []rename {
	var out []rename
	for _, mv := range in.Mesh.Moved {
		s, _ := in.Seen.Of(mv.Old().Target)
		if s.Outcome != mesh.OK {
			continue
		}
		r := rename{Move: mv}
		for _, x := range s.Resources {
			switch x.Addr {
			case mv.Old():
				r.old, r.oldLive = x, true
			case mv.New():
				r.newLive = true
			}
		}
		if s.RecordState == mesh.RecordOK {
			r.entry, r.recorded = s.Record.Entries[mv.Old().String()]
			_, r.ours = s.Record.Entries[mv.New().String()]
		}
		out = append(out, r)
	}
	return out
}

// underWay reports whether the old app is there and meshsync's, and the new one is not there,
// or meshsync's, too: then one is yet to take the place of the other.
func (r rename) underWay() bool {
	was := r.entry.Was != mesh.AbsentDigest // else a run that ended may never have made it
	return r.oldLive && r.recorded && was && (r.ours || !r.newLive)
}

// moves lets an old app go only behind the new one: both are in the plan, the new one is waited
// for, and what is deleted last is the old one. It says why where there is no move.
func (b *builder) moves() {
	for _, r := range renames(b.in) {
		switch {
		case !r.oldLive || !b.in.Filter.Match(r.Old().String()) && !b.in.Filter.Match(r.New().String()):
		case r.underWay():
			b.move(r)
		case r.recorded && r.newLive && !r.ours:
			b.withhold(r)
			b.plan.Refusals = append(b.plan.Refusals, Refusal{
				Code: "moved.taken", Subject: r.New().String(), Source: r.Origin.String(),
				Message: fmt.Sprintf("%s is to take the place of %s, and somebody else made an app of that id", r.To, r.From),
				Hint:    "choose another id, or delete that app; or take the move out: then it is adopted, and " + r.From + " goes",
			})
		case !r.recorded && !r.newLive:
			b.plan.Notes = append(b.plan.Notes, fmt.Sprintf("%s is made, and %s, which it was before (%s), stays: the record does not say that meshsync has to do with it", r.To, r.From, r.Origin))
		}
	}
}

func (b *builder) move(r rename) {
	if !b.in.Filter.Match(r.New().String()) {
		b.withhold(r)
		b.plan.Notes = append(b.plan.Notes, fmt.Sprintf("%s is not deleted: %s, which takes its place, is not in this plan", r.From, r.To))
		return
	}
	waits, goes := false, false
	for i, c := range b.changes {
		switch c.Addr {
		case r.Old():
			goes = true
			b.changes[i].Action, b.changes[i].Open = diff.Delete, r.entry.Open
			b.changes[i].Reason = fmt.Sprintf("moved to %s (%s), which is up by then", r.To, r.Origin)
		case r.New():
			waits = true
			if c.Reason == "" {
				b.changes[i].Reason = fmt.Sprintf("moved from %s, which stays until this is up", r.From)
			}
			b.portRemarks(r, c)
		}
	}
	if goes && !waits {
		b.waitFor(r)
	}
}

// withhold leaves the old app as it is.
func (b *builder) withhold(r rename) {
	b.changes = slices.DeleteFunc(slices.Clone(b.changes), func(c diff.Change) bool { return c.Addr == r.Old() })
}

// waitFor follows the new app, which is as git says, until it is up: a run may have been killed
// since, or its tasks.
func (b *builder) waitFor(r rename) {
	for _, x := range keptApps(b.in) {
		if x.Addr != r.New() {
			continue
		}
		s, _ := b.in.Seen.Of(x.Addr.Target)
		i := slices.IndexFunc(s.Resources, func(live mesh.Resource) bool { return live.Addr == x.Addr })
		if i < 0 { // nobody can tell how it is
			b.withhold(r)
			return
		}
		b.changes = append(slices.Clone(b.changes), diff.Change{
			Addr: x.Addr, Action: diff.Finish, Class: diff.Pending, Before: s.Resources[i].Attrs, After: x.Attrs, App: s.Resources[i].App,
			Open: x.Open, Origin: x.Origin, Reason: fmt.Sprintf("it is to be up before %s is deleted", r.From),
		})
	}
	diff.Sort(b.changes)
}

// portRemarks tells what becomes of the service ports while both apps are there.
func (b *builder) portRemarks(r rename, c diff.Change) {
	had, has := servicePorts(r.old.Attrs), servicePorts(c.After)
	for _, p := range had {
		text := fmt.Sprintf("service port %d of %s goes with it, and %s has another: who reaches it by that port has to be told", p, r.From, r.To)
		if slices.Contains(has, p) {
			text = fmt.Sprintf("service port %d is of %s and %s until the old one is deleted: a load balancer that goes by it sends to either, or refuses its configuration", p, r.From, r.To)
		}
		b.plan.Notes = append(b.plan.Notes, text)
	}
}

// servicePorts lists the service ports of an app that are not yet to be chosen.
func servicePorts(app mesh.Tree) []int64 {
	var out []int64
	for _, place := range [][]string{{"portDefinitions", "port"}, {"container.portMappings", "servicePort"}} {
		list, _ := app.At(strings.Split(place[0], "."))
		ports, _ := list.([]any)
		for _, x := range ports {
			o, _ := x.(map[string]any)
			if p, _ := o[place[1]].(int64); p != 0 {
				out = append(out, p)
			}
		}
	}
	return out
}

// renamesUnsaid notes apps that go while one comes that is alike but for its id.
func (b *builder) renamesUnsaid() {
	comes := map[string]string{}
	for _, c := range b.changes {
		if c.Addr.Kind == mesh.App && c.Action == diff.Create {
			comes[likeness(c.Addr, c.After)] = c.Addr.Name
		}
	}
	for _, c := range b.changes {
		if len(comes) == 0 || c.Addr.Kind != mesh.App || c.Action != diff.Delete || b.said(c.Addr) {
			continue
		}
		if to, ok := comes[likeness(c.Addr, c.Before)]; ok {
			b.plan.Notes = append(b.plan.Notes, fmt.Sprintf(
				"%s is deleted, an outage for whoever uses it, and %s is made, which is alike: if that is a rename, write beside apps moved: {%q: %q}", c.Addr.Name, to, c.Addr.Name, to))
		}
	}
}

func (b *builder) said(old mesh.Address) bool {
	return slices.ContainsFunc(b.in.Mesh.Moved, func(m mesh.Move) bool { return m.Old() == old })
}

// likeness is the same for apps of one Marathon that differ in id, number and ports only.
func likeness(a mesh.Address, app mesh.Tree) string {
	out := app.Clone()
	for _, field := range []string{"id", "instances", "role", "portDefinitions"} {
		delete(out, field)
	}
	mappings, _ := out.At([]string{"container", "portMappings"})
	list, _ := mappings.([]any)
	for _, x := range list {
		if o, ok := x.(map[string]any); ok {
			delete(o, "servicePort")
		}
	}
	return a.Target.String() + mesh.Digest(out)
}
