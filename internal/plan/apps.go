package plan

import (
	"cmp"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// appStage deploys one app after another: what others depend on first, deletions last.
func (b *builder) appStage(apps []diff.Change) Stage {
	s := Stage{Title: "apps", Why: "one deployment at a time, dependencies first, deletions last"}
	timeout := cmp.Or(b.in.Policy.Apps.Timeout, DefaultAppTimeout)
	for _, c := range dependencyOrder(apps) {
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

// dependencyOrder puts an app behind those it depends on. Cycles, which Marathon
// refuses, are left in the order of the ids.
func dependencyOrder(apps []diff.Change) []diff.Change {
	var out, last []diff.Change
	byID := map[string]diff.Change{}
	for _, c := range apps {
		if c.After == nil {
			last = append(last, c)
		} else {
			byID[c.Addr.Target.String()+c.Addr.Name] = c
		}
	}
	done := map[string]bool{}
	var visit func(c diff.Change)
	visit = func(c diff.Change) {
		key := c.Addr.Target.String() + c.Addr.Name
		if done[key] {
			return
		}
		done[key] = true
		deps, _ := c.After["dependencies"].([]any)
		for _, d := range deps {
			id, _ := d.(string)
			if on, ok := byID[c.Addr.Target.String()+id]; ok {
				visit(on)
			}
		}
		out = append(out, c)
	}
	for _, c := range apps {
		if c.After != nil {
			visit(c)
		}
	}
	return append(out, slices.Clone(last)...)
}
