package diff

import (
	"fmt"
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Fields lists the attributes in which two canonical trees differ, sorted by path.
// Maps are compared by key and lists of equal length by position; a list whose
// length changed, and a leaf, is one field as a whole.
func Fields(before, after mesh.Tree) []Field {
	var out []Field
	mapFields("", before, after, &out)
	slices.SortFunc(out, func(a, b Field) int {
		switch {
		case a.Path < b.Path:
			return -1
		case a.Path > b.Path:
			return 1
		default:
			return 0
		}
	})
	return out
}

func mapFields(prefix string, before, after map[string]any, out *[]Field) {
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		name := k
		if prefix != "" {
			name = prefix + "." + k
		}
		valueFields(name, before[k], after[k], out)
	}
}

func valueFields(path string, before, after any, out *[]Field) {
	if mesh.EqualValues(before, after) {
		return
	}
	bm, bok := before.(map[string]any)
	am, aok := after.(map[string]any)
	if bok && aok {
		mapFields(path, bm, am, out)
		return
	}
	bl, bok := before.([]any)
	al, aok := after.([]any)
	if bok && aok && len(bl) == len(al) {
		for i := range bl {
			valueFields(fmt.Sprintf("%s[%d]", path, i), bl[i], al[i], out)
		}
		return
	}
	*out = append(*out, Field{Path: path, Before: before, After: after})
}
