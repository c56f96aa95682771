package diff

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"meshsync.dev/meshsync/internal/mesh"
)

func resource(name string, v int) mesh.Resource {
	return mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Host("h"), Kind: mesh.File, Name: name},
		Attrs: mesh.MustTree(map[string]any{"content": fmt.Sprint("sha256:", v), "mode": "0644"}),
	}
}

// observed is a host on which the given is present and what else was asked for is absent.
func observed(present []mesh.Resource, asked []mesh.Resource) mesh.Observed {
	s := mesh.TargetState{Target: mesh.Host("h"), Outcome: mesh.OK, Resources: present, RecordState: mesh.RecordNone}
	for _, r := range asked {
		if !slices.ContainsFunc(present, func(p mesh.Resource) bool { return p.Addr == r.Addr }) {
			s.Absent = append(s.Absent, r.Addr)
		}
	}
	return mesh.Observed{Targets: []mesh.TargetState{s}}
}

func generated(t *rapid.T, label string) []mesh.Resource {
	values := rapid.MapOf(rapid.SampledFrom([]string{"/a", "/b", "/c", "/d/e"}), rapid.IntRange(0, 2)).Draw(t, label)
	var out []mesh.Resource
	for name, v := range values {
		out = append(out, resource(name, v))
	}
	return out
}

func TestAResourceDoesNotDifferFromItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := generated(t, "x")
		if d := Diff(x, observed(x, x)); len(d.Changes) != 0 || len(d.Equal) != len(x) {
			t.Fatalf("%+v", d)
		}
	})
}

func TestPatchUndoesDiff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want, have := generated(t, "want"), generated(t, "have")
		d := Diff(want, observed(have, want))
		after := Patch(have, d.Changes)
		if again := Diff(want, observed(after, want)); len(again.Changes) != 0 {
			t.Fatalf("still differs: %+v", again.Changes)
		}
	})
}

func TestTheOrderOfTheInputsHasNoEffect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want, have := generated(t, "want"), generated(t, "have")
		a := Diff(want, observed(have, want))
		b := Diff(rapid.Permutation(want).Draw(t, "w"), observed(rapid.Permutation(have).Draw(t, "h"), want))
		if fmt.Sprintf("%+v", a.Changes) != fmt.Sprintf("%+v", b.Changes) {
			t.Fatalf("%+v\n%+v", a.Changes, b.Changes)
		}
	})
}

func TestWhatCannotBeSeenIsNoDifference(t *testing.T) {
	t.Parallel()
	want := []mesh.Resource{resource("/a", 1)}
	for _, s := range []mesh.TargetState{
		{Target: mesh.Host("h"), Outcome: mesh.Truncated},
		{Target: mesh.Host("h"), Outcome: mesh.OK}, // neither present nor absent
		{Target: mesh.Host("h"), Outcome: mesh.OK, Unknown: []mesh.UnknownResource{{Addr: want[0].Addr}}},
		{Target: mesh.Host("other"), Outcome: mesh.OK, Absent: []mesh.Address{want[0].Addr}},
	} {
		if d := Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}); len(d.Changes) != 0 {
			t.Errorf("%+v yields %+v", s, d.Changes)
		}
	}
}

func TestStraysOfPurgedDirectoriesGo(t *testing.T) {
	t.Parallel()
	o := observed(nil, nil)
	o.Targets[0].RecordState = mesh.RecordOK
	o.Targets[0].Strays = []mesh.Resource{resource("/d/stray", 1)}
	d := Diff(nil, o)
	if len(d.Changes) != 1 || d.Changes[0].Action != Delete || d.Changes[0].Class != Drift || d.Changes[0].Reason != "in purged directory /d, not in git" {
		t.Errorf("%+v", d.Changes)
	}
}

// What changes in a directory that git purges says so, whether git names it, did or never did.
func TestAChangeTellsThatGitPurgesItsDirectory(t *testing.T) {
	t.Parallel()
	dir := mesh.Resource{Addr: mesh.Address{Target: mesh.Host("h"), Kind: mesh.Directory, Name: "/d"}, Purge: true, Attrs: mesh.MustTree(map[string]any{"mode": "0755"})}
	kept := dir
	kept.Addr.Name, kept.Purge = "/kept", false
	want := []mesh.Resource{dir, kept, resource("/d/updated", 2), resource("/d/created", 1), resource("/d/below/deeper", 1), resource("/kept/created", 1)}
	o := observed([]mesh.Resource{dir, kept, resource("/d/updated", 1)}, want)
	o.Targets[0].Strays = []mesh.Resource{resource("/d/stray", 1)}
	got := map[string]bool{}
	for _, c := range Diff(want, o).Changes {
		got[c.Addr.Name] = c.Purged
	}
	for name, purged := range map[string]bool{"/d/updated": true, "/d/created": true, "/d/stray": true, "/d/below/deeper": false, "/kept/created": false} {
		if is, there := got[name]; !there || is != purged {
			t.Errorf("%s: purged %v, there %v", name, is, there)
		}
	}
}

