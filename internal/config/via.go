package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkVia holds a Marathon that is asked through hosts to a role that hosts have.
func checkVia(m *mesh.Mesh, l *loader) {
	var roles []string
	for _, h := range m.Hosts {
		roles = append(roles, h.Roles...)
	}
	roles = slices.Compact(slices.Sorted(slices.Values(roles)))
	for _, x := range m.Marathons {
		at := l.marathonAt(x, cue.Str("via"))
		switch {
		case x.Via == "":
		case !slices.Contains(roles, x.Via):
			l.errs.add(Error{Pos: at, Rule: "marathon-via", Msg: fmt.Sprintf("Marathon %s is asked via %s, and no host has that role", x.Name, x.Via), Hint: "the hosts have " + cmp.Or(strings.Join(roles, ", "), "no role at all")})
		case x.Proxy != "":
			l.errs.add(Error{Pos: at, Rule: "marathon-via", Msg: fmt.Sprintf("Marathon %s has both via and proxy: want one of them", x.Name)})
		}
	}
}
