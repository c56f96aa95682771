package route

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// Input is what a table is made of.
type Input struct {
	Apps []mesh.RunningApp
	// Addresses are those of the agents, by the host names that tasks name.
	Addresses map[string]netip.Addr
	// Before is the table that was written last. It says which slots tasks have, who has a name that several claim, and
	// which tasks served before a Marathon forgot what their checks had found.
	Before Table
}

// Left is something that is not led to, and why. All of it is told of, quoted where it is Marathon's.
type Left struct {
	Marathon, App string
	Why           string
}

// String is a line for people.
func (l Left) String() string { return fmt.Sprintf("marathon/%s/app:%q: %s", l.Marathon, l.App, l.Why) }

// ownGroup is where meshsync keeps its record: apps that never run.
const ownGroup = "/meshsync/"

// Make makes a table, and tells what is left out of it, sorted.
func Make(in Input) (Table, []Left) {
	m := maker{in: in, seen: map[string]bool{}, claims: map[string][]string{}, of: map[string]mesh.RunningApp{}}
	apps := slices.Clone(in.Apps)
	slices.SortStableFunc(apps, func(a, b mesh.RunningApp) int { return compareByApp(a.Marathon, a.ID, b.Marathon, b.ID) })
	for _, a := range apps {
		if !strings.HasPrefix(a.ID, ownGroup) {
			m.app(a)
		}
	}
	m.settle()
	slices.SortFunc(m.table.Backends, func(a, b Backend) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(m.left, func(a, b Left) int {
		return cmp.Or(compareByApp(a.Marathon, a.App, b.Marathon, b.App), strings.Compare(a.Why, b.Why))
	})
	return m.table, slices.Compact(m.left)
}

// maker is a table in the making.
type maker struct {
	in     Input
	table  Table
	left   []Left
	seen   map[string]bool            // backends
	claims map[string][]string        // backends by the names that they claim
	of     map[string]mesh.RunningApp // the apps of backends
}

func (m *maker) leave(a mesh.RunningApp, format string, args ...any) {
	m.left = append(m.left, Left{Marathon: a.Marathon, App: a.ID, Why: fmt.Sprintf(format, args...)})
}

// app adds the backends of an app.
func (m *maker) app(a mesh.RunningApp) {
	if !appID.MatchString(a.ID) {
		m.leave(a, "that is no id that Marathon gives an app")
		return
	}
	labels := labelsOf(a.Labels)
	named := false
	for port, l := range labels {
		named = named || l.given
		if l.given && port >= len(a.Ports) {
			m.leave(a, "the label HAPROXY_%d_VHOST names hosts for a port that the app has not: it has %d", port, len(a.Ports))
		}
	}
	if len(a.Ports) == 0 {
		m.leave(a, "it has no port")
	}
	for i, p := range a.Ports {
		l := labels[i]
		if l.off || !l.given && (named || i > 0) {
			continue
		}
		m.port(a, i, p, m.names(a, l))
	}
}

// names are what leads to a port of an app: what its label says, or the app's own name.
func (m *maker) names(a mesh.RunningApp, l portLabels) []string {
	if !l.given {
		name, err := ownName(a.ID)
		if err != nil {
			m.leave(a, "%v", err)
			return nil
		}
		return []string{name}
	}
	var out []string
	for _, text := range l.names {
		name, err := hostName(text)
		if err != nil {
			m.leave(a, "%v", err)
			continue
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// port adds the backend of a port of an app.
func (m *maker) port(a mesh.RunningApp, index int, p mesh.AppPort, names []string) {
	name := backendName(a.Marathon, a.ID, index)
	switch {
	case len(names) == 0: // told
		return
	case m.seen[name]:
		m.leave(a, "the list of apps has it twice")
		return
	case p.Protocol == "udp":
		m.leave(a, "port %d takes udp, and requests come over tcp", index)
		return
	}
	m.seen[name], m.of[name] = true, a
	before, _ := m.in.Before.backend(name)
	servers := m.servers(a, index, p, before)
	m.table.Backends = append(m.table.Backends, Backend{Name: name, Slots: place(before.Slots, servers, a.Instances)})
	for _, n := range names {
		m.claims[n] = append(m.claims[n], name)
	}
}

// settle gives names to backends. Of several that claim one, the one that has it keeps it; else none gets it, or whoever
// may write an app could take what another one serves. A backend without a name is no more.
func (m *maker) settle() {
	had := m.in.Before.holders()
	given := map[string][]string{}
	for name, claims := range m.claims {
		holder := claims[0]
		if len(claims) > 1 {
			holder = ""
			if slices.Contains(claims, had[name]) {
				holder = had[name]
			}
			m.contested(name, claims, holder)
		}
		given[holder] = append(given[holder], name)
	}
	var kept []Backend
	for _, b := range m.table.Backends {
		if b.Names = given[b.Name]; len(b.Names) > 0 {
			slices.Sort(b.Names)
			kept = append(kept, b)
		}
	}
	m.table.Backends = kept
}

// contested tells all that claim a name and do not have it.
func (m *maker) contested(name string, claims []string, holder string) {
	for _, c := range claims {
		switch {
		case c == holder:
		case holder != "":
			m.leave(m.of[c], "the name %s stays with app %s, which has it: name another one in the label HAPROXY_0_VHOST", name, m.of[holder].ID)
		default:
			var others []string
			for _, o := range claims {
				if o != c {
					others = append(others, m.of[o].ID)
				}
			}
			m.leave(m.of[c], "the name %s is claimed by %s, too, so nobody gets it: name others in the label HAPROXY_0_VHOST", name, strings.Join(others, ", "))
		}
	}
}
