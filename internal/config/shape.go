package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"cuelang.org/go/cue"
)

// shape is a definition of the contract, taken apart once. It reads a value that fits
// it in one pass, which spares the evaluator a second evaluation of every app. It only
// says yes: of what it does not accept, the contract says whether and why it is wrong.
// A lenient reader takes more than the contract: see lenient.go.
type shape interface {
	// read returns a value as encoding/json would decode it, with json.Number for numbers.
	read(r *shapeReader, v cue.Value) (any, bool)
}

// shapeOf takes a definition apart. An error means that the contract uses something
// that shapes do not know.
func shapeOf(v cue.Value) (shape, error) {
	if op, args := v.Expr(); op == cue.OrOp {
		return alternativesOf(args)
	}
	switch v.IncompleteKind() {
	case cue.StructKind:
		return structOf(v)
	case cue.ListKind:
		return listOf(v)
	case cue.StringKind, cue.BoolKind, cue.IntKind, cue.NumberKind:
		s := &scalar{kind: v.IncompleteKind()}
		return s, s.narrow(v)
	default:
		return nil, fmt.Errorf("%s: a %s", v.Path(), v.IncompleteKind())
	}
}

// scalar is a string, boolean or number within bounds.
type scalar struct {
	kind   cue.Kind
	equal  any  // a constant; nil if none
	word   bool // equal is one of an enumeration
	bounds []bound
}

// bound is a comparison with a constant.
type bound struct {
	op   cue.Op
	with any // as leaf gives it
}

// narrow adds what an expression such as `int & >=0` asks for.
func (s *scalar) narrow(v cue.Value) error {
	op, args := v.Expr()
	switch {
	case op == cue.AndOp:
		for _, a := range args {
			if err := s.narrow(a); err != nil {
				return err
			}
		}
	case slices.Contains([]cue.Op{cue.GreaterThanEqualOp, cue.GreaterThanOp, cue.LessThanEqualOp, cue.LessThanOp, cue.NotEqualOp}, op):
		with, ok := leaf(args[0])
		if !ok {
			return fmt.Errorf("%s: bound by %v", v.Path(), args[0])
		}
		s.bounds = append(s.bounds, bound{op, with})
	case op == cue.NoOp && v.IsConcrete():
		s.equal, _ = leaf(v)
	case op != cue.NoOp:
		return fmt.Errorf("%s: the operator %s", v.Path(), op)
	}
	return nil
}

func (s *scalar) read(r *shapeReader, v cue.Value) (any, bool) {
	v, _ = v.Default()
	got, ok := leaf(v)
	kind := v.Kind()
	if ok && r.lenient {
		got, kind = s.understood(got, kind)
	}
	if !ok || kind != s.kind && (s.kind != cue.NumberKind || kind != cue.IntKind && kind != cue.FloatKind) {
		return nil, false
	}
	if s.equal != nil && got != s.equal {
		return nil, false
	}
	for _, b := range s.bounds {
		if !b.holds(got) {
			return nil, false
		}
	}
	return got, true
}

// digits is how many digits of a fraction are kept: more than anybody writes.
const digits = 4096

// leaf is a concrete scalar. It takes the methods that make no evaluation context of
// their own: there are ten of them in an app.
func leaf(v cue.Value) (any, bool) {
	switch v.Kind() {
	case cue.StringKind:
		s, err := v.String()
		return s, err == nil
	case cue.BoolKind:
		b, err := v.Bool()
		return b, err == nil
	case cue.IntKind:
		n, err := v.Int64()
		return json.Number(strconv.FormatInt(n, 10)), err == nil
	case cue.FloatKind:
		b, err := v.AppendFloat(nil, 'G', digits)
		return json.Number(b), err == nil
	default:
		return nil, false
	}
}

func (b bound) holds(got any) bool {
	order := 0
	switch with := b.with.(type) {
	case json.Number:
		number, ok := got.(json.Number)
		x, err1 := strconv.ParseFloat(number.String(), 64)
		y, err2 := strconv.ParseFloat(with.String(), 64)
		if !ok || err1 != nil || err2 != nil {
			return false
		}
		order = cmp.Compare(x, y)
	case string:
		text, ok := got.(string)
		if !ok {
			return false
		}
		order = cmp.Compare(text, with)
	default:
		return false
	}
	return map[cue.Op]bool{
		cue.GreaterThanEqualOp: order >= 0, cue.GreaterThanOp: order > 0,
		cue.LessThanEqualOp: order <= 0, cue.LessThanOp: order < 0, cue.NotEqualOp: order != 0,
	}[b.op]
}

// alternatives is a disjunction: the first shape that accepts a value reads it.
type alternatives []shape

func alternativesOf(args []cue.Value) (shape, error) {
	var out alternatives
	for _, a := range args {
		s, err := shapeOf(a)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	out.markWords()
	return out, nil
}

func (a alternatives) read(r *shapeReader, v cue.Value) (any, bool) {
	for _, s := range a {
		if out, ok := s.read(r, v); ok {
			return out, true
		}
	}
	return nil, false
}

// list has some elements that must be there, each with a shape, and more of another.
type list struct {
	first []shape
	more  shape // nil: there are no more
}

func listOf(v cue.Value) (shape, error) {
	out := &list{}
	it, err := v.List()
	for err == nil && it.Next() {
		var s shape
		if s, err = shapeOf(it.Value()); err == nil {
			out.first = append(out.first, s)
		}
	}
	if more := v.LookupPath(cue.MakePath(cue.AnyIndex)); err == nil && more.Exists() {
		out.more, err = shapeOf(more)
	}
	return out, err
}

// at is the shape of the element i; nil if there is none.
func (l *list) at(i int) shape {
	if i < len(l.first) {
		return l.first[i]
	}
	return l.more
}

func (l *list) read(r *shapeReader, v cue.Value) (any, bool) {
	v, _ = v.Default()
	it, err := v.List()
	if err != nil {
		return nil, false
	}
	out := []any{}
	for it.Next() {
		s := l.at(len(out))
		if s == nil {
			return nil, false
		}
		e, ok := s.read(r, it.Value())
		if !ok {
			return nil, false
		}
		out = append(out, e)
	}
	return out, len(out) >= len(l.first)
}
