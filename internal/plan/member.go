package plan

import (
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// identityChanges counts the hosts whose file of identity, such as ZooKeeper's myid, gets
// another content: such a host would come back as another member with the data of the old one.
func (b *builder) identityChanges() int {
	hosts := map[mesh.Target]bool{}
	for _, c := range b.changes {
		e := b.byRole[c.Role].Ensemble
		if e != nil && slices.Contains(e.Identity, c.Addr.Name) && b.otherIdentity(c) {
			hosts[c.Addr.Target] = true
		}
	}
	return len(hosts)
}

// otherIdentity reports whether the host is known to be another member than git wants: by
// the file, or where there is none any more by the record. A host that is none yet becomes
// one without harm.
func (b *builder) otherIdentity(c diff.Change) bool {
	if c.After == nil {
		return false
	}
	if c.Before != nil && c.BeforeKind() == mesh.File {
		return c.Before["content"] != c.After["content"]
	}
	state, _ := b.in.Seen.Of(c.Addr.Target)
	e, known := state.Record.Entries[c.Addr.String()]
	was := e.Digest
	if e.State == mesh.Intends {
		was = e.Was // nothing is there, so it was not written
	}
	return known && was != mesh.AbsentDigest && was != mesh.Digest(c.After)
}
