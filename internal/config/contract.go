package config

import (
	"io/fs"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/parser"

	"meshsync.dev/meshsync/schema"
)

// contract is the embedded package mesh. What a repository yields is unified with it,
// whatever copy the repository vendored.
type contract struct {
	ctx   *cue.Context
	value cue.Value
}

func newContract(ctx *cue.Context) contract {
	inst := build.NewContext().NewInstance("contract", nil)
	for _, f := range contractFiles() {
		if err := inst.AddSyntax(f); err != nil {
			panic("the embedded contract is broken: " + err.Error())
		}
	}
	return contract{ctx, ctx.BuildInstance(inst)}
}

func contractFiles() []*ast.File {
	var out []*ast.File
	names, err := fs.Glob(schema.Files, "mesh/*.cue")
	if err != nil || len(names) == 0 {
		panic("the contract is not embedded")
	}
	for _, name := range names {
		data, err := schema.Files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		f, err := parser.ParseFile("contract/"+name, data)
		if err != nil {
			panic("the embedded contract is broken: " + err.Error())
		}
		out = append(out, f)
	}
	return out
}

func (c contract) def(name string) cue.Value {
	return c.value.LookupPath(cue.MakePath(cue.Def(name)))
}

// optionalPath is a path whose fields may be optional.
func optionalPath(names []string) cue.Path {
	var sel []cue.Selector
	for _, n := range names {
		sel = append(sel, cue.Str(unquote(n)).Optional())
	}
	return cue.MakePath(sel...)
}

// contractNames lists the fields that #Resources allows below a path such as
// services, "mesos-master".
func contractNames(v cue.Value, path []string) []string {
	for i, p := range path {
		next := v.LookupPath(cue.MakePath(cue.Str(unquote(p)).Optional()))
		if !next.Exists() && i == 1 {
			next = v.LookupPath(cue.MakePath(cue.AnyString))
		}
		v = next
	}
	return fieldNames(v)
}

// appFieldNames lists the fields of #App beside the last element of a path.
func appFieldNames(c contract, path []string) []string {
	v := c.def("#App")
	for _, p := range path[:max(0, len(path)-1)] {
		if strings.Trim(p, "0123456789") == "" {
			v = v.LookupPath(cue.MakePath(cue.AnyIndex))
			continue
		}
		v = v.LookupPath(cue.MakePath(cue.Str(unquote(p)).Optional()))
	}
	return fieldNames(v)
}

// checkContract unifies the mesh, but for what its roles yield, with the embedded contract.
func (l *loader) checkContract(t translator) {
	for _, x := range []struct{ field, def string }{{"policy", "#Policy"}} {
		l.unify(t, l.con.def(x.def), l.value.LookupPath(cue.ParsePath(x.field)))
	}
	for field, def := range map[string]string{"hosts": "#Host", "marathons": "#Marathon"} {
		it, err := l.value.LookupPath(cue.ParsePath(field)).Fields()
		if err != nil {
			continue
		}
		for it.Next() {
			l.unify(t, l.con.def(def), it.Value())
		}
	}
}

// checkYields unifies what the roles yield with the embedded contract, unless the kit has done that.
func (l *loader) checkYields(t translator) {
	if l.kitHoldsYields() {
		return
	}
	resources := l.con.def("#Resources")
	l.eachYield(func(_, _ string, y cue.Value) { l.unify(t, resources, y) })
}

func (l *loader) unify(t translator, def, v cue.Value) {
	if !v.Exists() {
		return
	}
	if err := def.Unify(v).Validate(cue.Concrete(true)); err != nil {
		t.add(l.errs, err)
	}
}
