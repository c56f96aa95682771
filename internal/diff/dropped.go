package diff

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// recordSide handles what was applied once and is no longer desired.
func (c *comparison) recordSide(out *Result) {
	if c.state.RecordState != mesh.RecordOK {
		return
	}
	for name, entry := range c.state.Record.Entries {
		addr, err := mesh.ParseAddress(name)
		if err != nil || addr.Target != c.state.Target || c.handled[addr] {
			continue
		}
		if _, wanted := c.desired[addr]; wanted {
			continue
		}
		if ch, ok := c.dropped(addr, entry); ok {
			out.Changes = append(out.Changes, ch)
		}
	}
}

// dropped is the change for what git no longer names; ok is false where nobody can tell
// how it is. What is gone has one, too: an entry that stayed would later pass for the
// right to delete what somebody else made under the same name.
func (c *comparison) dropped(addr mesh.Address, e mesh.RecordEntry) (ch Change, ok bool) {
	have, present := c.present[addr]
	switch {
	case unseen(addr.Kind):
		return Change{Addr: addr, Action: Release, Class: Pending, Reason: letGo(addr.Kind)}, true
	case present:
		action, reason := c.fate(have, e)
		ch = c.remove(have, action)
		ch.Reason = reason
		return ch, true
	case c.absent[addr] || c.listsAll(addr) || c.inTheWay(addr) != nil:
		return Change{Addr: addr, Action: Release, Class: Pending, Reason: "git no longer names it, and it is gone already: only the record forgets it"}, true
	default:
		return ch, false
	}
}

// fate is what becomes of a thing that git no longer names, and why: only what is still
// what meshsync made is deleted.
func (c *comparison) fate(have mesh.Resource, e mesh.RecordEntry) (Action, string) {
	kind, _ := primitive.Of(have.Addr.Kind)
	made := e.Origin == mesh.Created
	switch {
	case kind.Keeps:
		return Release, letGo(have.Addr.Kind)
	case made && unchanged(have, e):
		return Delete, "git no longer names it; meshsync created it"
	case c.stray[have.Addr]:
		return Delete, purged(have.Addr)
	case made:
		return Release, "git no longer names it; it is not as meshsync made it, so it stays"
	default:
		return Release, "git no longer names it; meshsync did not create it"
	}
}

func letGo(k mesh.Kind) string {
	if kind, _ := primitive.Of(k); kind.Path != nil {
		return "git no longer asks that nothing be there: only the record forgets it"
	}
	return "git no longer names it; a " + string(k) + " is not removed, only let go"
}

// unchanged reports whether a thing is still what the record says that meshsync made. What
// an ended run only meant to make is that if it came out so; what one meant to remove, if
// it is what that was planned on. An app is told by its id, a package by its name: that
// they are others by now is the doing of those who scale and of apt.
func unchanged(have mesh.Resource, e mesh.RecordEntry) bool {
	kind, _ := primitive.Of(have.Addr.Kind)
	switch {
	case have.Addr.Kind == mesh.App && (e.State == mesh.Holds || e.Was != mesh.AbsentDigest):
		return true
	case e.Digest == mesh.AbsentDigest:
		return mesh.Digest(have.Attrs) == e.Was
	default:
		return digestFor(have, e) == e.Digest || kind.Moves && e.State == mesh.Holds
	}
}

// unseen reports whether nobody can look at things of a kind: their entries are all that
// there is of them.
func unseen(k mesh.Kind) bool {
	kind, ok := primitive.Of(k)
	return ok && (kind.Recorded != nil || kind.Path != nil && kind.Path.Type == 0)
}

// gone is the deletion of what lies where git wants nothing.
func (c *comparison) gone(want, other mesh.Resource) Change {
	ch := c.remove(other, Delete)
	ch.Reason, ch.Role, ch.Origin, ch.Gone = "git wants nothing there", want.Role, want.Origin, &want.Addr
	if want.Recursive && other.Addr.Kind == mesh.Directory {
		ch.Recursive, ch.Reason = true, fmt.Sprintf("git wants nothing there; all that is in it goes along: entries %v", other.Attrs["entries"])
	}
	_, recorded := c.entry(other.Addr)
	e, known := c.entry(want.Addr)
	switch {
	case c.state.RecordState != mesh.RecordOK || recorded: // as remove says
	case known && e.State == mesh.Holds:
		ch.Class = Drift // nothing was there before
	default:
		ch.Class = Pending
	}
	return ch
}
