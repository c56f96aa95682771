package marathond

import (
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// act is one action on one app.
type act struct{ kind, app string }

const (
	actStart   = "StartApplication"
	actStop    = "StopApplication"
	actScale   = "ScaleApplication"
	actRestart = "RestartApplication"
)

// plan lists the steps from one tree to another: stop what is gone, start what is new
// with nothing, then layer by layer what changed, first what depends on nothing.
func plan(before, after *root) [][]act {
	var stops, starts []act
	affected := map[string]act{}
	for id := range before.apps {
		if after.apps[id] == nil {
			stops = append(stops, act{actStop, id})
		}
	}
	for id, a := range after.apps {
		old := before.apps[id]
		switch {
		case old == nil:
			starts = append(starts, act{actStart, id})
			affected[id] = act{actScale, id}
		case old.version == a.version:
		case old.config == a.config || appdef.Int(a.def["instances"]) == 0:
			affected[id] = act{actScale, id}
		default:
			affected[id] = act{actRestart, id}
		}
	}
	steps := [][]act{stops, starts}
	levels := layers(after, affected)
	steps = append(steps, levels...)
	steps = slices.DeleteFunc(steps, func(l []act) bool { return len(l) == 0 })
	for _, l := range steps {
		slices.SortFunc(l, func(a, b act) int { return compareText(a.app, b.app) })
	}
	return steps
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// layers orders by the longest path of dependencies among the affected apps.
func layers(r *root, affected map[string]act) [][]act {
	level := map[string]int{}
	var depth func(id string) int
	depth = func(id string) int {
		if n, ok := level[id]; ok {
			return n
		}
		n := 0
		for _, d := range r.depends(id) {
			if _, ok := affected[d]; ok {
				n = max(n, depth(d)+1)
			}
		}
		level[id] = n
		return n
	}
	var out [][]act
	for _, id := range slices.Sorted(maps.Keys(affected)) {
		n := depth(id)
		for len(out) <= n {
			out = append(out, nil)
		}
		out[n] = append(out[n], affected[id])
	}
	return out
}
