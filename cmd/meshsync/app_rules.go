package main

import (
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// appRefusals says what the Marathons that were seen refuse of apps as they are written:
// validate knows neither their flags nor, where git does not say it, their release.
func appRefusals(m *mesh.Mesh, seen mesh.Observed) func(diff.Change) []plan.Refusal {
	written := make(map[mesh.Address]mesh.AppSpec, len(m.Apps))
	for _, a := range m.Apps {
		written[a.Address()] = a
	}
	return func(c diff.Change) []plan.Refusal {
		a, ok := written[c.Addr]
		state, _ := seen.Of(c.Addr.Target)
		if !ok || state.Marathon == nil {
			return nil
		}
		role, _ := c.After["role"].(string)
		info := state.Marathon.Config
		var out []plan.Refusal
		for _, f := range rules.Check(a.ID, a.Definition, rules.Marathon{
			Version: info.Version, DefaultNetwork: info.DefaultNetworkName, Asked: true, Features: info.Features, Role: role,
		}) {
			if !f.Warning {
				out = append(out, plan.Refusal{Code: f.Rule, Message: "app " + a.ID + " " + f.Msg, Hint: f.Hint, Source: sourceOf(a, f.Path)})
			}
		}
		return out
	}
}

// sourceOf is the line of the field that a finding is about.
func sourceOf(a mesh.AppSpec, path []string) string {
	if len(path) > 0 {
		if pos, ok := a.Fields[path[0]]; ok {
			return pos.String()
		}
	}
	return a.Origin.String()
}
