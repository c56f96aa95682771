package diff

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// Result is what Diff found.
type Result struct {
	Changes   []Change         // sorted by address
	Unmanaged []mesh.Address   // observed, not desired, not recorded: left alone; sorted
	Equal     []mesh.Address   // observed and as desired; sorted
	Record    map[string]State // for Equal ones: what the record says of them, by address
}

// State says whether the record holds a resource as it is.
type State string

// The states of an equal resource in the record.
const (
	Recorded   State = "recorded"
	Unrecorded State = "unrecorded" // as desired, but the record does not say so yet
)

// Diff compares desired with what was observed. Targets that were not observed, or
// whose outcome is not mesh.OK, and resources that are unknown yield nothing: what
// cannot be seen is neither absent nor different. The order of the inputs does not
// matter.
func Diff(desired []mesh.Resource, seen mesh.Observed) Result {
	out := Result{Record: map[string]State{}}
	for _, t := range seen.Targets {
		if t.Outcome != mesh.OK {
			continue
		}
		c := newComparison(desired, t)
		c.desiredSide(&out)
		c.observedSide(&out)
		c.recordSide(&out)
	}
	markPurged(out.Changes, desired)
	slices.SortFunc(out.Changes, func(a, b Change) int { return a.Addr.Compare(b.Addr) })
	slices.SortFunc(out.Unmanaged, mesh.Address.Compare)
	slices.SortFunc(out.Equal, mesh.Address.Compare)
	return out
}

// comparison is the diff of one target.
type comparison struct {
	state   mesh.TargetState
	desired map[mesh.Address]mesh.Resource
	present map[mesh.Address]mesh.Resource
	stray   map[mesh.Address]bool
	absent  map[mesh.Address]bool
	at      map[string][]mesh.Resource // what is present at each path
	handled map[mesh.Address]bool      // observed resources that a change already covers
}

func newComparison(desired []mesh.Resource, t mesh.TargetState) *comparison {
	c := &comparison{
		state:   t,
		desired: map[mesh.Address]mesh.Resource{},
		present: make(map[mesh.Address]mesh.Resource, len(t.Resources)+len(t.Strays)),
		stray:   map[mesh.Address]bool{},
		absent:  map[mesh.Address]bool{},
		at:      map[string][]mesh.Resource{},
		handled: map[mesh.Address]bool{},
	}
	for _, r := range desired {
		if r.Addr.Target == t.Target {
			c.desired[r.Addr] = r
		}
	}
	for _, r := range t.Resources {
		c.present[r.Addr] = r
	}
	for _, r := range t.Strays {
		c.present[r.Addr], c.stray[r.Addr] = r, true
	}
	for _, r := range c.present {
		if r.Addr.IsPath() {
			c.at[r.Addr.Name] = append(c.at[r.Addr.Name], r)
		}
	}
	for _, a := range t.Absent {
		c.absent[a] = true
	}
	return c
}

func (c *comparison) desiredSide(out *Result) {
	for addr, want := range c.desired {
		have, present := c.present[addr]
		switch {
		case want.Gone && c.inTheWay(addr) != nil:
			other := *c.inTheWay(addr)
			c.handled[other.Addr] = true
			out.Changes = append(out.Changes, c.gone(want, other))
		case present && c.outdated(have) && mesh.EqualValues(have.Attrs, want.Attrs):
			out.Changes = append(out.Changes, restart(want, have))
		case present && c.unfinished(want, have):
			ch := wanted(want, Finish)
			ch.Before, ch.App, ch.Class = have.Attrs, have.App, Pending
			ch.Reason = "an earlier run wrote it and did not see its deployment end"
			out.Changes = append(out.Changes, ch)
		case present && mesh.EqualValues(have.Attrs, want.Attrs):
			out.Equal = append(out.Equal, addr)
			out.Record[addr.String()] = c.recorded(want)
		case present:
			out.Changes = append(out.Changes, c.update(want, have))
		case c.inTheWay(addr) != nil:
			other := *c.inTheWay(addr)
			c.handled[other.Addr] = true
			out.Changes = append(out.Changes, c.replace(want, other))
		case c.absent[addr] || c.listsAll(addr):
			out.Changes = append(out.Changes, c.create(want))
		}
	}
}

// outdated reports whether tasks of an app run an older configuration than it has, and no
// deployment is under way that would replace them: one was cancelled by force. To write the
// same definition again changes nothing then.
func (c *comparison) outdated(have mesh.Resource) bool {
	if have.App == nil || have.App.TasksOutdated == 0 || len(have.App.Deployments) > 0 {
		return false
	}
	return c.state.Marathon == nil || !slices.ContainsFunc(c.state.Marathon.Deployments, func(d mesh.Deployment) bool {
		return slices.Contains(d.AffectedApps, have.Addr.Name)
	})
}

