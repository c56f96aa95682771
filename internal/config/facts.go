package config

import (
	"fmt"
	"slices"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkFacts checks what the roles need before they are evaluated: one forgotten id
// would otherwise show as a cascade of errors inside the roles.
func (l *loader) checkFacts() {
	t := l.translator(l.inst.Files, l.value)
	hosts := l.value.LookupPath(cue.ParsePath("hosts"))
	if !hosts.Exists() {
		if err := l.value.Err(); err != nil {
			t.add(l.errs, err)
			return
		}
		l.errs.add(Error{
			Pos: mesh.Pos{File: l.dir + "/mesh.cue", Line: 1}, Rule: "no-mesh",
			Msg: "this package is no mesh: it has no hosts", Hint: `embed kit.#Mesh of "meshsync.dev/kit", or a package of yours that does`,
		})
		return
	}
	if err := hosts.Validate(); err != nil {
		t.add(l.errs, err)
		return
	}
	roles := l.roleNames()
	l.checkRoles(t)
	l.checkRoleNames(hosts, roles)
	for _, field := range []string{"settings", "defaults"} {
		for _, name := range fieldNames(l.value.LookupPath(cue.ParsePath(field))) {
			if _, ok := roles[name]; !ok {
				l.errs.add(Error{
					Pos: l.origin(field, name), Rule: "unknown-role",
					Msg: fmt.Sprintf("%s are for role %q, and there is no such role", field, name), Hint: didYouMean(name, keys(roles)),
				})
			}
		}
	}
}

// roleNames maps each role to whether it needs an id.
func (l *loader) roleNames() map[string]bool {
	out := map[string]bool{}
	roles := l.value.LookupPath(cue.MakePath(cue.Def("#roles")))
	if !roles.Exists() {
		return out
	}
	it, err := roles.Fields()
	if err != nil {
		return out
	}
	for it.Next() {
		out[it.Selector().Unquoted()] = requires(it.Value().LookupPath(cue.ParsePath("me")), "id")
	}
	return out
}

// requires reports whether a struct has the required field name!.
func requires(v cue.Value, name string) bool {
	it, err := v.Fields(cue.Optional(true))
	if err != nil {
		return false
	}
	for it.Next() {
		if s := it.Selector(); s.Unquoted() == name && s.ConstraintType() == cue.RequiredConstraint {
			return true
		}
	}
	return false
}

// checkRoles finds roles that would silently come to nothing: those that cannot be
// evaluated, and those that yield in the wrong place.
func (l *loader) checkRoles(t translator) {
	roles, err := l.value.LookupPath(cue.MakePath(cue.Def("#roles"))).Fields()
	if err != nil {
		return
	}
	for roles.Next() {
		role, v := roles.Selector().Unquoted(), roles.Value()
		if err := v.Err(); err != nil {
			if all := v.Validate(); all != nil {
				err = all
			}
			t.add(l.errs, err)
			continue
		}
		for _, name := range fieldNames(v) {
			kind := slices.Contains(yieldFields(), name)
			if !kind && (name == "yield" || didYouMean(name, []string{"yield"}) == "") {
				continue
			}
			e := Error{Pos: position(v.LookupPath(cue.MakePath(cue.Str(name))).Pos()), Rule: "unknown-field"}
			e.Msg = fmt.Sprintf("role %s has %q, which nothing reads", role, name)
			if e.Hint = didYouMean(name, []string{"yield"}); kind {
				e.Hint = "it goes into yield"
			}
			l.errs.add(e)
		}
	}
}

func (l *loader) checkRoleNames(hosts cue.Value, roles map[string]bool) {
	it, err := hosts.Fields()
	if err != nil {
		return
	}
	ids := map[string]string{} // role and id → host
	for it.Next() {
		host := it.Selector().Unquoted()
		if a := it.Value().LookupPath(cue.ParsePath("address")); !a.Exists() || a.Validate(cue.Concrete(true)) != nil {
			l.errs.add(Error{
				Pos: l.userPosition(l.inst.Files, []string{"hosts", host}), Rule: "missing",
				Msg: fmt.Sprintf("host %s has no address", host), Hint: `address: "10.0.0.1"`,
			})
		}
		id, idErr := it.Value().LookupPath(cue.ParsePath("id")).Int64()
		hasID := idErr == nil
		for _, role := range fieldNames(it.Value().LookupPath(cue.ParsePath("roles"))) {
			pos := l.userPosition(l.inst.Files, []string{"out", host, role})
			needsID, ok := roles[role]
			switch {
			case !ok:
				l.errs.add(Error{
					Pos: pos, Rule: "unknown-role",
					Msg: fmt.Sprintf("host %s has role %q, and there is no such role", host, role), Hint: didYouMean(role, keys(roles)),
				})
			case needsID && hasID && ids[fmt.Sprint(role, id)] != "":
				l.errs.add(Error{
					Pos: l.userPosition(l.inst.Files, []string{"hosts", host}), Rule: "duplicate-id",
					Also: []mesh.Pos{l.userPosition(l.inst.Files, []string{"hosts", ids[fmt.Sprint(role, id)]})},
					Msg:  fmt.Sprintf("hosts %s and %s both have the id %d in role %s", ids[fmt.Sprint(role, id)], host, id, role),
				})
			case needsID && hasID:
				ids[fmt.Sprint(role, id)] = host
			case needsID:
				l.errs.add(Error{
					Pos: l.userPosition(l.inst.Files, []string{"hosts", host}), Rule: "missing",
					Msg: fmt.Sprintf("host %s has role %s and no id", host, role), Hint: "give each member a number of its own, such as id: 1",
				})
			}
		}
	}
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
