package main

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// appEffects says what the Marathons that were seen do with changes of apps.
func appEffects(seen mesh.Observed) func(diff.Change) plan.AppEffect {
	return func(c diff.Change) plan.AppEffect {
		e := definition.EffectOf(c.Before, c.After, c.App)
		if c.Action == diff.Restart {
			e = definition.EffectOfRestart(c.After, c.App)
		}
		out := plan.AppEffect{
			Restarts: e.Restarts, Starts: e.Starts, Stops: e.Stops, Because: causes(e.Fields, c.App),
			Observed: c.Action == diff.Restart, Harmless: c.Action != diff.Restart && e.Harmless(), Refusals: refusedUpdate(c, seen),
		}
		if e.Restarts > 0 && c.App != nil {
			for _, h := range definition.Hindrances(c.After, c.App) {
				out.Warnings = append(out.Warnings, plan.Warning{Code: h.Code, Message: "app " + c.Addr.Name + " " + h.Msg, Hint: h.Hint})
			}
		}
		if e.Capacity != nil {
			_, checked := c.After["healthChecks"]
			out.Capacity = &plan.Capacity{Stay: e.Capacity.Stay, Of: e.Restarts + e.Stops, Most: e.Capacity.Most, Checked: checked}
		}
		return out
	}
}

// causes names the fields, and says of those that Marathon changes by itself that it does.
func causes(fields []string, live *mesh.AppState) []string {
	out := slices.Clone(fields)
	for i, field := range out {
		if live != nil && slices.Contains(live.Rewritten, field) {
			out[i] += " (Marathon adds a port index with any write)"
		}
	}
	return out
}

// refusedUpdate is what Marathon refuses of the change of an app, or takes and loses, for what is live.
func refusedUpdate(c diff.Change, seen mesh.Observed) []plan.Refusal {
	var m rules.Marathon
	if state, _ := seen.Of(c.Addr.Target); state.Marathon != nil {
		m.Version = state.Marathon.Version
		m.PortMin, m.PortMax = state.Marathon.Config.LocalPortMin, state.Marathon.Config.LocalPortMax
	}
	var out []plan.Refusal
	if definition.LosesContainer(c.Before, c.After, m.Version) {
		out = append(out, plan.Refusal{
			Code:    "app-release",
			Message: fmt.Sprintf("app %s has a container, and Marathon %s keeps the one that an app of Deimos has and takes no other", c.Addr.Name, m.Version),
			Hint:    "leave the container as it is live, or out of a new app; or update that Marathon",
		})
	}
	if c.Before == nil || c.After == nil {
		return out
	}
	for _, f := range rules.Update(c.Addr.Name, c.Before, c.After, m) {
		if !f.Warning {
			out = append(out, plan.Refusal{Code: f.Rule, Message: "app " + c.Addr.Name + " " + f.Msg, Hint: f.Hint})
		}
	}
	return out
}
