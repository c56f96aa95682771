package config

import (
	"fmt"
	"slices"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkVia holds a Marathon that is asked through hosts to a role that hosts have.
func checkVia(m *mesh.Mesh, l *loader) {
	for _, x := range m.Marathons {
		at := l.marathonAt(x, cue.Str("via"))
		switch {
		case x.Via == "":
		case !slices.ContainsFunc(m.Hosts, func(h mesh.HostSpec) bool { return slices.Contains(h.Roles, x.Via) }):
			l.errs.add(Error{Pos: at, Rule: "marathon-via", Msg: fmt.Sprintf("Marathon %s is asked via %s, and no host has that role", x.Name, x.Via), Hint: `such as "mesos-master"`})
		case x.Proxy != "":
			l.errs.add(Error{Pos: at, Rule: "marathon-via", Msg: fmt.Sprintf("Marathon %s has both via and proxy: want one of them", x.Name)})
		}
	}
}
