package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
)

// openArguments lists the arguments (#image) that an app's template wants and is not given.
func openArguments(app cue.Value) []string {
	it, err := app.Fields(cue.Definitions(true))
	if err != nil {
		return nil
	}
	var out []string
	for it.Next() {
		v := it.Value()
		plain := v.IncompleteKind()&(cue.StructKind|cue.BottomKind) == 0
		if it.Selector().IsDefinition() && plain && v.Validate(cue.Concrete(true)) != nil {
			out = append(out, it.Selector().String())
		}
	}
	slices.Sort(out)
	return out
}

// checkArguments finds arguments that no template reads: CUE takes any definition.
func (l *loader) checkArguments(app string, fields map[string]mesh.Pos, c *collector) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(name, "#") || l.mod.source.read()[name] || l.mod.source.readIn(fields[name].File)[name] {
			continue
		}
		c.add(Error{
			Pos: fields[name], Rule: "unknown-field", Msg: fmt.Sprintf("app %s gives %s, which no template reads", app, name),
			Hint: didYouMean(name, slices.Collect(maps.Keys(l.mod.source.read()))),
		})
	}
}

// readIn lists the definitions that a file refers to.
func (s *source) readIn(name string) map[string]bool {
	out := map[string]bool{}
	f := s.mod.ast(name)
	if f == nil {
		return out
	}
	labels := map[ast.Node]bool{}
	ast.Walk(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			labels[n.Label] = true
		case *ast.Ident:
			if strings.HasPrefix(n.Name, "#") && !labels[n] {
				out[n.Name] = true
			}
		}
		return true
	}, nil)
	return out
}

// readOutsideApps lists the definitions that files outside of app folders refer to.
func (s *source) readOutsideApps() map[string]bool {
	out := map[string]bool{}
	for name := range s.mod.pkgs {
		if path.Base(path.Dir(path.Dir(name))) != "apps" {
			maps.Copy(out, s.readIn(name))
		}
	}
	return out
}
