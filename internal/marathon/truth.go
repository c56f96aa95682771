package marathon

import (
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/plan"
)

// restarts counts the tasks that an update or a restart replaced, from the app as it was immediately before the write and as it
// is at the end. A task that died meanwhile by itself counts as well. nil is for what is no update, and for an answer that lists
// no tasks.
func restarts(c diff.Change, before, after map[string]any) *plan.Restarts {
	if c.Before == nil || c.After == nil {
		return nil
	}
	had, ok := taskIDs(before)
	has, ok2 := taskIDs(after)
	if !ok || !ok2 {
		return nil
	}
	kept := 0
	for id := range has {
		if had[id] {
			kept++
		}
	}
	gone, fresh := len(had)-kept, len(has)-kept
	effect := definition.EffectOf(c.Before, c.After, c.App)
	if c.Action == diff.Restart {
		effect = definition.EffectOfRestart(c.After, c.App)
	}
	return &plan.Restarts{Predicted: effect.Restarts, Observed: min(gone, fresh)}
}

// taskIDs are the tasks that an answer about one app lists. A task that runs again on what an instance has reserved has
// another id than before.
func taskIDs(app map[string]any) (ids map[string]bool, ok bool) {
	list, ok := app["tasks"].([]any)
	ids = map[string]bool{}
	for _, x := range list {
		task, _ := x.(map[string]any)
		if id, _ := task["id"].(string); id != "" {
			ids[id] = true
		}
	}
	return ids, ok
}
