package definition

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// foreign is what meshsync does not know of a live object or list. It is shown, and sent
// back where it was. A nil one holds nothing.
type foreign struct {
	own      map[string]any      // members of the object itself, as they came
	in       map[string]*foreign // below its known members
	elements []foreignElement    // of a list
}

// foreignElement is what is foreign in an element of a list. The element tells where it
// belongs when the list has changed.
type foreignElement struct {
	index   int // in the list as it came
	element object
	of      *foreign
}

// member, below and element add to a foreign and return it; they make one where there is none.

func (f *foreign) member(name string, v any) *foreign {
	if f == nil {
		f = &foreign{}
	}
	if f.own == nil {
		f.own = map[string]any{}
	}
	f.own[name] = v
	return f
}

func (f *foreign) below(name string, of *foreign) *foreign {
	if of == nil {
		return f
	}
	if f == nil {
		f = &foreign{}
	}
	if f.in == nil {
		f.in = map[string]*foreign{}
	}
	f.in[name] = of
	return f
}

func (f *foreign) element(i int, e object, of *foreign) *foreign {
	if of == nil {
		return f
	}
	if f == nil {
		f = &foreign{}
	}
	f.elements = append(f.elements, foreignElement{i, e, of})
	return f
}

// paths names all that is foreign by its path, such as container.docker.x and
// healthChecks[0].x; nil when there is nothing.
func (f *foreign) paths() map[string]any {
	if f == nil {
		return nil
	}
	out := map[string]any{}
	f.collect("", out)
	return out
}

func (f *foreign) collect(prefix string, out map[string]any) {
	dot := prefix
	if dot != "" {
		dot += "."
	}
	for name, v := range f.own {
		out[dot+name] = v
	}
	for name, below := range f.in {
		below.collect(dot+name, out)
	}
	for _, e := range f.elements {
		e.of.collect(fmt.Sprintf("%s[%d]", prefix, e.index), out)
	}
}

// sendBack puts what is foreign where it was. What it belonged to and is no longer there
// takes it along.
func (f *foreign) sendBack(to any) {
	if f == nil {
		return
	}
	switch to := to.(type) {
	case object:
		for name, v := range f.own {
			to[name] = v
		}
		for name, below := range f.in {
			below.sendBack(to[name])
		}
	case []any:
		for _, e := range f.elements {
			e.of.sendBack(e.among(to))
		}
	}
}

// among finds the element in a list that may have changed: the equal one, else the one in
// its place.
func (e foreignElement) among(list []any) any {
	for _, x := range list {
		if mesh.EqualValues(x, e.element) {
			return x
		}
	}
	if e.index < len(list) {
		return list[e.index]
	}
	return nil
}
