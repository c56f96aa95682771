package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
)

// besideFields are the fields that may stand beside apps, with what the contract says of them.
func besideFields() map[string]string {
	return map[string]string{"owners": "#Owners"}
}

// besideApps is what stands beside apps and is about them. The Marathon is the one that the
// package chooses for its apps, "" where it chooses none.
type besideApps struct {
	owned []mesh.Owned
}

func (b *besideApps) add(more besideApps) {
	b.owned = append(b.owned, more.owned...)
}

// besideReader reads what stands beside the apps of one instance.
type besideReader struct {
	v        cue.Value
	files    []*ast.File
	marathon string
	out   besideApps
}

// readBeside holds to the contract what stands beside apps, and decodes it.
func (l *loader) readBeside(con func() contract, v cue.Value, files []*ast.File, c *collector) besideApps {
	r := &besideReader{v: v, files: files}
	r.marathon, _ = v.LookupPath(cue.MakePath(cue.Str("marathon"))).String()
	for _, name := range slices.Sorted(maps.Keys(besideFields())) {
		f := v.LookupPath(cue.MakePath(cue.Str(name)))
		if !f.Exists() {
			continue
		}
		if err := con().def(besideFields()[name]).Unify(f).Validate(cue.Concrete(true), cue.Final()); err != nil {
			t := l.folderTranslator(con(), files)
			t.beside = name
			t.add(c, err)
			continue
		}
		b, err := f.MarshalJSON()
		if err == nil {
			err = r.decode(name, b)
		}
		if err != nil {
			c.add(internalError("decode "+name, err))
		}
	}
	return r.out
}

func (r *besideReader) decode(name string, b []byte) error {
	var owners map[string]struct {
		Instances instancesOwner `json:"instances"`
	}
	if err := json.Unmarshal(b, &owners); err != nil {
		return err
	}
	for key, o := range owners {
		if o.Instances.word == "git" {
			continue
		}
		r.out.owned = append(r.out.owned, mesh.Owned{
			Marathon: r.marathon, App: absoluteID(key), Field: "instances", Bounds: o.Instances.bounds, Origin: r.line(name, key, "instances"),
		})
	}
	return nil
}

// line is where a path is written out, else where its value comes from.
func (r *besideReader) line(path ...string) mesh.Pos {
	if p := find(r.files, path...); !p.IsZero() {
		return p
	}
	var sel []cue.Selector
	for _, name := range path {
		sel = append(sel, cue.Str(name))
	}
	return userLine(r.v.LookupPath(cue.MakePath(sel...)))
}

// instancesOwner is who sets the number of instances: a word or bounds.
type instancesOwner struct {
	word   string
	bounds *mesh.Bounds
}

// UnmarshalJSON reads either.
func (o *instancesOwner) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &o.word) == nil {
		return nil
	}
	return json.Unmarshal(b, &o.bounds)
}

// decodeBeside gives what stands beside apps their Marathon.
func (l *loader) decodeBeside(m *mesh.Mesh) {
	m.Owned = l.beside.owned
	for i, o := range m.Owned {
		m.Owned[i].Marathon = cmp.Or(o.Marathon, unchosen(m))
	}
	slices.SortStableFunc(m.Owned, func(a, b mesh.Owned) int {
		return cmp.Or(a.Address().Compare(b.Address()), cmp.Compare(a.Field, b.Field), comparePos(a.Origin, b.Origin))
	})
}

// unchosen is the Marathon of packages that choose none.
func unchosen(m *mesh.Mesh) string {
	if len(m.Marathons) == 1 {
		return m.Marathons[0].Name
	}
	return usual
}

// appsOn are the apps of a Marathon by their ids.
func appsOn(m *mesh.Mesh, marathon string) map[string]mesh.AppSpec {
	out := map[string]mesh.AppSpec{}
	for _, a := range m.Apps {
		if a.Marathon == marathon {
			out[a.ID] = a
		}
	}
	return out
}

// checkOwned finds owners of apps that are not there, and of what has another owner already.
func checkOwned(m *mesh.Mesh, l *loader) {
	on, among := map[string]map[string]mesh.AppSpec{}, l.choices(m)
	for i, o := range m.Owned {
		if on[o.Marathon] == nil {
			on[o.Marathon] = appsOn(m, o.Marathon)
		}
		apps := on[o.Marathon]
		a, ok := apps[o.App]
		switch {
		case !ok && l.partial: // it may be one of those that are wrong
		case !ok:
			l.errs.add(Error{
				Pos: o.Origin, Rule: "unknown-app", Msg: fmt.Sprintf("%s of app %s has an owner, and there is no such app%s", o.Field, harmless(o.App), among.among(o.Marathon)),
				Hint: didYouMean(o.App, keys(apps)),
			})
		case i > 0 && m.Owned[i-1].Address() == o.Address() && m.Owned[i-1].Field == o.Field:
			l.errs.add(Error{
				Pos: o.Origin, Also: []mesh.Pos{m.Owned[i-1].Origin}, Rule: "owned-twice",
				Msg: fmt.Sprintf("%s of app %s has two owners", o.Field, o.App), Hint: "leave one of the two",
			})
		case o.Bounds != nil:
			checkBounds(o, a, l.errs)
		}
	}
}

// checkBounds wants bounds that leave something, and what git says within them.
func checkBounds(o mesh.Owned, a mesh.AppSpec, c *collector) {
	if o.Bounds.Max < o.Bounds.Min {
		c.add(Error{
			Pos: o.Origin, Rule: "owned-range", Msg: fmt.Sprintf("%s of app %s may be from %d to %d, and no number is", o.Field, o.App, o.Bounds.Min, o.Bounds.Max),
			Hint: "min is the lower end",
		})
		return
	}
	number, written := a.Definition[o.Field].(json.Number)
	if n, err := number.Int64(); written && err == nil && !o.Bounds.Holds(n) {
		c.add(Error{
			Pos: fieldPos(a, o.Field), Also: []mesh.Pos{o.Origin}, Rule: "owned-range",
			Msg:  fmt.Sprintf("app %s: %s is %d, and may be from %d to %d", o.App, o.Field, n, o.Bounds.Min, o.Bounds.Max),
			Hint: "it is what a new app begins with; leave it out to begin with the end that is nearest to 1",
		})
	}
}
