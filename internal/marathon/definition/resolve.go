package definition

import (
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Resolve completes a desired canonical form by what only the live app can say: the
// numbers that Marathon chose for service ports 0, and the role when none is written.
// The result compared with live differs just where an update would change something.
func Resolve(desired, live mesh.Tree, written map[string]any, info mesh.MarathonInfo) mesh.Tree {
	out := desired.Clone()
	if live != nil {
		resolve(out, live, written, info)
	}
	return out
}

// resolve is Resolve in place.
func resolve(out, live mesh.Tree, written map[string]any, info mesh.MarathonInfo) {
	delete(out, executorResources)
	if written["role"] == nil {
		if role, ok := live["role"]; ok {
			out["role"] = role
		} else {
			delete(out, "role")
		}
	}
	resolvePorts(out, live, info)
}

// servicePorts lists the places of an app's service ports, in order: those of its port
// mappings, else of its port definitions.
func servicePorts(app mesh.Tree) (objects []object, field string) {
	con, _ := app["container"].(object)
	maps := list(con["portMappings"])
	if len(maps) > 0 {
		field = "servicePort"
	} else {
		maps, field = list(app["portDefinitions"]), "port"
	}
	for _, m := range maps {
		if o, ok := m.(object); ok {
			objects = append(objects, o)
		}
	}
	return objects, field
}

// resolvePorts gives each 0, in order, the next port that the app has now, that lies in
// the range from which Marathon chooses, and that the definition does not name itself.
// What is left at 0 is assigned by Marathon.
func resolvePorts(desired, live mesh.Tree, info mesh.MarathonInfo) {
	want, field := servicePorts(desired)
	if !slices.ContainsFunc(want, func(o object) bool { return o[field] == int64(0) }) {
		return
	}
	named := map[any]bool{}
	for _, o := range want {
		named[o[field]] = true
	}
	var free []any
	have, liveField := servicePorts(live)
	for _, o := range have {
		p, _ := o[liveField].(int64)
		if p != 0 && !named[p] && inRange(p, info) {
			free = append(free, p)
		}
	}
	for _, o := range want {
		if o[field] == int64(0) && len(free) > 0 {
			o[field], free = free[0], free[1:]
		}
	}
}

func inRange(p int64, info mesh.MarathonInfo) bool {
	low, high := int64(info.LocalPortMin), int64(info.LocalPortMax)
	if low == 0 && high == 0 {
		low, high = 10000, 20000 // Marathon's default range
	}
	return p >= low && p <= high
}
