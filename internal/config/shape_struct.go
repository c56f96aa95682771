package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"cuelang.org/go/cue"
)

// structure is a struct: closed, with named fields, or a dictionary of one shape.
type structure struct {
	fields   map[string]shape
	required []string
	others   shape // of fields that have no name here; nil: there are none
}

func structOf(v cue.Value) (*structure, error) {
	out := &structure{fields: map[string]shape{}}
	it, err := v.Fields(cue.Optional(true))
	for err == nil && it.Next() {
		sel := it.Selector()
		var s shape
		if s, err = shapeOf(it.Value()); err == nil {
			out.fields[sel.Unquoted()] = s
			if sel.ConstraintType() != cue.OptionalConstraint {
				out.required = append(out.required, sel.Unquoted())
			}
		}
	}
	if others := v.LookupPath(cue.MakePath(cue.AnyString)); err == nil && others.Exists() {
		if others.IncompleteKind() == cue.TopKind {
			out.others = anything{}
		} else {
			out.others, err = shapeOf(others)
		}
	}
	return out, err
}

func (s *structure) read(r *shapeReader, v cue.Value) (any, bool) {
	v, _ = v.Default()
	if v.Kind() != cue.StructKind {
		return nil, false
	}
	out := map[string]any{}
	ok := r.eachField(s, v, func(name string, f cue.Value) bool {
		fs, known := s.fields[name]
		if !known {
			fs = s.others
		}
		if fs == nil {
			return false
		}
		if r.lenient && known && isNull(f) {
			return true
		}
		got, ok := fs.read(r, f)
		out[name] = got
		return ok
	})
	for _, name := range s.required {
		if _, there := out[name]; !there {
			return nil, false
		}
	}
	return out, ok
}

// anything reads what the contract leaves open.
type anything struct{}

func (anything) read(_ *shapeReader, v cue.Value) (any, bool) {
	b, err := v.MarshalJSON()
	if err != nil {
		return nil, false
	}
	out, err := decodeJSON(b)
	return out, err == nil
}

// shapeReader reads values of one evaluation context. It is not for concurrent use.
type shapeReader struct {
	ctx     *cue.Context
	last    map[*structure]fieldSet
	lenient bool
}

// fieldSet is the fields that a struct had, and a value that holds for all structs
// that have no other ones.
type fieldSet struct {
	names []string
	paths []cue.Path
	only  cue.Value
}

func newShapeReader(ctx *cue.Context) *shapeReader {
	return &shapeReader{ctx: ctx, last: map[*structure]fieldSet{}}
}

// eachField calls do for each regular field of a struct until it returns false. To list
// the fields, the evaluator sorts all declarations that they come from, which takes
// longer than all else that is read. Apps of one template have the same fields, so
// those of the struct before are tried first.
func (r *shapeReader) eachField(s *structure, v cue.Value, do func(string, cue.Value) bool) bool {
	if set, ok := r.last[s]; ok && set.only.Subsume(v, cue.Final()) == nil {
		for i, p := range set.paths {
			if f := v.LookupPath(p); f.Exists() && !do(set.names[i], f) {
				return false
			}
		}
		return true
	}
	it, err := v.Fields()
	if err != nil {
		return false
	}
	var set fieldSet
	for it.Next() {
		name := it.Selector().Unquoted()
		set.names, set.paths = append(set.names, name), append(set.paths, cue.MakePath(it.Selector()))
		if !do(name, it.Value()) {
			return false
		}
	}
	if s.others == nil {
		r.last[s] = r.closed(set)
	}
	return true
}

// closed makes the value that holds for structs with no other fields than these.
func (r *shapeReader) closed(set fieldSet) fieldSet {
	var text strings.Builder
	for _, name := range set.names {
		fmt.Fprintf(&text, "%q?: _\n", name) // a name of the contract: a plain word
	}
	set.only = r.ctx.CompileString("close({" + text.String() + "})")
	return set
}

// decodeJSON decodes a document; numbers keep their text.
func decodeJSON(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out any
	err := d.Decode(&out)
	return out, err
}
