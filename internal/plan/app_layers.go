package plan

import (
	"cmp"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// layered is a change of an app with its place.
type layered struct {
	change diff.Change
	layer  int      // from 1
	uses   []string // ids of changed apps that it waits for, all of layers before; sorted
}

// deployOrder puts an app behind those it depends on, layer by layer, and deletes it before
// them: what is used is there as long as its users are.
func deployOrder(apps []diff.Change, graph func(mesh.Target) *appGraph) []layered {
	var deployed, deleted []diff.Change
	for _, c := range apps {
		if c.After != nil {
			deployed = append(deployed, c)
		} else {
			deleted = append(deleted, c)
		}
	}
	out := inLayers(deployed, graph)
	last := deepest(out)
	gone := inLayers(deleted, graph)
	first := deepest(gone)
	slices.Reverse(gone)
	for _, x := range gone {
		out = append(out, layered{change: x.change, layer: last + 1 + first - x.layer})
	}
	return out
}

func deepest(apps []layered) int {
	n := 0
	for _, x := range apps {
		n = max(n, x.layer)
	}
	return n
}

// inLayers puts changes of apps into layers, as Marathon does with those of one deployment:
// first those that wait for nothing that changes, then their users; one Marathon after another.
func inLayers(apps []diff.Change, graph func(mesh.Target) *appGraph) []layered {
	changed := map[mesh.Target]map[string]bool{}
	var targets []mesh.Target
	for _, c := range apps {
		t := c.Addr.Target
		if changed[t] == nil {
			changed[t] = map[string]bool{}
			targets = append(targets, t)
		}
		changed[t][c.Addr.Name] = true
	}
	ranks := map[mesh.Target]*ranking{}
	for _, t := range targets {
		ranks[t] = newRanking(graph(t), changed[t])
	}
	var out []layered
	for _, c := range apps {
		r, n := ranks[c.Addr.Target], node{id: c.Addr.Name}
		out = append(out, layered{change: c, layer: r.rank(n), uses: r.uses(n)})
	}
	slices.SortStableFunc(out, func(x, y layered) int {
		return cmp.Or(cmp.Compare(slices.Index(targets, x.change.Addr.Target), slices.Index(targets, y.change.Addr.Target)), cmp.Compare(x.layer, y.layer))
	})
	return out
}

// ranking finds the layers of the changed apps of one Marathon. A circle, which is refused, is
// left where it is met again.
type ranking struct {
	graph   *appGraph
	changed map[string]bool
	of      map[node]int
	walker  *walker
}

func newRanking(g *appGraph, changed map[string]bool) *ranking {
	r := &ranking{graph: g, changed: changed, of: map[node]int{}, walker: newWalker(g)}
	r.walker.visit = func(n node) {
		for _, on := range g.after(n) {
			r.of[n] = max(r.of[n], r.of[on])
		}
		if r.counts(n) {
			r.of[n]++
		}
	}
	return r
}

func (r *ranking) counts(n node) bool { return !n.waits && r.changed[n.id] }

// rank is the number of changed apps on the longest way to a node, with it.
func (r *ranking) rank(n node) int {
	r.walker.walk(n)
	return r.of[n]
}

// uses lists the changed apps that an app waits for without another one between.
func (r *ranking) uses(of node) []string {
	var out []string
	w := newWalker(r.graph)
	w.ends = func(n node) bool { return n != of && r.counts(n) }
	w.visit = func(n node) {
		if w.ends(n) {
			out = append(out, n.id)
		}
	}
	w.walk(of)
	slices.Sort(out)
	return out
}

// usesText names what a change waits for; of many, how many.
func usesText(uses []string) []string {
	const shown = 5
	if len(uses) <= shown {
		return uses
	}
	return append(slices.Clone(uses[:shown-1]), fmt.Sprintf("%d more apps", len(uses)-shown+1))
}
