package config

import (
	"bytes"
	"path"
	"regexp"
	"slices"

	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/schema"
)

// looksHeld reports whether the kit has held what the roles yield to the contract, so that to hold it to
// the contract once more would find nothing: the repository's contract and kit are those of this
// program, and out is made by nothing but the kit. To do it twice takes a third of an evaluation.
func (l *loader) looksHeld() bool {
	return !l.mod.layered && l.mod.hasShipped("mesh") && l.mod.hasShipped("kit") && !l.mayWriteOut()
}

// hasShipped reports whether a vendored package has the files that this program ships, and no other one.
func (m *module) hasShipped(pkg string) bool {
	shipped, err := schema.Files.ReadDir(pkg)
	folder := "cue.mod/pkg/" + vendoredPath + "/" + pkg
	if err != nil || len(shipped) != len(m.inFolder[folder]) {
		return false
	}
	return !slices.ContainsFunc(m.inFolder[folder], func(name string) bool {
		data, err := schema.Files.ReadFile(pkg + "/" + path.Base(name))
		return err != nil || !bytes.Equal(data, m.data[name])
	})
}

// mayWriteOut reports whether a user's file may have a field out: one that it names, or one of the
// mesh's own that has no name before it is evaluated.
func (l *loader) mayWriteOut() bool {
	word := regexp.MustCompile(`\bout\b`)
	for name := range l.mod.pkgs {
		if !users(mesh.Pos{File: name, Line: 1}) {
			continue
		}
		if !word.Match(l.mod.data[name]) && path.Dir(name) != l.dir {
			continue // the trees of many apps would take much memory
		}
		f := l.mod.ast(name)
		if labels(f, "out") || path.Dir(name) == l.dir && slices.ContainsFunc(f.Decls, isUnnamed) {
			return true
		}
	}
	return false
}

// labels reports whether a file has a field of a name, at any depth.
func labels(f *ast.File, name string) bool {
	found := false
	ast.Walk(f, func(n ast.Node) bool {
		if field, is := n.(*ast.Field); is {
			got, _, err := ast.LabelName(label(field))
			found = found || err == nil && got == name
		}
		return !found
	}, nil)
	return found
}

// isUnnamed reports whether a declaration makes fields whose names are not written out.
func isUnnamed(d ast.Decl) bool {
	switch d := d.(type) {
	case *ast.Comprehension:
		return true
	case *ast.Field:
		_, _, err := ast.LabelName(label(d))
		return err != nil
	default:
		return false
	}
}
