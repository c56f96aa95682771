package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
)

// choice is the Marathon that a package chooses for its apps.
type choice struct {
	name string   // "" where the package says nothing
	pos  mesh.Pos // where that is written; zero where it comes from elsewhere
	dir  string   // of the package
}

// nameForm is the contract's #Name.
const nameForm pattern = namePattern

// chosenIn reads which Marathon a package chooses.
func (l *loader) chosenIn(con func() contract, v cue.Value, files []*ast.File, c *collector) choice {
	out := choice{pos: find(files, "marathon")}
	if len(files) > 0 {
		out.dir = path.Dir(position(files[0].Pos()).File)
	}
	field := v.LookupPath(cue.ParsePath("marathon"))
	if !field.Exists() {
		return out
	}
	name, err := field.String()
	if err == nil && nameForm.matches(name) {
		out.name = name
		return out
	}
	defined := con().def("#AppPackage").LookupPath(optionalPath([]string{"marathon"}))
	if err := field.Unify(defined).Validate(cue.Concrete(true)); err != nil {
		l.folderTranslator(con(), files).add(c, err)
	}
	return out
}

// choices says which Marathon runs an app.
type choices struct {
	names []string // of the mesh's Marathons, sorted
	errs  *collector
	told  map[choice]bool // an error is of a package, not of each of its apps
}

func (l *loader) choices(m *mesh.Mesh) *choices {
	out := &choices{errs: l.errs, told: map[choice]bool{}}
	for _, x := range m.Marathons {
		out.names = append(out.names, x.Name)
	}
	return out
}

// usual runs the apps of packages that choose none, where there are several.
const usual = "main"

// of is the Marathon of an app; ok is false where that is an error. A mesh without any is
// told of as a whole.
func (x *choices) of(a appValue) (name string, ok bool) {
	switch {
	case len(x.names) == 0:
		return usual, true
	case slices.Contains(x.names, a.chosen.name):
		return a.chosen.name, true
	case a.chosen.name != "":
		x.unknown(a)
		return "", false
	case len(x.names) == 1:
		return x.names[0], true
	case slices.Contains(x.names, usual):
		return usual, true
	default:
		x.none(a)
		return "", false
	}
}

func (x *choices) unknown(a appValue) {
	e := Error{
		Pos: a.chosen.pos, Rule: "unknown-marathon",
		Msg:  fmt.Sprintf("the apps here are for the Marathon %q, and the mesh has %s", a.chosen.name, strings.Join(x.names, ", ")),
		Hint: didYouMean(a.chosen.name, x.names),
	}
	if e.Pos.IsZero() {
		e.Pos = a.origin
	}
	x.tell(a.chosen, e)
}

func (x *choices) none(a appValue) {
	x.tell(a.chosen, Error{
		Pos: a.origin, Rule: "no-marathon",
		Msg:  fmt.Sprintf("the mesh has the Marathons %s, and nothing says which one runs app %s", strings.Join(x.names, ", "), harmless(a.key)),
		Hint: fmt.Sprintf("write beside apps, for all that are there: marathon: %q", x.names[0]),
	})
}

func (x *choices) tell(about choice, e Error) {
	if !x.told[about] {
		x.told[about] = true
		x.errs.add(e)
	}
}

// among names a Marathon where there are others beside it.
func (x *choices) among(name string) string {
	if len(x.names) < 2 {
		return ""
	}
	return " for the Marathon " + name
}
