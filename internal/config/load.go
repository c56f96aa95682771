// Package config evaluates a mesh that is written in CUE and decodes it, every value
// with its position. It reads no disk and no network: the files are given. It is the
// only importer of cuelang.org/go.
package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"

	"meshsync.dev/meshsync/internal/mesh"
)

// Load evaluates the mesh in the folder dir of a CUE module and checks it. files maps
// each path relative to the module's root, with slashes, to its content. The error is
// an *Errors that lists all that is wrong.
func Load(files map[string][]byte, dir string) (*mesh.Mesh, error) {
	l := &loader{dir: path.Clean(dir), errs: &collector{}}
	if _, ok := files["cue.mod/module.cue"]; !ok {
		l.errs.add(Error{Rule: "no-module", Msg: "there is no cue.mod/module.cue", Hint: "meshsync init writes a module to start from"})
		return nil, l.errs.err()
	}
	l.mod = parse(l.relevant(files), l.errs)
	if l.errs.any() {
		return nil, l.errs.err()
	}
	if l.evaluate(); l.errs.any() {
		return nil, l.errs.err()
	}
	m := l.decode()
	check(m, l)
	if l.errs.any() {
		return nil, l.errs.err()
	}
	finish(m)
	return m, nil
}

// loader carries one Load.
type loader struct {
	dir    string
	mod    *module
	inst   *build.Instance
	value  cue.Value // of the mesh
	con    contract
	schema appSchema
	apps   []appValue
	errs   *collector
	// duplicates are apps that are written twice; found while joining folders.
	joined map[string]mesh.Pos
}

// relevant leaves out what other meshes of the module own: their folders are not
// evaluated, so a mistake in staging does not stop prod.
func (l *loader) relevant(files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	others := Meshes(files)
	for name, data := range files {
		foreign := false
		for _, m := range others {
			if m != l.dir && m != "." && strings.HasPrefix(name, m+"/") && !strings.HasPrefix(l.dir+"/", m+"/") {
				foreign = true
			}
		}
		if !foreign {
			out[name] = data
		}
	}
	return out
}

func (l *loader) config(dir string) *load.Config {
	return &load.Config{
		Dir: path.Join(root, dir), ModuleRoot: root, Overlay: l.mod.overlay,
		Env: []string{}, // nothing of the caller's environment; no dependency is listed, so nothing is fetched
	}
}

// evaluate builds the mesh's instance and its app folders and checks them against the contract.
func (l *loader) evaluate() {
	ctx := cuecontext.New()
	insts := load.Instances([]string{"."}, l.config(l.dir))
	l.inst = insts[0]
	if l.inst.Err != nil {
		l.importErrors(l.inst)
		return
	}
	l.value = ctx.BuildInstance(l.inst)
	l.con = newContract(ctx)
	var err error
	if l.schema, err = newAppSchema(l.con); err != nil {
		l.errs.add(internalError("the contract", err))
		return
	}
	if l.checkFacts(); l.errs.any() {
		return
	}
	t := l.translator(l.inst.Files, l.value)
	if err := l.value.Validate(cue.Concrete(true), cue.Final()); err != nil {
		t.add(l.errs, err)
	}
	l.evaluateApps()
	if l.errs.any() {
		return
	}
	l.checkContract(t)
}

// importErrors reports what kept an instance from being built.
func (l *loader) importErrors(inst *build.Instance) {
	if broken := l.mod.source.brokenImports(); len(broken) > 0 && strings.Contains(inst.Err.Error(), "import failed") {
		for _, e := range broken {
			l.errs.add(e)
		}
		return
	}
	l.translator(inst.Files, cue.Value{}).add(l.errs, inst.Err)
}

// translator knows the names of this mesh for hints and positions.
func (l *loader) translator(files []*ast.File, v cue.Value) translator {
	return translator{
		known:     func(path []string) []string { return l.known(v, path) },
		at:        func(path []string) mesh.Pos { return l.userPosition(files, path) },
		otherRole: func(path []string) string { return l.otherRole(v, path) },
		dir:       l.dir, source: l.mod.source,
	}
}

