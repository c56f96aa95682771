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

// A walker goes through what nodes wait for, and visits each once, and never before what it waits for.
type walker struct {
	graph *appGraph
	ends  func(n node) bool  // it goes no further than this one
	visit func(n node)       // nil for who only looks for circles
	cycle func(ids []string) // told each circle that is met, as the apps on the way around; nil for who leaves it there
	way   []node             // to the node that is looked at
	at    map[node]int       // where on it
	done  map[node]bool
}

func newWalker(g *appGraph) *walker {
	return &walker{graph: g, at: map[node]int{}, done: map[node]bool{}, ends: func(node) bool { return false }}
}

// walk goes through what a node waits for, and visits it.
func (w *walker) walk(n node) {
	if i, met := w.at[n]; met {
		if w.cycle != nil {
			w.cycle(w.graph.appsOn(w.way[i:]))
		}
		return
	}
	if w.done[n] {
		return
	}
	if !w.ends(n) {
		w.at[n] = len(w.way)
		w.way = append(w.way, n)
		for _, on := range w.graph.after(n) {
			w.walk(on)
		}
		w.way = w.way[:len(w.way)-1]
		delete(w.at, n)
	}
	w.done[n] = true
	if w.visit != nil {
		w.visit(n)
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
