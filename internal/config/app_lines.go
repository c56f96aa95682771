package config

import (
	"slices"
	"strconv"

	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
)

// appLines finds the lines of what is inside apps, for errors and warnings only.
type appLines struct {
	mod    *module
	values map[string]map[mesh.Pos]ast.Expr // by file: where a field's name stands → its value
}

func newAppLines(mod *module) *appLines {
	return &appLines{mod: mod, values: map[string]map[mesh.Pos]ast.Expr{}}
}

// of is the line of a field of an app, or the nearest one around it that is written out.
func (w *appLines) of(a mesh.AppSpec, path []string) mesh.Pos {
	if len(path) == 0 {
		return a.Origin
	}
	pos := fieldPos(a, path[0])
	value := w.valueAt(pos)
	for _, name := range path[1:] {
		next, at := inside(value, name)
		if at.IsZero() {
			break
		}
		pos, value = at, next
	}
	return pos
}

func fieldPos(a mesh.AppSpec, field string) mesh.Pos {
	if p, ok := a.Fields[field]; ok {
		return p
	}
	return a.Origin
}

// valueAt is the value of the field whose name stands at a position; nil if there is none.
func (w *appLines) valueAt(pos mesh.Pos) ast.Expr {
	if w.mod == nil || pos.IsZero() {
		return nil
	}
	if w.values[pos.File] == nil {
		w.values[pos.File] = fieldValues(w.mod.ast(pos.File))
	}
	return w.values[pos.File][pos]
}

func fieldValues(f *ast.File) map[mesh.Pos]ast.Expr {
	out := map[mesh.Pos]ast.Expr{}
	if f == nil {
		return out
	}
	ast.Walk(f, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok {
			out[position(field.Label.Pos())] = field.Value
		}
		return true
	}, nil)
	return out
}

// inside finds a field of a struct or, by its number, an element of a list.
func inside(value ast.Expr, name string) (ast.Expr, mesh.Pos) {
	if list, ok := value.(*ast.ListLit); ok {
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(list.Elts) || slices.ContainsFunc(list.Elts[:i+1], makesSeveral) {
			return nil, mesh.Pos{}
		}
		return list.Elts[i], position(list.Elts[i].Pos())
	}
	for _, s := range structs(value) {
		for _, w := range fieldsIn(s) {
			if w.name == name {
				return w.value, w.pos
			}
		}
	}
	return nil, mesh.Pos{}
}

// makesSeveral reports whether what stands in a list may be none or several of its elements.
func makesSeveral(e ast.Expr) bool {
	switch e.(type) {
	case *ast.Comprehension, *ast.Ellipsis:
		return true
	default:
		return false
	}
}
