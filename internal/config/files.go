package config

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/cue/parser"

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

// module is the parsed files of a CUE module.
type module struct {
	overlay map[string]load.Source
	asts    map[string]*ast.File // by path relative to the module's root
	path    string               // the module's own import path, without a version
	source  *source
	meshes  []string // the folders of all meshes of the module
}

// parse checks and parses the files that a mesh may use.
func parse(files map[string][]byte, c *collector) *module {
	m := &module{overlay: map[string]load.Source{}, asts: map[string]*ast.File{}}
	m.source = newSource(m)
	if len(files) > maxFiles {
		c.add(Error{Rule: "too-large", Msg: fmt.Sprintf("the module has %d files, and at most %d are read", len(files), maxFiles)})
		return m
	}
	for name, data := range files {
		if !strings.HasSuffix(name, ".cue") || !readable(name, data, c) {
			continue
		}
		if name == "cue.mod/module.cue" {
			m.overlay[root+"/"+name] = load.FromBytes(data)
			m.path = checkModuleFile(data, c)
			continue
		}
		f, err := parser.ParseFile(root+"/"+name, data, parser.ParseComments)
		if err != nil {
			addSyntax(c, err)
			continue
		}
		m.asts[name] = f
		m.overlay[root+"/"+name] = load.FromBytes(data) // of a parsed file the loader would write the text anew each time
	}
	return m
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
	return strings.NewReplacer("'EOF'", "the end of the file", "'IDENT' ", "", "'STRING' ", "").Replace(msg)
}

func addSyntax(c *collector, err error) {
	for _, e := range errors.Errors(err) {
		c.add(Error{Pos: position(e.Position()), Rule: "syntax", Msg: "this is no CUE: " + syntaxWords(message(e))})
	}
}
