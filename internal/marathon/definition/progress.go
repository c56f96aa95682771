package definition

import (
	"fmt"
	"math"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// A Hindrance is why a deployment may come to no end.
type Hindrance struct {
	Code string // a stable word for machines
	Msg  string // as what follows the app's name
	Hint string
}

// Hindrances tells what may keep Marathon from replacing the running tasks of an app by those
// of after. It never gives up by itself: such a deployment holds the app until somebody ends it.
func Hindrances(after mesh.Tree, live *mesh.AppState) []Hindrance {
	var out []Hindrance
	n := instances(after)
	running := live.TasksRunning + live.TasksStaged
	least, most := bounds(after)
	healthy := countedHealthy(after, live)
	begins := running < most || running > n || healthy > least || least == most && healthy >= most
	switch {
	case !begins && checkedByMarathon(after):
		out = append(out, Hindrance{
			"app.hangs",
			fmt.Sprintf("cannot be updated: with a health check of its own Marathon takes no running task for healthy, so that it stops none, and %d at most may run", most),
			"write the check as MESOS_HTTP, MESOS_HTTPS or MESOS_TCP, or a maximumOverCapacity that is room for one more",
		})
	case !begins:
		out = append(out, Hindrance{
			"app.hangs",
			fmt.Sprintf("cannot be updated as it is: %d of its %d tasks are healthy and %d have to stay, so that none is stopped, and %d at most may run", healthy, running, least, most),
			"write a lower minimumHealthCapacity or a higher maximumOverCapacity, with this change",
		})
	case least == most && running >= most && !Resident(after):
		out = append(out, Hindrance{
			"app.needs_room",
			fmt.Sprintf("is updated with one task more than its %d, for no fewer may run and no more were allowed: where no agent has room for it, the deployment waits", n),
			"leave room on an agent, or write a minimumHealthCapacity below 1",
		})
	}
	if Resident(after) && running < n {
		out = append(out, Hindrance{
			"app.resident",
			fmt.Sprintf("has persistent volumes, and %d of its %d tasks run: those that lack wait for the agents that have their volumes, and so does the deployment", running, n),
			"bring those agents back first",
		})
	}
	return out
}

// bounds are how many tasks have to stay and how many may run, before the rule for no room.
func bounds(form mesh.Tree) (least, most int) {
	n := float64(instances(form))
	u, _ := form["upgradeStrategy"].(object)
	least = int(math.Ceil(n * decimal(u["minimumHealthCapacity"], 1)))
	most = int(math.Floor(n * (1 + decimal(u["maximumOverCapacity"], 1))))
	return least, most
}

// countedHealthy is how many tasks Marathon counts as healthy when an update begins: with a
// check of its own none, as was seen.
func countedHealthy(form mesh.Tree, live *mesh.AppState) int {
	switch {
	case checkedByMarathon(form):
		return 0
	case len(list(form["healthChecks"])) > 0:
		return live.TasksHealthy
	default:
		return live.TasksRunning + live.TasksStaged
	}
}

// checkedByMarathon reports whether it is Marathon that asks the tasks, and not their agents.
func checkedByMarathon(form mesh.Tree) bool {
	return slices.ContainsFunc(list(form["healthChecks"]), func(h any) bool {
		o, _ := h.(object)
		return slices.Contains([]any{"HTTP", "HTTPS", "TCP"}, o["protocol"])
	})
}
