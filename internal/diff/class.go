package diff

import "meshsync.dev/meshsync/internal/mesh"

// Applied is the digest that a record keeps of a declaration: of the attributes as it says
// them, also where it leaves something open that the target then chose.
func Applied(want mesh.Resource) string {
	return mesh.Digest(asDeclared(want.Addr.Kind, want.Attrs, want.Open))
}

// digestFor is the digest of what is there for a comparison with an entry: what the entry
// left open counts as it says, whatever it is.
func digestFor(have mesh.Resource, e mesh.RecordEntry) string {
	return Found(have.Addr, have.Attrs, e.Open)
}

// live is what is there, as the record would name it.
func (c *comparison) live(have mesh.Resource) string {
	e, _ := c.entry(have.Addr)
	return digestFor(have, e)
}

func (c *comparison) entry(a mesh.Address) (mesh.RecordEntry, bool) {
	if c.state.RecordState != mesh.RecordOK {
		return mesh.RecordEntry{}, false
	}
	e, ok := c.state.Record.Entries[a.String()]
	return e, ok
}

func (c *comparison) recorded(want mesh.Resource) State {
	if e, ok := c.entry(want.Addr); ok && e.Digest == Applied(want) && e.State == mesh.Holds {
		return Recorded
	}
	return Unrecorded
}

// classify says who moved. live and desired differ and are digests, or
// mesh.AbsentDigest.
func (c *comparison) classify(a mesh.Address, live, desired string) Class {
	e, ok := c.entry(a)
	switch {
	case c.state.RecordState != mesh.RecordOK:
		return Differs
	case unseen(a.Kind):
		return Pending // what nobody can look at, nobody saw move
	case !ok && live == mesh.AbsentDigest:
		return Pending // new in git, and nothing was in its place
	case !ok && desired == mesh.AbsentDigest:
		return Drift // somebody put it there
	case !ok:
		return Differs // it was there before git named it
	case e.State == mesh.Intends && (live == e.Was || e.Was == ""):
		return Pending // an apply ended between its note and its write
	case live == e.Digest:
		return Pending
	case desired == e.Digest:
		return Drift
	default:
		return Both
	}
}

// becomesSecret reports whether a file was last written as a plain one and is declared a
// secret now. What is there is then known by a digest under the host's key, and what was
// written by a plain one: nobody can tell whether it moved, and git did.
func (c *comparison) becomesSecret(want mesh.Resource) bool {
	e, ok := c.entry(want.Addr)
	return ok && want.Secret != nil && e.State == mesh.Holds && e.Keyed == ""
}
