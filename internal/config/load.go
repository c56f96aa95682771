// Package config evaluates a mesh that is written in CUE and decodes it, every value
// with its position. It reads no disk and no network: the files are given. It is the
// only importer of cuelang.org/go.
package config

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

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
	return newLoader(files, dir).load()
}

// LoadLater is Load of a mesh as it is before some hosts have a role: later has them by role.
func LoadLater(files map[string][]byte, dir string, later map[string][]string) (*mesh.Mesh, error) {
	l := newLoader(files, dir)
	l.putOff(later)
	return l.load()
}

func (l *loader) load() (*mesh.Mesh, error) {
	if l.errs.any() || !l.isFolder() {
		return nil, l.errs.err()
	}
	l.evaluate()
	l.partial = l.errs.any()
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
	dir   string
	mod   *module
	inst  *build.Instance
	value cue.Value // of the mesh
	con   contract
	// kitHoldsYields is asked once: it looks through all files.
	kitHoldsYields func() bool
	// yields are what each role yields on each host, once all is right.
	yields []yield
	app    *structure // the contract's #App
	apps   []appValue
	beside besideApps
	fields fieldIndex
	errs   *collector
	// partial is set when something is wrong: what can be decoded all the same is
	// checked, so that one run shows as much as it can.
	partial bool
	// onTheWay is set for a state that git does not want to last.
	onTheWay bool
	// joined is where each app is written; an app that is written twice is found with it.
	joined map[mesh.Address]mesh.Pos
	// told are the errors of declarations that were told of: a role has the same one on each host.
	told map[string]bool
}

// newLoader parses the files that the mesh in a folder may use.
func newLoader(files map[string][]byte, dir string) *loader {
	l := &loader{dir: path.Clean(dir), errs: &collector{}}
	l.kitHoldsYields = sync.OnceValue(l.looksHeld)
	if _, ok := files["cue.mod/module.cue"]; !ok {
		l.errs.add(Error{Rule: "no-module", Msg: "there is no cue.mod/module.cue", Hint: "meshsync init writes a module to start from"})
		return l
	}
	l.mod = parse(l.relevant(files), l.errs)
	l.mod.meshes = Meshes(files)
	return l
}