func restart(want, have mesh.Resource) Change {
	ch := wanted(want, Restart)
	ch.Before, ch.App, ch.Class = have.Attrs, have.App, Stale
	ch.Reason = fmt.Sprintf("%d of its %d tasks run an older configuration than it has, and no deployment is under way: one was cancelled by force",
		have.App.TasksOutdated, have.App.TasksRunning+have.App.TasksStaged)
	return ch
}

// unfinished reports whether an app is as desired and its record still says that this is
// intended: its deployment may run, or hang.
func (c *comparison) unfinished(want, have mesh.Resource) bool {
	e, ok := c.entry(want.Addr)
	return ok && want.Addr.Kind == mesh.App && e.State == mesh.Intends && mesh.EqualValues(have.Attrs, want.Attrs)
}

// listsAll reports whether the target would have listed the resource if it were there:
// a Marathon lists all its apps, a host only what it was asked for.
func (c *comparison) listsAll(addr mesh.Address) bool {
	unknown := slices.ContainsFunc(c.state.Unknown, func(u mesh.UnknownResource) bool { return u.Addr == addr })
	return addr.Kind == mesh.App && !unknown
}

// inTheWay returns the resource of another kind that has the same path.
func (c *comparison) inTheWay(addr mesh.Address) *mesh.Resource {
	if !addr.IsPath() {
		return nil
	}
	for _, r := range c.at[addr.Name] {
		if r.Addr.Kind != addr.Kind {
			return &r
		}
	}
	return nil
}

// markPurged marks the changes in directories that are declared with purge.
func markPurged(changes []Change, desired []mesh.Resource) {
	purges := map[mesh.Address]bool{}
	for _, r := range desired {
		purges[r.Addr] = r.Purge
	}
	for i, c := range changes {
		dir := mesh.Address{Target: c.Addr.Target, Kind: mesh.Directory, Name: path.Dir(c.Addr.Name)}
		changes[i].Purged = c.Addr.IsPath() && purges[dir]
	}
}

func purged(addr mesh.Address) string {
	return "in purged directory " + path.Dir(addr.Name) + ", not in git"
}

// observedSide handles what is there and not desired and not recorded.
func (c *comparison) observedSide(out *Result) {
	for addr, have := range c.present {
		_, wanted := c.desired[addr]
		_, recorded := c.entry(addr)
		switch {
		case wanted || recorded || c.handled[addr]:
		case c.stray[addr]:
			ch := c.remove(have, Delete)
			ch.Reason = purged(addr)
			out.Changes = append(out.Changes, ch)
		default:
			out.Unmanaged = append(out.Unmanaged, addr)
		}
	}
}

func (c *comparison) create(want mesh.Resource) Change {
	ch := wanted(want, Create)
	if kind, _ := primitive.Of(want.Addr.Kind); kind.Recorded != nil {
		ch.Reason = "it cannot be previewed: its test and its command run at apply, and the record tells that they did"
	}
	ch.Class = c.classify(want.Addr, mesh.AbsentDigest, Applied(want))
	return ch
}

func (c *comparison) update(want, have mesh.Resource) Change {
	ch := wanted(want, Update)
	ch.Before, ch.BeforeText, ch.App = have.Attrs, have.Text, have.App
	ch.Fields = Fields(have.Attrs, want.Attrs)
	ch.Class = c.classify(want.Addr, c.live(have), Applied(want))
	if c.becomesSecret(want) {
		ch.Class = Pending
	}
	return ch
}

func (c *comparison) replace(want, other mesh.Resource) Change {
	ch := wanted(want, Replace)
	ch.Before, ch.BeforeText, ch.Replaces = other.Attrs, other.Text, other.Addr.Kind
	ch.Reason = "a " + string(other.Addr.Kind) + " is in its place"
	ch.Class = c.classify(want.Addr, ch.Was(), Applied(want))
	if _, known := c.entry(want.Addr); !known { // git may want another kind than it did
		if _, was := c.entry(other.Addr); was {
			ch.Class = c.classify(other.Addr, c.live(other), Applied(want))
		}
	}
	return ch
}

func (c *comparison) remove(have mesh.Resource, a Action) Change {
	return Change{
		Addr: have.Addr, Action: a, Before: have.Attrs, BeforeText: have.Text, App: have.App,
		Class: c.classify(have.Addr, c.live(have), mesh.AbsentDigest),
	}
}

func wanted(r mesh.Resource, a Action) Change {
	return Change{
		Addr: r.Addr, Action: a, After: r.Attrs, AfterText: r.Text,
		Role: r.Role, Origin: r.Origin, Service: r.Service, Validate: r.Validate, Secret: r.Secret, Open: r.Open,
	}
}

// Sort orders changes by address.
func Sort(cs []Change) {
	slices.SortFunc(cs, func(a, b Change) int { return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Action, b.Action)) })
}
