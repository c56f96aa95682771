package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

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
	order := deployOrder(apps, b.graph)
	layers := deepest(order)
	b.uses = make(map[mesh.Address][]string, len(order))
	for _, x := range order {
		c := x.change
		b.uses[c.Addr] = x.uses
		batch := Batch{Targets: []mesh.Target{c.Addr.Target}, Layer: x.layer, Changes: []diff.Change{c}}
		if c.Action != diff.Release {
			batch.After = []Gate{{Kind: GateDeployment, Timeout: timeout, Text: deploymentText(c) + b.atDeadline(c, timeout)}}
		}
		s.Batches = append(s.Batches, batch)
	}
	if layers > 1 {
		s.Why += fmt.Sprintf("; in each of the %d layers no app waits for another", layers)
	}
	return s
}

func deploymentText(c diff.Change) string {
	if c.Action == diff.Delete {
		return "the deployment ends and the app is gone"
	}
	n, _ := c.After["instances"].(int64)
	text := fmt.Sprintf("the deployment ends and %d of %d tasks ", n, n)
	_, checked := c.After["healthChecks"]
	_, asked := c.After["readinessChecks"]
	switch {
	case checked && asked:
		return text + "are healthy, each new one ready"
	case checked:
		return text + "are healthy"
	case asked:
		return text + "run, each new one ready"
	default:
		return text + "run"
	}
}

// atDeadline says what becomes of a change that makes no progress, where policy says more than that the run stops.
func (b *builder) atDeadline(c diff.Change, timeout time.Duration) string {
	if b.in.Policy.Apps.OnDeadline != mesh.DeadlineRollback || c.Before == nil || c.After == nil {
		return ""
	}
	return fmt.Sprintf(", or after %s without progress it is rolled back", timeout)
}

// graph is that of the apps of a Marathon.
func (b *builder) graph(t mesh.Target) *appGraph {
	if b.graphs[t] == nil {
		state, _ := b.in.Seen.Of(t)
		state.Target = t
		b.graphs[t] = newAppGraph(state, b.changes)
	}
	return b.graphs[t]
}

// circles refuses changes with which apps would wait for each other in a way that git alone
// does not show: by a group, or by an app that git does not name.
func (b *builder) circles() {
	for _, m := range b.in.Mesh.Marathons {
		t := mesh.Marathon(m.Name)
		var from []string
		origin := map[string]mesh.Pos{}
		for _, c := range b.changesOf(t) {
			if c.After != nil {
				from = append(from, c.Addr.Name)
				origin[c.Addr.Name] = c.Origin
			}
		}
		if len(from) == 0 {
			continue
		}
		var around []string
		w := newWalker(b.graph(t))
		w.cycle = func(ids []string) {
			if len(around) == 0 {
				around = ids
			}
		}
		for _, id := range from {
			w.walk(node{id: id})
		}
		if len(around) == 0 {
			continue
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "app.circle", Subject: mesh.Address{Target: t, Kind: mesh.App, Name: around[0]}.String(),
			Message: "apps wait for each other in a circle, which Marathon refuses: " + strings.Join(append(slices.Clone(around), around[0]), " → "),
			Hint:    "take out one of the dependencies; all apps in a group wait for what the group depends on, and who depends on a group waits for all apps in it",
			Source:  origin[around[0]].String(),
		})
	}
}
