package definition

import (
	"meshsync.dev/meshsync/internal/mesh"
)

// Capacity is what Marathon holds to while it replaces all tasks of an app.
type Capacity struct {
	Stay int // tasks that are up at each moment, of those that were
	Most int // tasks that run at once, at the most
}

// CapacityOf tells what an app keeps while its running tasks are replaced by those of after.
// Marathon counts from the instances that are wanted, and where its two bounds leave no room
// to begin, an app may run one more; a resident one, whose volumes are not there twice, stops
// one more.
func CapacityOf(after mesh.Tree, running int) Capacity {
	least, most := bounds(after)
	if least == most && most <= running {
		if Resident(after) {
			least--
		} else {
			most++
		}
	}
	return Capacity{Stay: max(0, min(least, running)), Most: max(most, running)}
}

// Resident reports whether an app has persistent volumes, which bind each task to its agent.
func Resident(form mesh.Tree) bool {
	con, _ := form["container"].(object)
	for _, v := range list(con["volumes"]) {
		if o, ok := v.(object); ok && o["persistent"] != nil {
			return true
		}
	}
	return form["residency"] != nil
}

func decimal(v any, missing float64) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	default:
		return missing
	}
}
