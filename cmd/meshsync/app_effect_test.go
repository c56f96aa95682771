package main

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// A Marathon before 0.7 answers the write of a container with success and drops it, so the plan is
// where it has to be said: before the write there is nobody to ask.
func TestAContainerThatAnOldMarathonWouldLoseIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	app := func(image string) mesh.Tree {
		out := mesh.Tree{"id": "/x", "cmd": "run it", "instances": int64(0)}
		if image != "" {
			out["container"] = map[string]any{"type": "DOCKER", "docker": map[string]any{"image": image}}
		}
		return out
	}
	for _, c := range []struct {
		name, version string
		before, after mesh.Tree
		refused       bool
	}{
		{"a new app", "0.6.1", nil, app("w:1"), true},
		{"a new app without", "0.6.1", nil, app(""), false},
		{"another image", "0.6.1", app("w:1"), app("w:2"), true},
		{"the first container of an app", "0.6.1", app(""), app("w:1"), true},
		{"the same", "0.6.1", app("w:1"), app("w:1"), false},
		{"a container that goes", "0.6.1", app("w:1"), app(""), false},
		{"an app that goes", "0.6.1", app("w:1"), nil, false},
		{"another image in 0.7", "0.7.0", app("w:1"), app("w:2"), false},
		{"a release that is not known", "", app("w:1"), app("w:2"), false},
	} {
		target := mesh.Marathon("main")
		seen := mesh.Observed{Targets: []mesh.TargetState{{Target: target, Outcome: mesh.OK, Marathon: &mesh.MarathonFacts{Version: c.version}}}}
		change := diff.Change{Addr: mesh.Address{Target: target, Kind: mesh.App, Name: "/x"}, Action: diff.Update, Before: c.before, After: c.after}
		got := appEffects(seen)(change).Refusals
		if (len(got) > 0) != c.refused {
			t.Errorf("%s: %+v", c.name, got)
		}
		for _, r := range got {
			if r.Code != "app-release" || !strings.Contains(r.Message, "Marathon 0.6.1 keeps the one that an app of Deimos has") || r.Hint == "" {
				t.Errorf("%s: %+v", c.name, r)
			}
		}
	}
}
