package mesh

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"meshsync.dev/meshsync/internal/secret"
)

// Tree is a canonical tree of attributes. Its leaves are nil, bool, string,
// int64, float64 (only when not integral) and secret.Value; its inner nodes are
// map[string]any (also as Tree at the root) and []any.
//
// Build one with NewTree, which normalises numbers, so that 1 and 1.0 are equal.
type Tree map[string]any

// NewTree returns a deep, normalised copy of m. It fails on a value that no tree
// can hold, such as a number beyond all floats.
func NewTree(m map[string]any) (Tree, error) {
	v, err := normalise(m)
	if err != nil {
		return nil, err
	}
	return Tree(v.(map[string]any)), nil
}

// Reset makes t a deep, normalised copy of m, as NewTree does, and uses its room again, also
// that of the maps in it: nobody else may hold any of them.
func (t Tree) Reset(m map[string]any) error {
	for k := range t {
		if _, stays := m[k]; !stays {
			delete(t, k)
		}
	}
	for k, v := range m {
		x, err := reuse(t[k], v)
		if err != nil {
			return firstError(m)
		}
		t[k] = x
	}
	return nil
}

// reuse normalises v into the map that old may be.
func reuse(old, v any) (any, error) {
	room, hasRoom := old.(map[string]any)
	if m, ok := v.(map[string]any); ok && hasRoom {
		return old, Tree(room).Reset(m)
	}
	return normalise(v)
}

// MustTree is NewTree for literals in code.
func MustTree(m map[string]any) Tree {
	t, err := NewTree(m)
	if err != nil {
		panic(err)
	}
	return t
}

// maxExact is the largest magnitude below which a float64 holds each integer exactly.
const maxExact = 1 << 53

func normalise(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, string, int64, secret.Value:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v is no number that a tree can hold", v)
		}
		if v == math.Trunc(v) && math.Abs(v) < maxExact {
			return int64(v), nil
		}
		return v, nil
	case json.Number:
		return ParseNumber(string(v))
	case Tree:
		return normalise(map[string]any(v))
	case map[string]any:
		return normaliseMap(v)
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			x, err := normalise(e)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out[i] = x
		}
		return out, nil
	default:
		return nil, fmt.Errorf("a tree cannot hold a %T", v)
	}
}

// normaliseMap takes the names as they come; only of several errors it looks for the first,
// so that it is the same each time.
func normaliseMap(m map[string]any) (any, error) {
	out := make(Tree, len(m))
	err := out.Reset(m)
	return map[string]any(out), err
}

func firstError(m map[string]any) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if _, err := normalise(m[k]); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	return nil
}

// ParseNumber returns the leaf that a number of JSON is: an int64 where it is integral.
func ParseNumber(text string) (any, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("number %s: %w", text, err)
	}
	return normalise(f)
}

// EqualValues reports whether two normalised values are the same.
func EqualValues(a, b any) bool {
	switch a := a.(type) {
	case string:
		bb, ok := b.(string)
		return ok && a == bb
	case int64:
		bb, ok := b.(int64)
		return ok && a == bb
	case secret.Value:
		bb, ok := b.(secret.Value)
		return ok && a.Equal(bb)
	case Tree:
		return equalMaps(a, b)
	case map[string]any:
		return equalMaps(a, b)
	case []any:
		bb, ok := b.([]any)
		return ok && slices.EqualFunc(a, bb, EqualValues)
	default:
		switch b.(type) {
		case map[string]any, Tree, []any, secret.Value:
			return false
		}
		return a == b
	}
}

func equalMaps(a map[string]any, b any) bool {
	bb, ok := b.(map[string]any)
	if !ok {
		t, isTree := b.(Tree)
		bb, ok = t, isTree
	}
	if !ok || len(a) != len(bb) {
		return false
	}
	if sameMap(a, bb) {
		return true
	}
	for k, x := range a {
		y, ok := bb[k]
		if !ok || !EqualValues(x, y) {
			return false
		}
	}
	return true
}

// sameMap reports whether the two are one map, so that nothing has to be compared.
func sameMap(a, b map[string]any) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

// Clone returns a deep copy.
func (t Tree) Clone() Tree {
	if t == nil {
		return nil
	}
	return MustTree(t)
}
