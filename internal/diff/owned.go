package diff

import (
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// Keep is a desired app with what is live in the fields that its declaration leaves open: a
// number outside of what git allows is brought to the nearer end. live is nil for a new app,
// which gets what git says. want is not modified.
func Keep(want, live mesh.Tree, open map[string]string) mesh.Tree {
	return keep(want, live, open, func(how string, is any) any {
		n, isNumber := is.(int64)
		if b, ok := mesh.ParseBounds(how); ok && isNumber {
			return b.Nearest(n)
		}
		return is
	})
}

// Apart lists the fields in which two forms of an app differ that are not left open.
func Apart(before, after mesh.Tree, open map[string]string) []Field {
	return Fields(keep(before, after, open, func(_ string, is any) any { return is }), after)
}

func keep(want, live mesh.Tree, open map[string]string, value func(how string, is any) any) mesh.Tree {
	if want == nil || len(open) == 0 {
		return want
	}
	from := live
	if live == nil {
		from = want
	}
	out := want.Clone()
	for _, field := range slices.Sorted(maps.Keys(open)) {
		path := mesh.FieldPath(field)
		is, there := from.At(path)
		_, wanted := out.At(path)
		switch {
		case there:
			out.Put(path, value(open[field], is))
		case wanted:
			out.Take(path, live)
		}
	}
	return out
}

// asDeclared are attributes with what the declaration leaves open as it says it.
func asDeclared(k mesh.Kind, attrs mesh.Tree, open map[string]string) mesh.Tree {
	if k != mesh.App {
		return primitive.AsDeclared(attrs, open)
	}
	if attrs == nil || len(open) == 0 {
		return attrs
	}
	out := attrs.Clone()
	for _, field := range slices.Sorted(maps.Keys(open)) {
		out.Put(mesh.FieldPath(field), open[field])
	}
	return out
}

// opened is asDeclared for what was found: a value stays that is not what was left open.
func opened(k mesh.Kind, attrs mesh.Tree, open map[string]string) mesh.Tree {
	if k != mesh.App {
		return primitive.Opened(attrs, open)
	}
	fitting := maps.Clone(open)
	maps.DeleteFunc(fitting, func(field, how string) bool {
		is, _ := attrs.At(mesh.FieldPath(field))
		n, isNumber := is.(int64)
		b, bounded := mesh.ParseBounds(how)
		return bounded && (!isNumber || !b.Holds(n))
	})
	return asDeclared(k, attrs, fitting)
}

// Found is the digest of what is there as a record names it that leaves something open.
func Found(a mesh.Address, attrs mesh.Tree, open map[string]string) string {
	return mesh.Digest(opened(a.Kind, attrs, open))
}
