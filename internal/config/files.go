package config

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/cue/parser"
	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
)

// Limits of what is read: beyond them a file or repository is no configuration.
const (
	maxFileSize = 4 << 20
	maxFiles    = 50_000
)

// root is the made-up folder under which the module's files are loaded: cue/load
// wants absolute paths, and none of the disk must be read.
const root = "/meshsync-module"

// Meshes lists the folders with a mesh.cue, sorted. The vendored packages hold none.
func Meshes(files map[string][]byte) []string {
	var out []string
	for name := range files {
		if path.Base(name) == "mesh.cue" && !strings.HasPrefix(name, "cue.mod/") {
			out = append(out, path.Dir(name))
		}
	}
	slices.Sort(out)
	return out
}

// module is the files of a CUE module, by path relative to its root.
type module struct {
	data     map[string][]byte
	overlay  map[string]load.Source
	pkgs     map[string]string   // file → its package, of all files that are CUE
	inFolder map[string][]string // folder → the same files, sorted
	layered  bool                // cue.mod has folders that are laid over packages
	path     string              // the module's own import path, without a version
	source   *source
	meshes   []string // the folders of all meshes of the module

	mu    sync.Mutex
	trees map[string]*ast.File // of ast
}

// parse checks and parses the files that a mesh may use.
func parse(files map[string][]byte, c *collector) *module {
	m := &module{
		data: files, overlay: map[string]load.Source{}, pkgs: map[string]string{},
		inFolder: map[string][]string{}, trees: map[string]*ast.File{},
	}
	m.source = newSource(m)
	if len(files) > maxFiles {
		c.add(Error{Rule: "too-large", Msg: fmt.Sprintf("the module has %d files, and at most %d are read", len(files), maxFiles)})
		return m
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		switch {
		case !strings.HasSuffix(name, ".cue") || !readable(name, files[name], c):
		case name == "cue.mod/module.cue":
			m.overlay[root+"/"+name] = load.FromBytes(files[name])
			m.path = checkModuleFile(files[name], c)
		default:
			names = append(names, name)
		}
	}
	m.parse(names, c)
	return m
}

// parse parses files, some at once, for what is wrong in them and for their packages.
// The trees are not kept: of a thousand apps they would be a third of all memory.
func (m *module) parse(names []string, c *collector) {
	pkgs, errs := make([]string, len(names)), make([]error, len(names))
	var g errgroup.Group
	g.SetLimit(workers)
	for i, name := range names {
		g.Go(func() error {
			f, err := m.tree(name)
			errs[i] = err
			if err == nil {
				pkgs[i] = f.PackageName()
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	for i, name := range names {
		if errs[i] != nil {
			addSyntax(c, errs[i])
			continue
		}
		m.pkgs[name] = pkgs[i]
		m.inFolder[path.Dir(name)] = append(m.inFolder[path.Dir(name)], name)
		m.layered = m.layered || strings.HasPrefix(name, "cue.mod/gen/") || strings.HasPrefix(name, "cue.mod/usr/")
		m.overlay[root+"/"+name] = load.FromBytes(m.data[name]) // of a parsed file the loader would write the text anew each time
	}
}

// ast returns the tree of a file to look at, or nil. It is never evaluated, so that it may
// be looked at from several goroutines.
func (m *module) ast(name string) *ast.File {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.pkgs[name]; !ok || m.trees[name] != nil {
		return m.trees[name]
	}
	m.trees[name], _ = m.tree(name) // it was parsed before
	return m.trees[name]
}

// tree parses one file.
func (m *module) tree(name string) (*ast.File, error) {
	return parser.ParseFile(root+"/"+name, m.data[name], parser.ParseComments)
}

// packageOf is the package of a folder's first file; "" of a folder without files.
func (m *module) packageOf(dir string) string {
	for _, name := range m.inFolder[dir] {
		return m.pkgs[name]
	}
	return ""
}

// noPackage says what is wrong with a file that has no package line, and what to do: want
// is the package that the others of its folder are of.
func (m *module) noPackage(name, want string) (msg, hint string) {
	if f := m.ast(name); f != nil && len(f.Decls) == 0 {
		return "the file holds nothing, and so it is of no package", "begin it with package " + want + ", or delete it"
	}
	return "the file names no package", "write package " + want
}

// canBePackage reports whether CUE takes a name for that of a package.
func canBePackage(name string) bool {
	f, err := parser.ParseFile("package.cue", "package "+name+"\n", parser.PackageClauseOnly)
	return err == nil && name != "_" && f.PackageName() == name
}

// packageName is a package's name that is as near to a folder's as CUE allows.
func packageName(folder string) string {
	if canBePackage(folder) {
		return folder
	}
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r != '#' && ast.IsValidIdent("_"+string(r)) {
			return r
		}
		return '_'
	}, folder), "_")
	switch {
	case name == "":
		return "mesh"
	case !canBePackage(name): // it begins with a digit, or is a word of CUE's own
		return "x" + name
	default:
		return name
	}
}

func readable(name string, data []byte, c *collector) bool {
	pos := mesh.Pos{File: name, Line: 1}
	switch {
	case len(data) > maxFileSize:
		c.add(Error{Pos: pos, Rule: "too-large", Msg: fmt.Sprintf("the file has %d bytes, and at most %d are read", len(data), maxFileSize)})
	case bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data):
		c.add(Error{Pos: pos, Rule: "binary", Msg: "the file is no text: it has bytes that are not UTF-8", Hint: "keep only CUE in .cue files"})
	default:
		return true
	}
	return false
}

// checkModuleFile returns the module's path. It refuses dependencies: they would be
// fetched over the network behind the user's back.
func checkModuleFile(data []byte, c *collector) string {
	f, err := parser.ParseFile(root+"/cue.mod/module.cue", data)
	if err != nil {
		addSyntax(c, err)
		return ""
	}
	written := map[string]written{}
	for _, w := range fieldsIn(&ast.StructLit{Elts: f.Decls}) {
		written[w.name] = w
	}
	if w, ok := written["deps"]; ok {
		c.add(Error{
			Pos: w.pos, Rule: "module-deps",
			Msg: "cue.mod/module.cue lists dependencies, and meshsync fetches nothing", Hint: "vendor them below cue.mod/pkg",
		})
	}
	for name, example := range map[string]string{"module": `module: "example.com/infra"`, "language": `language: version: "v0.17.0"`} {
		if _, ok := written[name]; !ok {
			c.add(Error{Pos: mesh.Pos{File: "cue.mod/module.cue", Line: 1}, Rule: "module", Msg: "the module file has no " + name, Hint: "such as " + example})
		}
	}
	lit, ok := written["module"].value.(*ast.BasicLit)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(unquote(lit.Value), "@")
	return name
}

// syntaxWords replaces the parser's names of things that have better ones.
func syntaxWords(msg string) string {
	return strings.NewReplacer("'EOF'", "the end of the file", "'IDENT' ", "", "'STRING' ", "", "'IDENT'", "a name").Replace(msg)
}

func addSyntax(c *collector, err error) {
	for _, e := range errors.Errors(err) {
		c.add(Error{Pos: position(e.Position()), Rule: "syntax", Msg: "this is no CUE: " + syntaxWords(message(e))})
	}
}
