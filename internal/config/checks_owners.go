package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

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
		case i > 0 && m.Owned[i-1].Address() == o.Address() && strings.HasPrefix(o.Field, m.Owned[i-1].Field+"."):
			l.errs.add(Error{
				Pos: o.Origin, Also: []mesh.Pos{m.Owned[i-1].Origin}, Rule: "owned-twice",
				Msg: fmt.Sprintf("%s of app %s lies in %s, which has an owner already", o.Field, o.App, m.Owned[i-1].Field), Hint: "leave one of the two",
			})
		case o.Bounds != nil:
			checkBounds(o, a, l.errs)
		case o.Ignored != nil:
			l.checkIgnored(o)
		}
	}
}

// checkIgnored wants a field that there is, and a day that there is.
func (l *loader) checkIgnored(o mesh.Owned) {
	if _, err := time.Parse(time.DateOnly, o.Ignored.Expires); err != nil {
		l.errs.add(Error{
			Pos: o.Origin, Rule: "ignore-expires", Msg: fmt.Sprintf("%s of app %s is ignored until %s, and there is no such day", o.Field, o.App, o.Ignored.Expires),
			Hint: `year, month and day, such as "2027-01-31"`,
		})
	}
	if l.con.ctx == nil {
		return // the mesh itself is wrong, and that was told
	}
	if why, hint := noSuchField(l.con.def("#App"), o.Field); why != "" {
		l.errs.add(Error{Pos: o.Origin, Rule: "ignore-field", Msg: fmt.Sprintf("%s of app %s cannot be ignored: %s", o.Field, o.App, why), Hint: hint})
	}
}

// instead has what to ignore in place of fields that are brought into another form, or are
// compared in no form.
func instead(field string) (why, hint string) {
	modern := map[string]string{
		"uris": "fetch", "storeUrls": "fetch", "ports": "portDefinitions", "ipAddress": "networks",
		"container.docker.network": "networks", "container.docker.portMappings": "container.portMappings",
	}
	for old, now := range modern {
		if field == old || strings.HasPrefix(field, old+".") {
			return "it is an old form, which is compared as " + now, "ignore " + now
		}
	}
	switch top, _, _ := strings.Cut(field, "."); top {
	case "id":
		return "it is what the app is known by", ""
	case "executorResources", "residency", "taskRateLimit":
		return "it is never compared", "leave the rule out"
	default:
		return "", ""
	}
}

// noSuchField says why a definition has no field of a name with dots; "" where it has.
func noSuchField(app cue.Value, field string) (why, hint string) {
	if why, hint = instead(field); why != "" {
		return why, hint
	}
	v, whole := app, "an app"
	for i, name := range mesh.FieldPath(field) {
		if v.IncompleteKind() != cue.StructKind {
			return fmt.Sprintf("%s is taken as a whole", whole), "ignore " + whole
		}
		if strings.Contains(name, "[") {
			return "what is in a list has no name of its own", "ignore " + strings.TrimPrefix(field[:strings.Index(field, "[")], ".") + ", all of it"
		}
		next, ok := below(v, name)
		if !ok {
			return fmt.Sprintf("%q is no field of %s", name, whole), didYouMean(name, fieldNames(v))
		}
		v, whole = next, strings.Join(mesh.FieldPath(field)[:i+1], ".")
	}
	return "", ""
}

// below is what a definition says of a field.
func below(v cue.Value, name string) (cue.Value, bool) {
	it, err := v.Fields(cue.Optional(true))
	for err == nil && it.Next() {
		if it.Selector().Unquoted() == name {
			return it.Value(), true
		}
	}
	others := v.LookupPath(cue.MakePath(cue.AnyString))
	return others, others.Exists()
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
