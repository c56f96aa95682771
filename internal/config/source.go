package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/token"

	"meshsync.dev/meshsync/internal/mesh"
)

// source looks things up in the module's files, for errors only.
type source struct {
	mod      *module
	literals func() map[mesh.Pos]literal
	broken   func() []Error         // brokenImports, which looks through all files
	read     func() map[string]bool // the definitions that files outside of app folders refer to
	// shippedValue finds which of some shipped positions is one of two values.
	shippedValue func([]mesh.Pos, []string) []mesh.Pos
}

// literal is a value that is written out.
type literal struct {
	text      string
	byDefault bool // it is marked as a default: *2
}

func newSource(m *module) *source {
	s := &source{mod: m}
	s.literals = sync.OnceValue(s.collect)
	s.broken = sync.OnceValue(s.brokenImports)
	s.read = sync.OnceValue(s.readOutsideApps)
	s.shippedValue = func(ps []mesh.Pos, m []string) []mesh.Pos {
		for _, p := range ps {
			if text, ok := s.literal(p); ok && (text == m[1] || text == m[2]) {
				return []mesh.Pos{p}
			}
		}
		return nil
	}
	return s
}

func (s *source) collect() map[mesh.Pos]literal {
	out := map[mesh.Pos]literal{}
	for name := range s.mod.pkgs {
		ast.Walk(s.mod.ast(name), func(n ast.Node) bool {
			collectLiteral(out, n)
			return true
		}, nil)
	}
	return out
}

func collectLiteral(out map[mesh.Pos]literal, n ast.Node) {
	set := func(n ast.Node, text string, byDefault bool) {
		p := position(n.Pos())
		if old, ok := out[p]; !p.IsZero() && !ok || byDefault && !old.byDefault {
			out[p] = literal{text, byDefault}
		}
	}
	switch n := n.(type) {
	case *ast.UnaryExpr:
		lit, ok := n.X.(*ast.BasicLit)
		switch {
		case ok && n.Op == token.SUB:
			set(n, "-"+lit.Value, false)
		case n.Op == token.MUL:
			set(n.X, textOfNode(n.X), true)
		}
	case *ast.BasicLit:
		set(n, n.Value, false)
	case *ast.ListLit, *ast.StructLit, *ast.Interpolation:
		set(n, "", false)
	}
}

func textOfNode(n ast.Node) string {
	b, err := format.Node(n)
	if err != nil {
		return ""
	}
	return string(b)
}

func (s *source) literal(p mesh.Pos) (string, bool) {
	l, ok := s.literals()[p]
	return l.text, ok
}

func (s *source) isDefault(p mesh.Pos) bool { return s.literals()[p].byDefault }

// field finds the field of a name that holds a position.
func (s *source) field(p mesh.Pos, name string) mesh.Pos {
	var out mesh.Pos
	f := s.mod.ast(p.File)
	if f == nil {
		return out
	}
	ast.Walk(f, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok || !holds(field, p) {
			return true
		}
		if label, _, err := ast.LabelName(field.Label); err == nil && label == labelName(name) {
			out = position(field.Label.Pos())
		}
		return true
	}, nil)
	return out
}

func holds(n ast.Node, p mesh.Pos) bool {
	from, to := position(n.Pos()), position(n.End())
	return !before(p, from) && !before(to, p)
}

func before(a, b mesh.Pos) bool { return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col }

// ref is a reference such as facts.domain.
type ref struct {
	text, on, name string
	known          []string // the names that are there
}

// reference finds the selector that begins at a position or whose name stands there.
func (s *source) reference(p mesh.Pos) (ref, bool) {
	f := s.mod.ast(p.File)
	if f == nil {
		return ref{}, false
	}
	var found *ast.SelectorExpr
	ast.Walk(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if ok && (position(sel.Sel.Pos()) == p || found == nil && position(sel.Pos()) == p) {
			found = sel
		}
		return true
	}, nil)
	if found == nil {
		return ref{}, false
	}
	name, _, err := ast.LabelName(found.Sel)
	if err != nil {
		return ref{}, false
	}
	r := ref{text: textOfNode(found), name: name}
	if id, ok := found.X.(*ast.Ident); ok {
		r.on = id.Name
		r.known = s.namesOf(f, id.Name)
	}
	return r, true
}

// namesOf lists what a package that a file imports, or a role's me, holds.
func (s *source) namesOf(f *ast.File, name string) []string {
	if name == "me" {
		return []string{"name", "address", "id"}
	}
	for spec := range f.ImportSpecs() {
		p := unquote(spec.Path.Value)
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(p) == name {
			return s.labels(s.folder(p))
		}
	}
	return nil
}

// labels lists the names that the files of a folder declare.
func (s *source) labels(folder string) []string {
	var out []string
	for _, name := range s.mod.inFolder[folder] {
		for _, d := range s.mod.ast(name).Decls {
			if field, ok := d.(*ast.Field); ok {
				if n, _, err := ast.LabelName(field.Label); err == nil {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// folder is where a package lies in the module, or "".
func (s *source) folder(importPath string) string {
	p, _, _ := strings.Cut(importPath, ":")
	if rest, ok := strings.CutPrefix(p, s.mod.path+"/"); ok {
		return rest
	}
	return "cue.mod/pkg/" + p
}

// brokenImports lists the imports of packages that are not in the module, or have no file
// that names the package, each with the user's first line that imports it.
func (s *source) brokenImports() []Error {
	there := map[string]bool{}
	for name, pkg := range s.mod.pkgs {
		there[path.Dir(name)] = there[path.Dir(name)] || pkg != ""
	}
	first := map[string]mesh.Pos{}
	for _, name := range slices.Sorted(maps.Keys(s.mod.pkgs)) {
		for spec := range s.mod.ast(name).ImportSpecs() {
			p := unquote(spec.Path.Value)
			domain, _, _ := strings.Cut(p, "/")
			if there[s.folder(p)] || !strings.Contains(domain, ".") {
				continue
			}
			pos := position(spec.Path.Pos())
			if old, ok := first[p]; !ok || !users(old) && users(pos) {
				first[p] = pos
			}
		}
	}
	var out []Error
	for p, pos := range first {
		if names := s.mod.inFolder[s.folder(p)]; len(names) > 0 {
			msg, hint := s.mod.noPackage(names[0], packageName(path.Base(p)))
			out = append(out, Error{Pos: mesh.Pos{File: names[0], Line: 1}, Also: []mesh.Pos{pos}, Rule: "import", Msg: msg, Hint: hint})
			continue
		}
		out = append(out, Error{Pos: pos, Rule: "import", Msg: fmt.Sprintf("the package %q cannot be found", p), Hint: s.importHint(p, there)})
	}
	return out
}

func (s *source) importHint(p string, there map[string]bool) string {
	var known []string
	for folder := range there {
		known = append(known, s.mod.path+"/"+folder, strings.TrimPrefix(folder, "cue.mod/pkg/"))
	}
	if hint := didYouMean(p, known); hint != "" {
		return hint
	}
	if strings.HasPrefix(p, vendoredPath+"/") {
		return "meshsync init writes it to " + s.folder(p)
	}
	return "it would be in the folder " + s.folder(p)
}
