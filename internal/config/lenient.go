package config

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
)

// An app is often a JSON definition as somebody posted it, or as Marathon answered it. What
// Marathon understands in it and the contract has no room for is read as Marathon reads it: null
// for a field that may be missing, a word of an enumeration in another case, and 2.0 for a whole
// number. The contract itself stays narrow, so that an editor completes what is usual.

// leniently is a reader that takes what Marathon takes beyond the contract.
func (r *shapeReader) leniently() *shapeReader {
	return &shapeReader{ctx: r.ctx, last: r.last, lenient: true}
}

// understood is what Marathon makes of a constant where this scalar is wanted.
func (s *scalar) understood(got any, kind cue.Kind) (any, cue.Kind) {
	switch got := got.(type) {
	case json.Number:
		if n, ok := whole(got); ok && s.kind == cue.IntKind {
			return n, cue.IntKind
		}
	case string:
		if word, ok := s.equal.(string); ok && s.word && strings.EqualFold(got, word) {
			return word, kind
		}
	}
	return got, kind
}

// whole is the whole number that 2.0 or 1e3 is.
func whole(n json.Number) (json.Number, bool) {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return "", false
	}
	return json.Number(r.Num().String()), true
}

// isNull reports whether a value is null, or that by default.
func isNull(v cue.Value) bool {
	v, _ = v.Default()
	return v.IsNull()
}

// markWords finds the words of an enumeration among alternatives. A word that stands beside a
// number, as unlimited does, is none: Marathon takes it as it is only.
func (a alternatives) markWords() {
	number := slices.ContainsFunc(a, func(x shape) bool {
		s, ok := x.(*scalar)
		return ok && s.kind == cue.NumberKind
	})
	for _, x := range a {
		if s, ok := x.(*scalar); ok {
			s.word = !number
		}
	}
}

// intolerable leaves, of what the contract says of an app, what Marathon would not understand
// either.
func (s *structure) intolerable(r *shapeReader, v cue.Value, err error) error {
	var out errors.Error
	for _, e := range errors.Errors(err) {
		if !tolerated(s, r, v, trimDefinition(e.Path())) {
			out = errors.Append(out, e)
		}
	}
	if out == nil {
		return err
	}
	return out
}

// tolerated reports whether a lenient reader takes what is at a path.
func tolerated(s shape, r *shapeReader, v cue.Value, path []string) bool {
	if len(path) == 0 {
		_, ok := s.read(r, v)
		return ok
	}
	name := unquote(path[0])
	switch s := s.(type) {
	case *structure:
		field := v.LookupPath(cue.MakePath(cue.Str(name)))
		next, known := s.fields[name]
		if known && isNull(field) {
			return !slices.Contains(s.required, name)
		}
		if !known {
			next = s.others
		}
		return next != nil && field.Exists() && tolerated(next, r, field, path[1:])
	case alternatives:
		return slices.ContainsFunc(s, func(x shape) bool { return tolerated(x, r, v, path) })
	case *list:
		i, err := strconv.Atoi(name)
		element := v.LookupPath(cue.MakePath(cue.Index(max(i, 0))))
		next := s.at(i)
		return err == nil && next != nil && element.Exists() && tolerated(next, r, element, path[1:])
	default:
		return false
	}
}