func TestAnotherKindInTheWayIsReplaced(t *testing.T) {
	t.Parallel()
	want := resource("/a", 1)
	link := mesh.Resource{Addr: want.Addr, Attrs: mesh.MustTree(map[string]any{"to": "/x"})}
	link.Addr.Kind = "symlink"
	d := Diff([]mesh.Resource{want}, observed([]mesh.Resource{link}, nil))
	if len(d.Changes) != 1 || d.Changes[0].Action != Replace || len(d.Unmanaged) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestFieldsAreSortedPaths(t *testing.T) {
	t.Parallel()
	a := mesh.MustTree(map[string]any{"x": map[string]any{"b": 1, "a": []any{1, 2}}, "gone": true, "l": []any{1}})
	b := mesh.MustTree(map[string]any{"x": map[string]any{"b": 1.0, "a": []any{1, 3}}, "new": "v", "l": []any{1, 2}})
	var got []string
	for _, f := range Fields(a, b) {
		got = append(got, f.Path)
	}
	if want := []string{"gone", "l", "new", "x.a[1]"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnAppWithOldTasksIsRestartedUnlessADeploymentIsUnderWay(t *testing.T) {
	t.Parallel()
	main := mesh.Marathon("main")
	app := mesh.Resource{Addr: mesh.Address{Target: main, Kind: mesh.App, Name: "/a"}, Attrs: mesh.MustTree(map[string]any{"cmd": "x", "instances": 3})}
	scaled := app
	scaled.Attrs = mesh.MustTree(map[string]any{"cmd": "x", "instances": 4})
	intended := mesh.RecordEntry{Digest: mesh.Digest(app.Attrs), State: mesh.Intends}
	for name, c := range map[string]struct {
		want    mesh.Resource
		state   mesh.AppState
		running []mesh.Deployment
		record  mesh.RecordEntry
		action  Action
		class   Class
	}{
		"old tasks":                 {want: app, state: mesh.AppState{TasksRunning: 3, TasksOutdated: 1}, action: Restart, class: Stale},
		"old tasks of an ended run": {want: app, state: mesh.AppState{TasksRunning: 3, TasksOutdated: 1}, record: intended, action: Restart, class: Stale},
		"a deployment of an ended run": {
			want: app, state: mesh.AppState{TasksOutdated: 1, Deployments: []string{"d"}}, record: intended, action: Finish, class: Pending,
		},
		"a deployment": {want: app, state: mesh.AppState{TasksOutdated: 1, Deployments: []string{"d"}}},
		"a deployment that the app does not show": {
			want: app, state: mesh.AppState{TasksOutdated: 1}, running: []mesh.Deployment{{ID: "d", AffectedApps: []string{"/a"}}},
		},
		"one of another app": {
			want: app, state: mesh.AppState{TasksOutdated: 1}, running: []mesh.Deployment{{ID: "d", AffectedApps: []string{"/b"}}}, action: Restart, class: Stale,
		},
		"none":             {want: app, state: mesh.AppState{TasksRunning: 3}},
		"another one also": {want: scaled, state: mesh.AppState{TasksRunning: 3, TasksOutdated: 1}, action: Update, class: Differs},
	} {
		live := app
		live.App = &c.state
		s := mesh.TargetState{
			Target: main, Outcome: mesh.OK, Resources: []mesh.Resource{live}, Marathon: &mesh.MarathonFacts{Deployments: c.running}, RecordState: mesh.RecordOK,
			Record: mesh.Record{Entries: map[string]mesh.RecordEntry{}},
		}
		if c.record.Digest != "" {
			s.Record.Entries[app.Addr.String()] = c.record
		}
		var action Action
		var class Class
		d := Diff([]mesh.Resource{c.want}, mesh.Observed{Targets: []mesh.TargetState{s}})
		for _, ch := range d.Changes {
			action, class = ch.Action, ch.Class
		}
		if action != c.action || class != c.class {
			t.Errorf("%s: %q %q, want %q %q", name, action, class, c.action, c.class)
		}
	}
}
