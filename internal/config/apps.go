package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
)

// appValue is one app as it was evaluated, apart from the evaluator, so that its
// memory of the folder can go.
type appValue struct {
	key string
	def map[string]any
	// instead are fields to write for those of an app of the seed era.
	instead map[string]any
	origin  mesh.Pos
	fields  map[string]mesh.Pos
	chosen  choice
}

// workers is how many folders are evaluated at once; more does not help, because the
// evaluator waits for memory.
const workers = 2

// folderBatch is how many app folders share an evaluation context: what they import is
// evaluated once in it, and all its memory goes when they are done.
const folderBatch = 2

// evaluateFolders evaluates the app folders, some batches at once.
func (l *loader) evaluateFolders() evaluated {
	var all evaluated
	batches := slices.Collect(slices.Chunk(l.appFolders(&all.errs), folderBatch))
	results := make([]evaluated, len(batches))
	var g errgroup.Group
	g.SetLimit(workers)
	for i, folders := range batches {
		g.Go(func() error {
			b := l.newBatch()
			for _, f := range folders {
				b.evaluate(f)
			}
			results[i] = b.out
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	for _, r := range results {
		all.apps = append(all.apps, r.apps...)
		all.beside.add(r.beside)
		all.errs.list = append(all.errs.list, r.errs.list...)
	}
	return all
}

// appFolders lists the folders below MESH/apps that hold CUE files, sorted.
func (l *loader) appFolders(c *collector) []string {
	set := map[string]bool{}
	prefix := path.Join(l.dir, "apps") + "/"
	for name := range l.mod.pkgs {
		rest, ok := strings.CutPrefix(name, prefix)
		if ok && strings.Count(rest, "/") == 1 {
			set[path.Dir(name)] = true
		}
		if ok && !strings.Contains(rest, "/") {
			c.add(Error{
				Pos: mesh.Pos{File: name, Line: 1}, Rule: "app-folder", Msg: "an app file lies in apps/ itself",
				Hint: "put it into a folder, such as " + prefix + "web/" + rest,
			})
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// checkPackage wants each file of a folder to be of the package that the folder names.
func (l *loader) checkPackage(folder string, c *collector) bool {
	want := path.Base(folder)
	if !canBePackage(want) {
		name := packageName(want)
		c.add(Error{
			Pos: mesh.Pos{File: l.mod.inFolder[folder][0], Line: 1}, Rule: "app-folder",
			Msg:  fmt.Sprintf("the folder %q names its package, and CUE takes letters, digits and _, no digit in front, and no word of its own", want),
			Hint: fmt.Sprintf("rename the folder to %s, and write package %s in its files", name, name),
		})
		return false
	}
	ok := true
	for _, name := range l.mod.inFolder[folder] {
		got := l.mod.pkgs[name]
		if got == want {
			continue
		}
		ok = false
		msg, hint := fmt.Sprintf("the file is of package %q, and its folder is %q", got, want), "write package "+want
		if got == "" {
			msg, hint = l.mod.noPackage(name, want)
		}
		if own := l.mod.packageOf(l.dir); own != "" && got == own {
			hint += "; as package " + own + " it would be unified with the whole mesh"
		}
		c.add(Error{
			Pos: mesh.Pos{File: name, Line: 1}, Rule: "app-package",
			Msg: msg, Hint: hint,
		})
	}
	return ok
}

func (l *loader) folderTranslator(con contract, files []*ast.File) translator {
	inFolder := &loader{con: con, mod: l.mod, dir: l.dir, inst: l.inst}
	return inFolder.translator(files, cue.Value{})
}

// appsOf evaluates the apps of one instance against the contract.
func (l *loader) appsOf(r *shapeReader, con func() contract, v cue.Value, files []*ast.File, c *collector) (out []appValue) {
	apps := v.LookupPath(cue.ParsePath("apps"))
	it, err := apps.Fields()
	if !apps.Exists() || err != nil {
		return nil
	}
	written, chosen := writtenApps(files), l.chosenIn(con, v, files, c)
	for it.Next() {
		key := it.Selector().Unquoted()
		def, instead, err := readApp(l.app, r, con, it.Value())
		if err != nil {
			t := l.folderTranslator(con(), files)
			t.app, t.needs = key, openArguments(it.Value())
			t.add(c, err)
			continue
		}
		a := written[key]
		l.checkArguments(key, a.fields, c)
		a.key, a.def, a.instead, a.chosen = key, def, instead, chosen
		if a.origin.IsZero() {
			a.origin = position(it.Value().Pos())
		}
		out = append(out, a)
	}
	return out
}

// writtenApps finds where apps and their fields are written out in the files.
func writtenApps(files []*ast.File) map[string]appValue {
	out := map[string]appValue{}
	for _, f := range files {
		for _, d := range f.Decls {
			field, ok := d.(*ast.Field)
			if name, _, err := ast.LabelName(label(field)); !ok || err != nil || name != "apps" {
				continue
			}
			for _, s := range structs(field.Value) {
				for _, app := range fieldsIn(s) {
					out[app.name] = appValue{origin: app.pos, fields: namesIn(app.value)}
				}
			}
		}
	}
	return out
}

// written is a field as it is written.
type written struct {
	name  string
	pos   mesh.Pos
	value ast.Expr
}

func fieldsIn(s *ast.StructLit) []written {
	var out []written
	for _, d := range s.Elts {
		field, ok := d.(*ast.Field)
		if name, _, err := ast.LabelName(label(field)); ok && err == nil {
			out = append(out, written{name, position(field.Label.Pos()), field.Value})
		}
	}
	return out
}

// label is a field's label; of no field, one that has no name.
func label(f *ast.Field) ast.Label {
	if f == nil {
		return &ast.BasicLit{}
	}
	return f.Label
}

func namesIn(value ast.Expr) map[string]mesh.Pos {
	out := map[string]mesh.Pos{}
	for _, s := range structs(value) {
		for _, w := range fieldsIn(s) {
			out[w.name] = w.pos
		}
	}
	return out
}

// decodeApps joins the apps of all folders; one id twice names both lines.
func (l *loader) decodeApps(m *mesh.Mesh) {
	l.joined = map[mesh.Address]mesh.Pos{}
	choices := l.choices(m)
	for _, a := range l.apps {
		marathon, ok := choices.of(a)
		if !ok {
			continue
		}
		def := a.def
		id := l.appID(a, def)
		addr := mesh.AppSpec{Marathon: marathon, ID: id}.Address()
		if old, ok := l.joined[addr]; ok {
			l.errs.add(Error{
				Pos: a.origin, Also: []mesh.Pos{old}, Rule: "duplicate-app",
				Msg:  fmt.Sprintf("app %s is declared twice%s", id, choices.among(marathon)),
				Hint: "one of the two must go or get another id",
			})
			continue
		}
		l.joined[addr] = a.origin
		a.warnOfSeed(m, id)
		def["id"] = id
		m.Apps = append(m.Apps, mesh.AppSpec{Marathon: marathon, ID: id, Definition: def, Origin: a.origin, Fields: a.fields})
	}
	if len(m.Apps) > 0 && len(m.Marathons) == 0 && len(m.Hosts) > 0 {
		l.errs.add(Error{
			Pos: m.Apps[0].Origin, Rule: "no-marathon", Msg: "there are apps and no Marathon to run them",
			Hint: `marathons: main: urls: ["http://marathon.example.com:8080"]`,
		})
	}
}

// appID is the absolute id: the key, which the field id may repeat, relative or absolute.
func (l *loader) appID(a appValue, def map[string]any) string {
	id := absoluteID(a.key)
	if written, ok := def["id"].(string); ok && absoluteID(written) != id {
		l.errs.add(Error{
			Pos: a.origin, Rule: "app-id", Msg: fmt.Sprintf("app %s has the id %q", a.key, written),
			Hint: "leave id out: the key is the id",
		})
	}
	return id
}

// absoluteID resolves an id as Marathon does: from the root, with .. and without empty parts. It
// takes no part that is a dot, so such an id stays as it is, to be refused.
func absoluteID(text string) string {
	if slices.Contains(strings.Split(text, "/"), ".") {
		return "/" + strings.Trim(text, "/")
	}
	return path.Clean("/" + text)
}
