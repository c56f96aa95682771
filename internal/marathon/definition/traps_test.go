package definition

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// Trap 19: constraints, dependencies, checks, roles and status codes are sets, of which Marathon
// keeps no order that one could count on.
func TestTheOrderOfASetIsNoDifference(t *testing.T) {
	t.Parallel()
	check := func(path string) object {
		return object{"protocol": "MESOS_HTTP", "path": path, "portIndex": 0}
	}
	def := func() (object, map[string][]any) {
		sets := map[string][]any{
			"constraints":           {[]any{"a", "UNIQUE"}, []any{"b", "UNIQUE"}, []any{"c", "LIKE", "1"}, []any{"d", "UNIQUE"}, []any{"e", "CLUSTER"}},
			"dependencies":          {"/a", "/b", "/c", "/d", "/e", "/f"},
			"healthChecks":          {check("/1"), check("/2"), check("/3"), check("/4"), check("/5")},
			"acceptedResourceRoles": {"*", "db"},
		}
		codes := []any{200, 201, 202, 203, 204}
		out := object{"id": "/x", "cmd": "run", "role": "db", "readinessChecks": []any{object{"name": "r", "portName": "p", "httpStatusCodesForReady": codes}}}
		for name, set := range sets {
			out[name] = set
		}
		sets["codes"] = codes
		return out, sets
	}
	info := mesh.MarathonInfo{Version: "1.11.26", MesosRole: "*"}
	one, _ := def()
	want := formOf(t, one, info)
	_, sets := def()
	for name := range sets {
		turned, of := def()
		slices.Reverse(of[name])
		if got := formOf(t, turned, info); !mesh.EqualValues(want, got) {
			t.Errorf("%s: %s", name, cmp.Diff(map[string]any(want), map[string]any(got)))
		}
	}
}

// Trap 31: an upgrade changes what is left out of new definitions, and leaves stored ones as they are: the
// next plan shows it once, with the restart that it is.
func TestAnUpgradeOfMarathonShowsInThePlanOnce(t *testing.T) {
	t.Parallel()
	app := mesh.AppSpec{Marathon: "main", ID: "/x", Definition: map[string]any{"id": "/x", "cmd": "run", "instances": 2}}
	live := func(old, now string) mesh.Resource {
		form := formOf(t, app.Definition, mesh.MarathonInfo{Version: old})
		form["tasksRunning"] = int64(2)
		r, err := LiveResource("main", form, mesh.MarathonInfo{Version: now}, Masker{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		old, now string
		fields   []string
	}{
		{"1.7.236", "1.7.236", nil},
		{"1.7.236", "1.8.244", []string{"maxLaunchDelaySeconds"}},
		{"1.4.5", "1.8.244", []string{"maxLaunchDelaySeconds", "unreachableStrategy"}},
		{"1.8.244", "1.8.244", nil},
	} {
		was := live(c.old, c.now)
		r, _, err := DesiredResource(app, &was, mesh.MarathonInfo{Version: c.now}, Masker{})
		if err != nil {
			t.Fatal(err)
		}
		e := EffectOf(was.Attrs, r.Attrs, was.App)
		if !slices.Equal(e.Fields, c.fields) || (e.Restarts == 2) != (c.fields != nil) {
			t.Errorf("from %s to %s: %+v", c.old, c.now, e)
		}
	}
}
