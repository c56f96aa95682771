package diff

import (
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Patch returns what a target's resources are once the changes are done: the
// inverse of Diff, for predictions and for the properties that tests hold.
// The result is sorted by address; the inputs are not modified.
func Patch(observed []mesh.Resource, changes []Change) []mesh.Resource {
	at := map[mesh.Address]mesh.Resource{}
	for _, r := range observed {
		at[r.Addr] = r
	}
	for _, c := range changes {
		switch c.Action {
		case Create, Update:
			at[c.Addr] = patched(c)
		case Replace:
			maps.DeleteFunc(at, func(a mesh.Address, _ mesh.Resource) bool {
				return a.Target == c.Addr.Target && a.IsPath() && a.Name == c.Addr.Name
			})
			at[c.Addr] = patched(c)
		case Delete:
			delete(at, c.Addr)
		case Release, Finish, Restart:
		}
	}
	out := make([]mesh.Resource, 0, len(at))
	for _, r := range at {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b mesh.Resource) int { return a.Addr.Compare(b.Addr) })
	return out
}

func patched(c Change) mesh.Resource {
	return mesh.Resource{Addr: c.Addr, Attrs: c.After, Text: c.AfterText, App: c.App}
}