// userPosition finds the user's line for a path of the evaluated mesh: for what a role
// makes, where the host takes the role.
func (l *loader) userPosition(files []*ast.File, path []string) mesh.Pos {
	if len(path) >= 3 && path[0] == "out" {
		for _, p := range [][]string{{"hosts", path[1], "roles", path[2]}, {"hosts", path[1]}} {
			if pos := find(files, p...); !pos.IsZero() {
				return pos
			}
		}
	}
	for n := len(path); n > 0; n-- {
		if pos := find(files, path[:n]...); !pos.IsZero() {
			return pos
		}
	}
	return mesh.Pos{}
}

// known lists the field names that the contract or a role allows beside the last
// element of a path.
func (l *loader) known(v cue.Value, path []string) []string {
	var def cue.Value
	switch {
	case len(path) >= 6 && path[0] == "out" && path[3] == "over":
		return l.settingNames(v, unquote(path[2]))
	case len(path) >= 2 && path[0] == "apps":
		return appFieldNames(l.con, path[2:])
	case len(path) >= 3 && path[0] == "hosts":
		def = l.con.def("#Host").LookupPath(optionalPath(path[2 : len(path)-1]))
	case len(path) == 3 && path[0] == "marathons":
		def = l.con.def("#Marathon")
	case len(path) >= 2 && path[0] == "policy":
		def = l.con.def("#Policy").LookupPath(optionalPath(path[1 : len(path)-1]))
	case len(path) == 1:
		return []string{"name", "hosts", "marathons", "apps", "policy", "defaults", "settings"}
	case len(path) >= 5 && path[0] == "out" && path[3] == "yield":
		return contractNames(l.con.def("#Resources"), path[4:len(path)-1])
	default:
		return nil
	}
	return fieldNames(def)
}

// otherRole tells which other role knows a setting.
func (l *loader) otherRole(v cue.Value, path []string) string {
	if len(path) != 6 || path[0] != "out" || path[3] != "over" {
		return ""
	}
	for _, role := range slices.Sorted(maps.Keys(l.roleNames())) {
		if slices.Contains(l.settingNames(v, role), unquote(path[5])) {
			return "it is a setting of role " + role
		}
	}
	return ""
}

// settingNames lists the settings that a role knows.
func (l *loader) settingNames(v cue.Value, role string) []string {
	over := v.LookupPath(cue.MakePath(cue.Def("#roles"), cue.Str(role), cue.Str("over")))
	return fieldNames(over.LookupPath(cue.MakePath(cue.AnyIndex)))
}

func fieldNames(v cue.Value) []string {
	var out []string
	it, err := v.Fields(cue.Optional(true))
	if err != nil {
		return nil
	}
	for it.Next() {
		out = append(out, it.Selector().Unquoted())
	}
	return out
}

// find looks for the line where nested fields are written out in the files. Fields
// that patterns or comprehensions make are not found.
func find(files []*ast.File, path ...string) mesh.Pos {
	for _, f := range files {
		if p := findIn(f.Decls, path); !p.IsZero() {
			return p
		}
	}
	return mesh.Pos{}
}

func findIn(decls []ast.Decl, path []string) mesh.Pos {
	for _, d := range decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, _, err := ast.LabelName(field.Label)
		if err != nil || name != unquote(path[0]) {
			continue
		}
		if len(path) == 1 {
			return position(field.Label.Pos())
		}
		for _, s := range structs(field.Value) {
			if p := findIn(s.Elts, path[1:]); !p.IsZero() {
				return p
			}
		}
	}
	return mesh.Pos{}
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

// finish completes a mesh that is right: sorted, with its digest.
func finish(m *mesh.Mesh) {
	sortMesh(m)
	m.Digest = digestOf(m)
}

func internalError(what string, err error) Error {
	return Error{Rule: "internal", Msg: fmt.Sprintf("%s: %v: this is a bug of meshsync", what, err)}
}
