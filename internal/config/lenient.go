package config

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
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
	if out != nil {
		return out
	}
	// The evaluator does not look for unknown fields beside a wrong type, so it told what is none.
	for _, path := range unknownIn(s, v, nil) {
		out = errors.Append(out, unknownFieldError{v, path})
	}
	if out == nil {
		return err
	}
	return out
}

// unknownIn lists the paths of fields that a shape has no place for.
func unknownIn(s shape, v cue.Value, at []string) (paths [][]string) {
	v, _ = v.Default()
	switch s := s.(type) {
	case *structure:
		it, err := v.Fields()
		for err == nil && it.Next() {
			name := it.Selector().Unquoted()
			next, known := s.fields[name]
			if !known {
				next = s.others
			}
			below := append(slices.Clone(at), name)
			if next == nil {
				paths = append(paths, below)
				continue
			}
			paths = append(paths, unknownIn(next, it.Value(), below)...)
		}
	case *list:
		it, err := v.List()
		for i := 0; err == nil && it.Next(); i++ {
			if next := s.at(i); next != nil {
				paths = append(paths, unknownIn(next, it.Value(), append(slices.Clone(at), strconv.Itoa(i)))...)
			}
		}
	}
	return paths
}

// unknownFieldError is what the evaluator says of a field that a closed struct does not have.
type unknownFieldError struct {
	in   cue.Value
	path []string
}

// field is the value at the path.
func (e unknownFieldError) field() cue.Value {
	v := e.in
	for _, name := range e.path {
		if i, err := strconv.Atoi(name); err == nil && v.IncompleteKind() == cue.ListKind {
			v = v.LookupPath(cue.MakePath(cue.Index(i)))
		} else {
			v = v.LookupPath(cue.MakePath(cue.Str(name)))
		}
	}
	return v
}

// Position, InputPositions, Error, Path and Msg are those of an error of the evaluator.

func (e unknownFieldError) Position() token.Pos         { return e.field().Pos() }
func (e unknownFieldError) InputPositions() []token.Pos { return nil }
func (e unknownFieldError) Error() string               { return strings.Join(e.path, ".") + ": field not allowed" }
func (e unknownFieldError) Path() []string              { return e.path }
func (e unknownFieldError) Msg() (string, []any)        { return "field not allowed", nil }

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
