package definition

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// Effect is what Marathon does to an app's tasks for an edit.
type Effect struct {
	Restarts int      // tasks that are replaced by new ones
	Starts   int      // tasks that are added
	Stops    int      // tasks that go without a successor
	Fields   []string // top-level fields that cause it, sorted
	// Capacity is what stays up meanwhile, where tasks are replaced.
	Capacity *Capacity
}

// EffectOf tells the effect of an edit of canonical forms. Marathon compares every
// field: a difference in instances alone scales; any other, even in a label, replaces
// all tasks, unless the app has or gets none. before is nil for a new app, after for
// one that is deleted; live, which may be nil, says how many tasks there are, and what any
// write changes.
func EffectOf(before, after mesh.Tree, live *mesh.AppState) Effect {
	have, want := instances(before), instances(after)
	running := have
	if live != nil {
		running = live.TasksRunning + live.TasksStaged
	}
	var e Effect
	if before != nil && after != nil {
		e.Fields = changed(before, after)
	}
	switch {
	case before == nil:
		e.Starts = want
		return e
	case after == nil:
		e.Stops = running
		return e
	case len(e.Fields) == 0:
		return e
	}
	if live != nil {
		e.Fields = slices.Compact(slices.Sorted(slices.Values(append(e.Fields, live.Rewritten...))))
	}
	onlyScale := len(e.Fields) == 1 && e.Fields[0] == "instances"
	if !onlyScale && want > 0 {
		e.Restarts = min(running, want)
	}
	if e.Restarts > 0 {
		c := CapacityOf(after, running)
		e.Capacity = &c
	}
	e.Starts = max(0, want-running)
	e.Stops = max(0, running-want)
	return e
}

// EffectOfRestart tells the effect of a restart of an app that stays as it is: all its tasks
// are replaced, also those that are not outdated. What it lacks comes, what it has too much of goes.
func EffectOfRestart(form mesh.Tree, live *mesh.AppState) Effect {
	running, want := live.TasksRunning+live.TasksStaged, instances(form)
	c := CapacityOf(form, running)
	return Effect{
		Restarts: min(running, want), Starts: max(0, want-running), Stops: max(0, running-want), Capacity: &c,
		Fields: []string{fmt.Sprintf("%d of %d tasks run an outdated configuration", live.TasksOutdated, running)},
	}
}

// Harmless reports whether an edit changes nothing of what a task runs: only how Marathon
// looks after it. Marathon replaces all tasks for it all the same.
func (e Effect) Harmless() bool {
	outside := []string{
		"backoffFactor", "backoffSeconds", "dependencies", "healthChecks", "instances", "killSelection", "labels", "maxLaunchDelaySeconds",
		"readinessChecks", "taskKillGracePeriodSeconds", "unreachableStrategy", "upgradeStrategy",
	}
	return !slices.ContainsFunc(e.Fields, func(f string) bool { return !slices.Contains(outside, f) })
}

func instances(t mesh.Tree) int {
	n, _ := t["instances"].(int64)
	return int(n)
}

// changed lists the top-level fields that differ, sorted.
func changed(before, after mesh.Tree) []string {
	var out []string
	for _, f := range diff.Fields(before, after) {
		top := f.Path
		for i, r := range top {
			if r == '.' || r == '[' {
				top = top[:i]
				break
			}
		}
		if len(out) == 0 || out[len(out)-1] != top {
			out = append(out, top)
		}
	}
	return out
}
