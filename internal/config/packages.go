package config

import (
	"path"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/token"
)

// packages builds the instance of an app folder from files that are parsed
// already. It knows only what a plain package is: the files of one folder, named like
// it, whose imports are plain packages of this module, vendored ones or the standard
// library's. Everything else, and every error, is left to cue/load, which would read
// and parse each of a thousand app files a second time.
type packages struct {
	mod   *module
	built map[string]*build.Instance // by folder; nil while it is being built
	ctx   *build.Context
	plain bool // nothing so far needs cue/load
}

func newPackages(mod *module) *packages {
	p := &packages{mod: mod, built: map[string]*build.Instance{}, plain: mod.path != "" && !mod.layered}
	p.ctx = build.NewContext(build.Loader(p.imported))
	return p
}

// instance returns the instance of a folder; ok is false when it is not plain.
func (p *packages) instance(folder string) (inst *build.Instance, ok bool) {
	inst = p.folder(folder)
	ok = p.plain && inst.Complete() == nil && inst.ResolutionErr == nil && p.plain
	return inst, ok
}

// imported is called for each import of a plain package.
func (p *packages) imported(_ token.Pos, importPath string) *build.Instance {
	first, _, _ := strings.Cut(importPath, "/")
	if !strings.Contains(first, ".") {
		return nil // of the standard library
	}
	dir := path.Join("cue.mod/pkg", importPath)
	if rest, own := strings.CutPrefix(importPath, p.mod.path+"/"); own {
		dir = rest
	}
	inst, begun := p.built[dir]
	switch {
	case begun && inst == nil: // a cycle
		p.plain = false
		return nil
	case begun:
		return inst
	}
	p.built[dir] = nil
	inst = p.folder(dir)
	if p.plain && inst.Complete() != nil {
		p.plain = false
	}
	p.built[dir] = inst
	return inst
}

// folder makes the instance of a folder. Its trees are its own: resolving writes to them.
func (p *packages) folder(dir string) *build.Instance {
	inst := p.ctx.NewInstance(root+"/"+dir, nil)
	inst.ImportPath = p.mod.path + "/" + dir
	names := p.mod.inFolder[dir]
	p.plain = p.plain && len(names) > 0 && p.alone(dir)
	for _, name := range names {
		f, err := p.mod.tree(name)
		if err != nil || !plainFile(f, name, dir) || inst.AddSyntax(f) != nil {
			p.plain = false
			return inst
		}
	}
	return inst
}

// alone reports whether no file of the folders above is of the same package: it would
// be part of it.
func (p *packages) alone(dir string) bool {
	for up := dir; up != "."; {
		up = path.Dir(up)
		for _, name := range p.mod.inFolder[up] {
			if p.mod.pkgs[name] == path.Base(dir) {
				return false
			}
		}
	}
	return true
}

// plainFile reports whether a file is part of its folder's package whatever the
// circumstances.
func plainFile(f *ast.File, name, dir string) bool {
	base := path.Base(name)
	if f.PackageName() != path.Base(dir) || strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".") ||
		strings.HasSuffix(base, "_tool.cue") || strings.HasSuffix(base, "_test.cue") {
		return false
	}
	for spec := range f.ImportSpecs() {
		if text, err := strconv.Unquote(spec.Path.Value); err != nil || strings.ContainsAny(text, ":@") {
			return false
		}
	}
	for _, d := range f.Decls {
		if _, tagged := d.(*ast.Attribute); tagged {
			return false
		}
	}
	return true
}
