package mesh

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"meshsync.dev/meshsync/internal/secret"
)

// Tree is a canonical tree of attributes. Its leaves are nil, bool, string,
// int64, float64 (only when not integral) and secret.Value; its inner nodes are
// map[string]any (also as Tree at the root) and []any.
//
// Build one with NewTree, which normalises numbers, so that 1 and 1.0 are equal.
type Tree map[string]any

// NewTree returns a deep, normalised copy of m. It fails on a value that no tree
// can hold (a channel, a NaN), which is a bug in the caller.
func NewTree(m map[string]any) (Tree, error) {
	v, err := normalise(m)
	if err != nil {
		return nil, err
	}
	return Tree(v.(map[string]any)), nil
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
		if i, err := v.Int64(); err == nil {
			return i, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("number %s: %w", v, err)
		}
		return normalise(f)
	case Tree:
		return normalise(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			x, err := normalise(v[k])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			out[k] = x
		}
		return out, nil
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

// EqualValues reports whether two normalised values are the same.
func EqualValues(a, b any) bool {
	switch a := a.(type) {
	case secret.Value:
		bb, ok := b.(secret.Value)
		return ok && a.Equal(bb)
	case Tree:
		return EqualValues(map[string]any(a), b)
	case map[string]any:
		if t, ok := b.(Tree); ok {
			b = map[string]any(t)
		}
		bb, ok := b.(map[string]any)
		if !ok || len(a) != len(bb) {
			return false
		}
		for k, x := range a {
			y, ok := bb[k]
			if !ok || !EqualValues(x, y) {
				return false
			}
		}
		return true
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

// Clone returns a deep copy.
func (t Tree) Clone() Tree {
	if t == nil {
		return nil
	}
	return MustTree(t)
}
