package plan

import (
	"cmp"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// marathons names the Marathons of the mesh where there are several.
func (b *builder) marathons() {
	if len(b.in.Mesh.Marathons) < 2 {
		return
	}
	for _, x := range b.in.Mesh.Marathons {
		b.plan.Marathons = append(b.plan.Marathons, x.Name)
	}
}

// appStage deploys one app after another: what others depend on first, deletions last,
// and of those what others depend on last.
func (b *builder) appStage(apps []diff.Change) Stage {
	s := Stage{Title: "apps", Why: "one deployment at a time, dependencies first, deletions last"}
	timeout := cmp.Or(b.in.Policy.Apps.Timeout, DefaultAppTimeout)
	for _, c := range deployOrder(apps) {
		batch := Batch{Targets: []mesh.Target{c.Addr.Target}, Changes: []diff.Change{c}}
		if c.Action != diff.Release {
			batch.After = []Gate{{Kind: GateDeployment, Timeout: timeout, Text: deploymentText(c)}}
		}
		s.Batches = append(s.Batches, batch)
	}
	return s
}

func deploymentText(c diff.Change) string {
	if c.Action == diff.Delete {
		return "the deployment ends and the app is gone"
	}
	n, _ := c.After["instances"].(int64)
	if _, checked := c.After["healthChecks"]; checked {
		return fmt.Sprintf("the deployment ends and %d of %d tasks are healthy", n, n)
	}
	return fmt.Sprintf("the deployment ends and %d of %d tasks run", n, n)
}

// deployOrder puts an app behind those it depends on, and deletes it before them: what is
// used is there as long as its users are.
func deployOrder(apps []diff.Change) []diff.Change {
	var deployed, deleted []diff.Change
	for _, c := range apps {
		if c.After != nil {
			deployed = append(deployed, c)
		} else {
			deleted = append(deleted, c)
		}
	}
	deployed = usedFirst(deployed, func(c diff.Change) mesh.Tree { return c.After })
	deleted = usedFirst(deleted, func(c diff.Change) mesh.Tree { return c.Before })
	slices.Reverse(deleted)
	return append(deployed, deleted...)
}

// usedFirst puts an app behind those it depends on. Cycles, which Marathon refuses, are
// left in the order of the ids.
func usedFirst(apps []diff.Change, definition func(diff.Change) mesh.Tree) []diff.Change {
	var out []diff.Change
	byAddr := map[mesh.Address]diff.Change{}
	for _, c := range apps {
		byAddr[c.Addr] = c
	}
	done := map[mesh.Address]bool{}
	var visit func(c diff.Change)
	visit = func(c diff.Change) {
		if done[c.Addr] {
			return
		}
		done[c.Addr] = true
		deps, _ := definition(c)["dependencies"].([]any)
		for _, d := range deps {
			id, _ := d.(string)
			if on, ok := byAddr[mesh.Address{Target: c.Addr.Target, Kind: c.Addr.Kind, Name: id}]; ok {
				visit(on)
			}
		}
		out = append(out, c)
	}
	for _, c := range apps {
		visit(c)
	}
	return out
}
