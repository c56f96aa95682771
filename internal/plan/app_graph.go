package plan

import (
	"maps"
	"path"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// appGraph tells what the apps of a Marathon wait for: what they name, and what the groups that
// they lie in name. Who names a group waits for all apps in it.
type appGraph struct {
	apps   map[string]mesh.Tree // id → definition
	groups map[string][]string  // group → what all in it wait for
	in     map[string][]string  // group → the apps and groups directly in it, sorted
}

// newAppGraph has the apps as they are there, and those of the changes as they will be; what
// goes is there to the end.
func newAppGraph(state mesh.TargetState, changes []diff.Change) *appGraph {
	g := &appGraph{apps: map[string]mesh.Tree{}, in: map[string][]string{}}
	if state.Marathon != nil {
		g.groups = state.Marathon.GroupDependencies
	}
	for _, r := range state.Resources {
		g.apps[r.Addr.Name] = r.Attrs
	}
	for _, c := range changes {
		switch {
		case c.Addr.Target != state.Target || c.Addr.Kind != mesh.App:
		case c.After != nil:
			g.apps[c.Addr.Name] = c.After
		default: // it goes, or is gone already and only its entry goes
			g.apps[c.Addr.Name] = c.Before
		}
	}
	placed := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(g.apps)) {
		for ; id != "/" && id != "." && !placed[id]; id = path.Dir(id) {
			placed[id] = true
			g.in[path.Dir(id)] = append(g.in[path.Dir(id)], id)
		}
	}
	return g
}

// A node is an app, or a group: all the apps in it, or what these wait for.
type node struct {
	id    string
	waits bool // of a group: what the apps in it wait for
}

// after lists what comes before a node.
func (g *appGraph) after(n node) []node {
	var out []node
	add := func(ids []string) {
		for _, id := range ids {
			out = append(out, node{id: id})
		}
	}
	app, isApp := g.apps[n.id]
	switch {
	case n.waits:
		add(g.groups[n.id])
		if n.id != "/" {
			out = append(out, node{path.Dir(n.id), true})
		}
	case isApp:
		deps, _ := app["dependencies"].([]any)
		for _, d := range deps {
			id, _ := d.(string)
			out = append(out, node{id: id})
		}
		out = append(out, node{path.Dir(n.id), true})
	default:
		add(g.in[n.id])
	}
	return out
}

// walk visits what the apps wait for, and then each of them: once, and never before what it
// waits for. cycle is told each circle that it meets, as the ids on the way around.
func (g *appGraph) walk(ids []string, visit func(id string), cycle func(ids []string)) {
	var way []node
	done := map[node]bool{}
	var follow func(n node)
	follow = func(n node) {
		if i := slices.Index(way, n); i >= 0 {
			cycle(g.appsOn(way[i:]))
			return
		}
		if done[n] {
			return
		}
		way = append(way, n)
		for _, on := range g.after(n) {
			follow(on)
		}
		way = way[:len(way)-1]
		done[n] = true
		if _, isApp := g.apps[n.id]; isApp && !n.waits {
			visit(n.id)
		}
	}
	for _, id := range ids {
		follow(node{id: id})
	}
}

func (g *appGraph) appsOn(way []node) []string {
	var out []string
	for _, n := range way {
		if _, isApp := g.apps[n.id]; isApp && !n.waits {
			out = append(out, n.id)
		}
	}
	return out
}
