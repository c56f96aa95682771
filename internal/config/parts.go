package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/load"
	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
)

// partHosts is how many hosts are evaluated at once: each takes the evaluator half a MB,
// which goes with its part, and each part evaluates again what all of the mesh is made of.
const partHosts = 64

// afterAll is a text that is greater than each name of a host.
const afterAll = "~"

// evaluateInParts evaluates the mesh without what reaches its hosts, and then that, some
// hosts at a time: all at once takes more memory than anything else that meshsync does. It
// reports whether all is right, and then what the roles yield is in l.yields. If not, it
// tells nothing, and the mesh is to be evaluated as a whole, which says what is wrong with
// all of it in view.
func (l *loader) evaluateInParts() bool {
	if l.hasFewHosts() || l.readsOut() {
		return false
	}
	base := l.part(afterAll, afterAll)
	if base.inst.Err != nil {
		return false
	}
	if base.checkFacts(); base.errs.any() {
		return false
	}
	if base.validate(); base.errs.any() {
		return false
	}
	l.con, l.inst, l.value = base.con, base.inst, base.value
	if base.takeYields(); len(base.yields) > 0 { // the repository's kit is older than #span
		l.yields = base.yields
		return true
	}
	return l.evaluateParts()
}

// evaluateParts evaluates what reaches the hosts, some parts at once.
func (l *loader) evaluateParts() bool {
	hosts := slices.Sorted(slices.Values(fieldNames(l.value.LookupPath(cue.ParsePath("hosts")))))
	chunks := slices.Collect(slices.Chunk(hosts, partHosts))
	yields := make([][]yield, len(chunks))
	var g errgroup.Group
	g.SetLimit(workers)
	for i, chunk := range chunks {
		below := afterAll
		if i+1 < len(chunks) {
			below = chunks[i+1][0]
		}
		g.Go(func() error {
			p := l.part(chunk[0], below)
			err := p.value.LookupPath(cue.ParsePath("out")).Validate(cue.Concrete(true), cue.Final())
			if err != nil {
				return err
			}
			p.checkYields(p.translator(p.inst.Files, p.value))
			p.takeYields()
			yields[i] = p.yields
			return p.errs.err()
		})
	}
	if g.Wait() != nil {
		return false
	}
	l.yields = slices.Concat(yields...)
	return true
}

// part builds the mesh so that out has only the hosts from one name up to another.
func (l *loader) part(from, below string) *loader {
	p := &loader{dir: l.dir, mod: l.mod, errs: &collector{}, kitHoldsYields: l.kitHoldsYields}
	p.build(map[string]load.Source{
		path.Join(root, l.dir, "meshsync_span.cue"): load.FromString(fmt.Sprintf(
			"package %s\n#span: {from: %q, below: %q}\n", l.mod.packageOf(l.dir), from, below)),
	})
	return p
}

// hasFewHosts reports whether the hosts are written out, and so few that they are one part:
// these are evaluated once, which is faster.
func (l *loader) hasFewHosts() bool {
	sum := 0
	for _, f := range l.meshFiles() {
		n, ok := writtenHosts(f)
		if sum += n; !ok {
			return false
		}
	}
	return sum <= partHosts
}

// writtenHosts counts the hosts that are written out in a file. ok is false where it cannot
// tell, because a loop makes them or they come from elsewhere.
func writtenHosts(f *ast.File) (n int, ok bool) {
	ok = true
	ast.Walk(f, func(node ast.Node) bool {
		field, is := node.(*ast.Field)
		if name, _, err := ast.LabelName(label(field)); !is || err != nil || name != "hosts" {
			return ok
		}
		lit, is := field.Value.(*ast.StructLit)
		if !is {
			ok = false
			return false
		}
		for _, e := range lit.Elts {
			_, is := e.(*ast.Field)
			ok = ok && is
			n++
		}
		return false
	}, nil)
	return n, ok
}

// readsOut reports whether a file refers to a field out: what it makes of that may differ
// where out is not whole.
func (l *loader) readsOut() bool {
	return slices.ContainsFunc(l.meshFiles(), func(f *ast.File) bool { return refersTo(f, "out") })
}

// meshFiles are the user's files that may be part of the mesh itself: not those of its apps.
func (l *loader) meshFiles() []*ast.File {
	var out []*ast.File
	for name := range l.mod.pkgs {
		if users(mesh.Pos{File: name, Line: 1}) && !strings.HasPrefix(name, path.Join(l.dir, "apps")+"/") {
			out = append(out, l.mod.ast(name))
		}
	}
	return out
}

// refersTo reports whether a file refers to a name that is not one behind a dot.
func refersTo(f *ast.File, name string) bool {
	found, labels := false, map[ast.Node]bool{}
	ast.Walk(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			labels[n.Label] = true
		case *ast.SelectorExpr:
			labels[n.Sel] = true
		case *ast.Ident:
			found = found || n.Name == name && !labels[n]
		}
		return !found
	}, nil)
	return found
}
