package config

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
)

// besideFields are the fields that may stand beside apps, with what the contract says of them.
func besideFields() map[string]string {
	return map[string]string{"owners": "#Owners", "ignore": "#Ignore", "moved": "#Moved"}
}

// besideApps is what stands beside apps and is about them. The Marathon is the one that the
// package chooses for its apps, "" where it chooses none.
type besideApps struct {
	owned []mesh.Owned
	moved []mesh.Move
}

func (b *besideApps) add(more besideApps) {
	b.owned = append(b.owned, more.owned...)
	b.moved = append(b.moved, more.moved...)
}

// besideReader reads what stands beside the apps of one instance.
type besideReader struct {
	v        cue.Value
	files    []*ast.File
	marathon string
	out      besideApps
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
			err = map[string]func([]byte) error{"owners": r.owners, "ignore": r.ignore, "moved": r.moved}[name](b)
		}
		if err != nil {
			c.add(internalError("decode "+name, err))
		}
	}
	return r.out
}

func (r *besideReader) owners(b []byte) error {
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
			Marathon: r.marathon, App: absoluteID(key), Field: "instances", Bounds: o.Instances.bounds, Origin: r.line("owners", key, "instances"),
		})
	}
	return nil
}

func (r *besideReader) ignore(b []byte) error {
	var rules []struct{ App, Field, Reason, Owner, Expires string }
	if err := json.Unmarshal(b, &rules); err != nil {
		return err
	}
	for i, x := range rules {
		r.out.owned = append(r.out.owned, mesh.Owned{
			Marathon: r.marathon, App: absoluteID(x.App), Field: x.Field, Origin: r.element("ignore", i),
			Ignored: &mesh.Ignored{Reason: x.Reason, Owner: x.Owner, Expires: x.Expires},
		})
	}
	return nil
}

func (r *besideReader) moved(b []byte) error {
	var moved map[string]string
	if err := json.Unmarshal(b, &moved); err != nil {
		return err
	}
	for from, to := range moved {
		r.out.moved = append(r.out.moved, mesh.Move{
			Marathon: r.marathon, From: absoluteID(from), To: absoluteID(to), Origin: r.line("moved", from),
		})
	}
	return nil
}

// element is where an element of a list is written.
func (r *besideReader) element(list string, i int) mesh.Pos {
	if p := userLine(r.v.LookupPath(cue.MakePath(cue.Str(list), cue.Index(i)))); !p.IsZero() {
		return p
	}
	return find(r.files, list)
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
	m.Owned, m.Moved = l.beside.owned, l.beside.moved
	for i, o := range m.Owned {
		m.Owned[i].Marathon = cmp.Or(o.Marathon, unchosen(m))
	}
	for i, x := range m.Moved {
		m.Moved[i].Marathon = cmp.Or(x.Marathon, unchosen(m))
	}
	slices.SortFunc(m.Moved, func(a, b mesh.Move) int {
		return cmp.Or(a.Old().Compare(b.Old()), cmp.Compare(a.To, b.To), comparePos(a.Origin, b.Origin))
	})
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
