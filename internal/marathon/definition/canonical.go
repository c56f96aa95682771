// Package definition knows what Marathon makes of an app definition: one canonical
// form, applied to what a repository wants and to what Marathon echoes, so that the two
// are equal just when Marathon holds them equal; and what an edit does to an app's
// tasks. It is pure. The rules were read from Marathon's sources of 1.4 to 1.11 and
// checked against recorded answers of 1.11.26.
package definition

import (
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// object is a node of a definition while it is brought into form.
type object = map[string]any

// Canonical brings a definition, as it is written or as Marathon echoes it, into
// canonical form for a Marathon. foreign holds what meshsync does not know of it, as it
// came, by path. The input is not modified; what it holds against the rules of the API is
// left as it is, because an echo may break the rules for input.
func Canonical(def map[string]any, info mesh.MarathonInfo) (form mesh.Tree, foreign map[string]any, err error) {
	form, err = mesh.NewTree(def)
	if err != nil {
		return nil, nil, err
	}
	return form, newTable(info).form(object(form)).paths(), nil
}

// table is what a Marathon of one release and configuration makes of definitions.
type table struct {
	info    mesh.MarathonInfo
	release mesh.Release
	app     *shape
	presets []preset       // of this release
	does    map[trait]bool // likewise
}

func newTable(info mesh.MarathonInfo) *table {
	t := &table{info: info, release: mesh.ParseRelease(info.Version), app: appShape(), does: map[trait]bool{}}
	for _, p := range presets() {
		if p.has(t.release) {
			t.presets = append(t.presets, p)
		}
	}
	for is, spans := range traits() {
		t.does[is] = slices.ContainsFunc(spans, func(s span) bool { return s.has(t.release) })
	}
	return t
}

// form brings a normalised tree into canonical form, in place, and returns what meshsync
// does not know of it.
func (t *table) form(app object) *foreign {
	t.seedEra(app)
	left := t.app.prune(app)
	lenient(app)
	c := former{app: app, table: t}
	c.identity()
	c.artifacts()
	c.networks()
	c.ports()
	c.container()
	c.checks()
	c.defaults()
	c.sets()
	c.empties()
	return left
}

// former carries one definition on its way into form.
type former struct {
	*table

	app object
}

// lenient replaces what is no object where one is wanted: Marathon reads anything as an
// object without members when none is required.
func lenient(app object) {
	con, _ := app["container"].(object)
	docker, _ := con["docker"].(object)
	for _, l := range [...]struct {
		of    object
		field string
	}{
		{app, "healthChecks"},
		{app, "portDefinitions"},
		{app, "readinessChecks"},
		{app, "networks"},
		{con, "portMappings"},
		{docker, "portMappings"},
	} {
		for i, e := range list(l.of[l.field]) {
			if _, ok := e.(object); !ok {
				list(l.of[l.field])[i] = object{}
			}
		}
	}
	check, _ := app["check"].(object)
	for _, f := range []string{"http", "tcp"} {
		if v, ok := check[f]; ok {
			if _, isObject := v.(object); !isObject {
				check[f] = object{}
			}
		}
	}
	if exec, ok := check["exec"].(object); ok {
		if command, ok := exec["command"].(object); ok && command["shell"] != nil {
			delete(command, "argv") // beside shell it is dropped
		}
	}
}

// identity makes id and dependencies absolute.
func (c former) identity() {
	id, ok := c.app["id"].(string)
	if ok {
		id = absolute(id)
		c.app["id"] = id
	}
	deps := list(c.app["dependencies"])
	for i, d := range deps {
		if s, ok := d.(string); ok {
			deps[i] = mesh.Dependency(id, s, c.release)
		}
	}
}

// absolute resolves an id against the root, as /v2/apps does.
func absolute(id string) string { return path.Clean("/" + strings.TrimSpace(id)) }

// defaults fills in what Marathon fills in, by release.
func (c former) defaults() {
	for _, p := range c.presets {
		set(c.app, p.name, p.value)
	}
	set(c.app, "labels", object{})
	upper(c.app, "killSelection")
	if role, _ := c.roleIn(c.app["id"]); role != "" && c.does[hasRoles] {
		set(c.app, "role", role)
	}
	c.acceptedRoles()
	persistent, external := c.volumes()
	c.upgrade(persistent || external)
	c.unreachable(persistent)
}

func (c former) acceptedRoles() {
	roles := list(c.app["acceptedResourceRoles"])
	if len(roles) == 0 || !c.does[sanitisesRoles] {
		return
	}
	var own []any
	for _, r := range roles {
		if r == "*" || r == c.app["role"] {
			own = append(own, r)
		}
	}
	if len(own) == 0 {
		own = []any{"*"}
	}
	c.app["acceptedResourceRoles"] = own
}

func (c former) upgrade(stateful bool) {
	u, ok := c.app["upgradeStrategy"].(object)
	if !ok {
		u = object{}
		c.app["upgradeStrategy"] = u
	}
	if stateful {
		set(u, "minimumHealthCapacity", 0.5)
		set(u, "maximumOverCapacity", int64(0))
	}
	set(u, "minimumHealthCapacity", int64(1))
	set(u, "maximumOverCapacity", int64(1))
}

// unreachable: any string reads as disabled; a missing member of the object is 0.
func (c former) unreachable(persistent bool) {
	switch u := c.app["unreachableStrategy"].(type) {
	case string:
		c.app["unreachableStrategy"] = "disabled"
	case object:
		set(u, "inactiveAfterSeconds", int64(0))
		set(u, "expungeAfterSeconds", int64(0))
	default:
		if persistent {
			c.app["unreachableStrategy"] = "disabled"
			return
		}
		u2 := object{"inactiveAfterSeconds": int64(0), "expungeAfterSeconds": int64(0)}
		if c.does[waitsBeforeUnreachable] {
			u2 = object{"inactiveAfterSeconds": int64(300), "expungeAfterSeconds": int64(600)}
		}
		c.app["unreachableStrategy"] = u2
	}
}

// empties drops what Marathon does not echo when it is empty, and the forms that mean
// the same as nothing (tty false, linuxInfo and resourceLimits {}).
func (c former) empties() {
	for _, f := range []string{
		"env", "constraints", "dependencies", "fetch", "args", "healthChecks", "readinessChecks", "secrets",
		"acceptedResourceRoles", "resourceLimits",
	} {
		dropEmpty(c.app, f)
	}
	if c.app["tty"] == false {
		delete(c.app, "tty")
	}
}

func dropEmpty(o object, field string) {
	switch v := o[field].(type) {
	case []any:
		if len(v) == 0 {
			delete(o, field)
		}
	case object:
		if len(v) == 0 {
			delete(o, field)
		}
	}
}

// set fills in a default.
func set(o object, field string, v any) {
	if _, ok := o[field]; !ok {
		o[field] = v
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// upper writes an enumeration as Marathon echoes it; it reads it without regard to case.
func upper(o object, field string) {
	if s, ok := o[field].(string); ok {
		o[field] = strings.ToUpper(s)
	}
}

func lower(o object, field string) {
	if s, ok := o[field].(string); ok {
		o[field] = strings.ToLower(s)
	}
}