// isFolder reports whether the mesh's folder holds CUE files.
func (l *loader) isFolder() bool {
	if len(l.mod.inFolder[l.dir]) > 0 {
		return true
	}
	hint := "meshsync init writes a repository to start from"
	if meshes := l.mod.meshes; len(meshes) > 0 {
		hint = "there is a mesh in " + strings.Join(meshes, ", ")
	}
	l.errs.add(Error{Rule: "no-mesh", Msg: fmt.Sprintf("the folder %s has no CUE files, so there is no mesh in it", l.dir), Hint: hint})
	return false
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

// evaluate evaluates the app folders and the mesh and checks them against the contract.
// A mistake in one place does not hide those in another. The folders come first: their
// memory is gone when the mesh, which is kept, is evaluated.
func (l *loader) evaluate() {
	app, err := structOf(newContract(cuecontext.New()).def("#App"))
	if err != nil {
		l.errs.add(internalError("the contract", err))
		return
	}
	l.app = app
	folders := l.evaluateFolders()
	if l.onePackage() && !l.evaluateInParts() {
		l.evaluateWhole()
	}
	if l.value.Exists() {
		con := func() contract { return l.con }
		l.apps = l.appsOf(newShapeReader(l.con.ctx), con, l.value, l.inst.Files, l.errs)
		l.beside = l.readBeside(con, l.value, l.inst.Files, l.errs)
	}
	l.apps = append(l.apps, folders.apps...)
	l.beside.add(folders.beside)
	for _, e := range folders.errs.list {
		l.errs.add(e) // a package that is missing is missed by the mesh and by apps
	}
}

// evaluateWhole evaluates the mesh's own folder as one value.
func (l *loader) evaluateWhole() {
	if l.build(nil); l.inst.Err != nil {
		l.importErrors(l.inst, l.errs)
		return
	}
	if l.checkFacts(); !l.errs.any() {
		l.validate()
		l.takeYields()
	}
}

// build builds the instance of the mesh's own folder, in a context of its own, with one
// file more if there is one.
func (l *loader) build(more map[string]load.Source) {
	cfg := l.config(l.dir)
	if len(more) > 0 {
		cfg.Overlay = maps.Clone(cfg.Overlay)
		maps.Copy(cfg.Overlay, more)
	}
	ctx := cuecontext.New()
	l.con = newContract(ctx)
	l.inst = load.Instances([]string{"."}, cfg)[0]
	if l.inst.Err == nil {
		l.value = ctx.BuildInstance(l.inst)
	}
}

// validate wants the whole mesh to be evaluated, and then holds it to the contract.
func (l *loader) validate() {
	t := l.translator(l.inst.Files, l.value)
	if err := l.value.Validate(cue.Concrete(true), cue.Final()); err != nil {
		t.add(l.errs, err)
		return
	}
	l.checkContract(t)
	l.checkYields(t)
	l.checkStrays()
}

// onePackage wants all files of the mesh's folder to be of one package.
func (l *loader) onePackage() bool {
	first, firstName := "", ""
	for _, name := range l.mod.inFolder[l.dir] {
		if got := l.mod.pkgs[name]; got != "" && (first == "" || path.Base(name) == "mesh.cue") {
			first, firstName = got, name
		}
	}
	ok := true
	for _, name := range l.mod.inFolder[l.dir] {
		got := l.mod.pkgs[name]
		if got == first && got != "" {
			continue
		}
		ok = false
		e := Error{Pos: mesh.Pos{File: name, Line: 1}, Rule: "mesh-package"}
		if got == "" {
			e.Msg, e.Hint = l.mod.noPackage(name, cmp.Or(first, packageName(path.Base(l.dir))))
		} else {
			e.Msg, e.Hint = fmt.Sprintf("the file is of package %q, and the mesh is of package %q", got, first), "write package "+first
			e.Also = []mesh.Pos{{File: firstName, Line: 1}}
		}
		l.errs.add(e)
	}
	return ok
}

// importErrors reports what kept an instance from being built.
func (l *loader) importErrors(inst *build.Instance, c *collector) {
	if strings.Contains(inst.Err.Error(), "import failed") {
		if broken := l.mod.source.broken(); len(broken) > 0 {
			for _, e := range broken {
				c.add(e)
			}
			return
		}
	}
	l.translator(inst.Files, cue.Value{}).add(c, inst.Err)
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

// userPosition finds the user's line for a path of the evaluated mesh: for a setting,
// where it is set; for what a role makes, the line of a user's role, else where the
// host takes the role.
func (l *loader) userPosition(files []*ast.File, path []string) mesh.Pos {
	if len(path) >= 3 && path[0] == "out" {
		for _, p := range l.settingPaths(path) {
			if pos := l.originIn(files, p); !pos.IsZero() {
				return pos
			}
		}
		if pos := l.yieldPosition(path); !pos.IsZero() {
			return pos
		}
		for _, p := range [][]string{{"hosts", path[1], "roles", path[2]}, {"hosts", path[1]}} {
			if pos := l.fields.find(files, p...); !pos.IsZero() {
				return pos
			}
		}
	}
	for n := len(path); n > 0; n-- {
		if pos := l.fields.find(files, path[:n]...); !pos.IsZero() && n > 1 {
			return pos
		}
		if pos := l.madeBy(path[:n]); n > 1 && !pos.IsZero() {
			return pos
		}
	}
	return l.fields.find(files, path[:min(1, len(path))]...)
}

// madeBy is where a host comes from that a loop makes.
func (l *loader) madeBy(path []string) mesh.Pos {
	if !l.value.Exists() {
		return mesh.Pos{}
	}
	if len(path) >= 3 && path[0] == "out" {
		path = []string{"hosts", path[1], "roles", path[2]}
	}
	if path[0] != "hosts" {
		return mesh.Pos{}
	}
	var sel []cue.Selector
	for _, p := range path {
		sel = append(sel, cue.Str(unquote(p)))
	}
	return userLine(l.value.LookupPath(cue.MakePath(sel...)))
}

// userLine is the first of a value's lines that is in a user's file.
func userLine(v cue.Value) mesh.Pos {
	_, parts := v.Expr()
	for _, part := range append(parts, v) {
		if pos := position(part.Pos()); users(pos) {
			return pos
		}
	}
	return mesh.Pos{}
}

// settingPaths lists where the setting at a path such as out.HOST.ROLE.cfg.NAME may be
// written: on the host, for the mesh, for all meshes.
func (l *loader) settingPaths(path []string) [][]string {
	at := map[string]int{"cfg": 4, "flags": 4, "merged": 4, "lacks": 4, "over": 5, "_dir": 5}
	if len(path) < 5 || at[path[3]] == 0 || len(path) <= at[path[3]] {
		return nil
	}
	rest := path[at[path[3]]:]
	return [][]string{
		append([]string{"hosts", path[1], "roles", path[2]}, rest...),
		append([]string{"settings", path[2]}, rest...),
		append([]string{"defaults", path[2]}, rest...),
	}
}

// yieldPosition finds the line of a user's role that makes what is at a path, or the
// nearest line around it.
func (l *loader) yieldPosition(path []string) mesh.Pos {
	if len(path) < 5 || path[3] != "yield" || !l.value.Exists() {
		return mesh.Pos{}
	}
	for n := len(path); n > 4; n-- {
		sel := []cue.Selector{cue.Def("#roles"), cue.Str(unquote(path[2]))}
		for _, p := range path[3:n] {
			sel = append(sel, cue.Str(unquote(p)))
		}
		if pos := userLine(l.value.LookupPath(cue.MakePath(sel...))); !pos.IsZero() {
			return pos
		}
	}
	return mesh.Pos{}
}

// originIn is the line that sets a path, in the given files or in what the mesh imports.
func (l *loader) originIn(files []*ast.File, path []string) mesh.Pos {
	if p := l.fields.find(files, path...); !p.IsZero() || l.inst == nil {
		return p
	}
	for _, imported := range l.inst.Imports {
		if p := l.fields.find(imported.Files, path...); !p.IsZero() {
			return p
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
		return l.settingNames(v, unquote(path[2]), path[5:len(path)-1]...)
	case len(path) >= 2 && path[0] == "apps":
		return appFieldNames(l.con, path[2:])
	case len(path) >= 3 && path[0] == "hosts":
		def = l.con.def("#Host").LookupPath(optionalPath(path[2 : len(path)-1]))
	case len(path) >= 3 && path[0] == "marathons":
		def = l.con.def("#Marathon").LookupPath(optionalPath(path[2 : len(path)-1]))
	case len(path) >= 2 && path[0] == "policy":
		def = l.con.def("#Policy").LookupPath(optionalPath(path[1 : len(path)-1]))
	case len(path) >= 2 && path[0] == "owners":
		def = l.con.def("#Owners").LookupPath(cue.MakePath(cue.AnyString)).LookupPath(optionalPath(path[2:max(2, len(path)-1)]))
	case len(path) == 3 && path[0] == "ignore":
		def = l.con.def("#Ignore").LookupPath(cue.MakePath(cue.AnyIndex))
	case len(path) == 1:
		return meshFields()
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

// settingNames lists the settings that a role knows, or the fields of one of them.
func (l *loader) settingNames(v cue.Value, role string, within ...string) []string {
	over := v.LookupPath(cue.MakePath(cue.Def("#roles"), cue.Str(role), cue.Str("over"), cue.AnyIndex))
	return fieldNames(over.LookupPath(optionalPath(within)))
}

func fieldNames(v cue.Value) []string {
	if !v.Exists() {
		return nil
	}
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

// finish completes a mesh that is right: sorted, with its digest.
func finish(m *mesh.Mesh) {
	sortMesh(m)
	m.Digest = digestOf(m)
}

func internalError(what string, err error) Error {
	return Error{Rule: "internal", Msg: fmt.Sprintf("%s: %v: this is a bug of meshsync", what, err)}
}
