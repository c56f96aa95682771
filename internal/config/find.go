package config

import (
	"sync"

	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
)

// A fieldIndex finds the lines where fields are written out. It remembers what it saw of a file, since a
// mesh of many hosts asks for each of them. It may be asked from several goroutines.
type fieldIndex struct {
	mu    sync.Mutex
	files map[*ast.File]*fieldNode
}

// find looks for the first line where nested fields are written out in the files. Fields
// that patterns or comprehensions make are not found.
func find(files []*ast.File, path ...string) mesh.Pos { return new(fieldIndex).find(files, path...) }

// find is find, and keeps the files.
func (x *fieldIndex) find(files []*ast.File, path ...string) mesh.Pos {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.files == nil {
		x.files = map[*ast.File]*fieldNode{}
	}
	for _, f := range files {
		n := x.files[f]
		if n == nil {
			n = &fieldNode{structs: []*ast.StructLit{{Elts: f.Decls}}}
			x.files[f] = n
		}
		for _, name := range path {
			n = n.field(unquote(name))
		}
		if n != nil && len(path) > 0 {
			return n.pos
		}
	}
	return mesh.Pos{}
}

// fieldNode is a field, wherever it is written: more than one line may add to it.
type fieldNode struct {
	pos     mesh.Pos // of the first of its lines
	structs []*ast.StructLit
	fields  map[string]*fieldNode // of the structs, once one was looked for
}

// field is a field within n, or nil. n may be nil.
func (n *fieldNode) field(name string) *fieldNode {
	if n == nil {
		return nil
	}
	if n.fields == nil {
		n.fields = map[string]*fieldNode{}
		for _, s := range n.structs {
			n.addAll(s.Elts)
		}
	}
	return n.fields[name]
}

func (n *fieldNode) addAll(decls []ast.Decl) {
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, _, err := ast.LabelName(f.Label)
		if err != nil {
			continue
		}
		if n.fields[name] == nil {
			n.fields[name] = &fieldNode{pos: position(f.Label.Pos())}
		}
		n.fields[name].structs = append(n.fields[name].structs, structs(f.Value)...)
	}
}

// structs lists the struct literals of an expression: of `a & {…}`, the second.
func structs(e ast.Expr) []*ast.StructLit {
	switch e := e.(type) {
	case *ast.StructLit:
		return []*ast.StructLit{e}
	case *ast.BinaryExpr:
		return append(structs(e.X), structs(e.Y)...)
	case *ast.ParenExpr:
		return structs(e.X)
	default:
		return nil
	}
}
