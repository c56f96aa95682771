package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/recorded"
)

// liveRefusal is a write that a Marathon 1.11.26 refused for what was live, and for nothing in
// the definition alone.
type liveRefusal struct {
	name      string
	body      map[string]any
	live      []map[string]any // the apps that were there
	enforcing string           // the group that enforced its role
	code, why string           // of the plan's refusal
}

// TestAPlanRefusesWhatMarathonRefusedForWhatIsLive: validate cannot know it, so a plan says it,
// before anything is written.
func TestAPlanRefusesWhatMarathonRefusedForWhatIsLive(t *testing.T) {
	t.Parallel()
	all := slices.Concat(residentEdits(t), clashes(t), foreignRoles(t))
	for _, x := range all {
		p := planOver(t, x)
		found := slices.ContainsFunc(p.Refusals, func(r plan.Refusal) bool {
			return r.Code == x.code && strings.Contains(r.Message, x.why) && r.Hint != "" && r.Source == "a.cue:1"
		})
		if !found || p.Applicable {
			t.Errorf("%s: no %s with %q: %+v", x.name, x.code, x.why, p.Refusals)
		}
	}
	if len(all) != 13+4+3 {
		t.Errorf("%d refusals: there were others when this was written", len(all))
	}
}

// planOver plans one app over what was live.
func planOver(t *testing.T, x liveRefusal) plan.Plan {
	t.Helper()
	id, _ := x.body["id"].(string)
	info := mesh.MarathonInfo{
		Version: "1.11.26", MesosRole: "*", LocalPortMin: 10000, LocalPortMax: 20000,
		Features:    []string{"secrets", "external_volumes", "vips", "gpu_resources", "task_killing"},
		EnforceRole: map[string]bool{x.enforcing: true},
	}
	state := mesh.TargetState{
		Target: mesh.Marathon("main"), Outcome: mesh.OK, RecordState: mesh.RecordNone,
		Marathon: &mesh.MarathonFacts{Version: info.Version, Config: info},
	}
	for _, echo := range x.live {
		r, err := definition.LiveResource("main", echo, info, definition.Masker{})
		if err != nil {
			t.Fatal(err)
		}
		state.Resources = append(state.Resources, r)
	}
	in := plan.Input{
		Mesh: &mesh.Mesh{
			Name: "prod", Marathons: []mesh.MarathonSpec{{Name: "main"}},
			Apps: []mesh.AppSpec{{Marathon: "main", ID: id, Definition: x.body, Origin: mesh.Pos{File: "a.cue", Line: 1}}},
		},
		Seen: mesh.Observed{Targets: []mesh.TargetState{state}},
	}
	in.AppEffect, in.AppRefusals = appEffects(in.Seen), appRefusals(in.Mesh, in.Seen)
	var err error
	if in.Apps, in.NotCompared, err = desiredApps(in.Mesh, in.Seen); err != nil {
		t.Fatal(err)
	}
	return plan.Build(in)
}

// residentEdits are edits of a running app with a persistent volume, whose definition alone is right.
func residentEdits(t *testing.T) []liveRefusal {
	t.Helper()
	var doc struct {
		Bases map[string]struct{ Canonical map[string]any }
		Edits []struct {
			Base, Edit string
			After      map[string]any
			Absent     []string
		}
	}
	recorded.Read(t, "../../internal/marathon/definition/testdata/edits.json.gz", &doc)
	why := map[string]string{
		"cpus": "its cpus", "disk": "its disk", "gpus": "its gpus", "mem": "its mem", "port-add": "its host ports", "port-number": "its host ports",
		"port-removed": "its host ports", "require-ports": "requirePorts", "to-bridge": "its host ports", "volume-add": "its persistent volumes",
		"volume-path": "its persistent volumes", "volume-removed": "its persistent volumes", "volume-size": "its persistent volumes",
	}
	var out []liveRefusal
	for _, e := range doc.Edits {
		if e.Base != "resident" || why[e.Edit] == "" {
			continue
		}
		live := doc.Bases[e.Base].Canonical
		body := maps.Clone(live)
		maps.Copy(body, e.After)
		for _, field := range e.Absent {
			delete(body, field)
		}
		out = append(out, liveRefusal{
			name: "resident " + e.Edit, body: body, live: []map[string]any{live}, code: "app-resident-update", why: "refuses to change " + why[e.Edit],
		})
	}
	return out
}

// clashes are apps whose id lies at a group, or below an app.
func clashes(t *testing.T) []liveRefusal {
	t.Helper()
	var files map[string][]struct {
		Name    string
		Request struct{ Body any }
	}
	recorded.Read(t, "../../internal/sandbox/marathond/testdata/exchanges.json.gz", &files)
	var out []liveRefusal
	for name, x := range map[string]struct{ live, why string }{
		"apps create-below-app":                 {"/t/b1", "lies below the app /t/b1, which is there"},
		"apps create-app-named-like-group":      {"/t/b1", "has the id of a group, in which /t/b1 lies"},
		"extras app named like the inner group": {"/eg", "lies below the app /eg, which is there"},
		"errors 422 root":                       {"/r/a", "lies below the app /r/a, which is there"},
	} {
		file, entry, _ := strings.Cut(name, " ")
		for _, e := range files[file] {
			if body, ok := e.Request.Body.(map[string]any); ok && e.Name == entry {
				live := map[string]any{"id": x.live, "cmd": "run it"}
				out = append(out, liveRefusal{name: name, body: body, live: []map[string]any{live}, code: "app.collides", why: x.why})
			}
		}
	}
	return out
}

// foreignRoles are new apps with a role that their place does not give.
func foreignRoles(t *testing.T) []liveRefusal {
	t.Helper()
	var cases []struct {
		Name string
		Put  map[string]any
	}
	recorded.Read(t, "../../internal/marathon/definition/testdata/normalisation.json.gz", &cases)
	var out []liveRefusal
	for _, c := range cases {
		x := liveRefusal{name: c.Name, body: c.Put, code: "app.role"}
		switch c.Name {
		case "obs-pv-role-other", "obs-role-foreign":
			x.enforcing, x.why = "/elsewhere", "in the group /o Marathon takes * or o only"
		case "obs-role-in-enforcing-star":
			x.enforcing, x.why = "/dev", "in the group /dev, which enforces its role, Marathon takes dev only"
		default:
			continue
		}
		out = append(out, x)
	}
	return out
}
