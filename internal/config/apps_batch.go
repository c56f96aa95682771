package config

import (
	"fmt"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
)

// evaluated is what app folders came to.
type evaluated struct {
	apps   []appValue
	beside besideApps
	errs   collector
}

// batch evaluates app folders one after another in one context.
type batch struct {
	l        *loader
	out      evaluated
	ctx      *cue.Context
	con      func() contract // only errors need it
	packages *packages
	reader   *shapeReader
}

func (l *loader) newBatch() *batch {
	ctx := cuecontext.New()
	return &batch{
		l: l, ctx: ctx, con: sync.OnceValue(func() contract { return newContract(ctx) }),
		packages: newPackages(l.mod), reader: newShapeReader(ctx),
	}
}

// evaluate adds what one folder comes to.
func (b *batch) evaluate(folder string) {
	if !b.l.checkPackage(folder, &b.out.errs) {
		return
	}
	inst := b.instance(folder)
	if inst.Err != nil {
		b.l.importErrors(inst, &b.out.errs)
		return
	}
	v := b.ctx.BuildInstance(inst)
	if err := v.Err(); err != nil {
		if all := v.Validate(); all != nil {
			err = all
		}
		b.l.folderTranslator(b.con(), inst.Files).add(&b.out.errs, err)
		return
	}
	for _, name := range fieldNames(v) {
		if _, beside := besideFields()[name]; name != "apps" && name != "marathon" && !beside {
			b.out.errs.add(Error{
				Pos: find(inst.Files, name), Rule: "unknown-field",
				Msg:  fmt.Sprintf("an app folder yields only apps and what is about them, and %s yields %q", folder, name),
				Hint: "make it a definition (#" + name + ") or hidden (_" + name + ") if it helps the apps",
			})
		}
	}
	b.out.apps = append(b.out.apps, b.l.appsOf(b.reader, b.con, v, inst.Files, &b.out.errs)...)
	b.out.beside.add(b.l.readBeside(b.con, v, inst.Files, &b.out.errs))
}

// instance returns the instance of a folder.
func (b *batch) instance(folder string) *build.Instance {
	if inst, ok := b.packages.instance(folder); ok {
		return inst
	}
	return load.Instances([]string{"./" + folder}, b.l.config("."))[0]
}
