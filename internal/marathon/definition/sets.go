package definition

import (
	"cmp"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// sets sorts what Marathon compares as sets, and collapses what is twice.
func (c former) sets() {
	for _, f := range []string{"constraints", "healthChecks", "dependencies", "acceptedResourceRoles"} {
		if l, ok := c.app[f].([]any); ok {
			c.app[f] = sortedSet(l)
		}
	}
}

// sortedSet orders by the JSON of the elements; the input is not modified.
func sortedSet(in []any) []any {
	if len(in) == 1 {
		return in
	}
	type keyed struct {
		key string
		v   any
	}
	ks := make([]keyed, 0, len(in))
	for _, v := range in {
		b, err := mesh.AppendJSON(nil, v)
		if err != nil {
			panic("definition: a tree that JSON cannot hold: " + err.Error())
		}
		ks = append(ks, keyed{string(b), v})
	}
	slices.SortFunc(ks, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	ks = slices.CompactFunc(ks, func(a, b keyed) bool { return a.key == b.key })
	out := make([]any, 0, len(ks))
	for _, k := range ks {
		out = append(out, k.v)
	}
	return out
}
