package diff

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

type object = map[string]any

func TestWhatOthersOwnIsKept(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		git, live, want object
		open            map[string]string
	}{
		"what is live":         {object{"instances": 3}, object{"instances": 7}, object{"instances": 7}, map[string]string{"instances": "any"}},
		"also nothing":         {object{"instances": 3}, object{"instances": 0}, object{"instances": 0}, map[string]string{"instances": "any"}},
		"within":               {object{"instances": 3}, object{"instances": 7}, object{"instances": 7}, map[string]string{"instances": "2..7"}},
		"above":                {object{"instances": 3}, object{"instances": 8}, object{"instances": 7}, map[string]string{"instances": "2..7"}},
		"below":                {object{"instances": 3}, object{"instances": 1}, object{"instances": 2}, map[string]string{"instances": "2..7"}},
		"a new app":            {object{"instances": 3}, nil, object{"instances": 3}, map[string]string{"instances": "any"}},
		"a new one, a default": {object{"instances": 1}, nil, object{"instances": 2}, map[string]string{"instances": "2..7"}},
		"a new one, no field":  {object{"env": object{}}, nil, object{"env": object{}}, map[string]string{"env.A": "any"}},
		"a variable":           {object{"env": object{"A": "1", "B": "1"}}, object{"env": object{"A": "2", "B": "2"}}, object{"env": object{"A": "2", "B": "1"}}, map[string]string{"env.A": "any"}},
		"only live":            {object{}, object{"env": object{"A.b": "2"}}, object{"env": object{"A.b": "2"}}, map[string]string{"env.A.b": "any"}},
		"only in git":          {object{"env": object{"A": "1"}}, object{}, object{}, map[string]string{"env.A": "any"}},
		"the last one of many": {object{"env": object{"A": "1"}}, object{"env": object{}}, object{"env": object{}}, map[string]string{"env.A": "any"}},
		"one of two":           {object{"env": object{"A": "1", "B": "1"}}, object{}, object{"env": object{"B": "1"}}, map[string]string{"env.A": "any"}},
		"in neither":           {object{"env": object{}}, object{}, object{"env": object{}}, map[string]string{"env.A": "any"}},
		"deep": {
			object{"container": object{"docker": object{"image": "a", "privileged": false}}},
			object{"container": object{"docker": object{"image": "b", "privileged": true}}},
			object{"container": object{"docker": object{"image": "b", "privileged": false}}},
			map[string]string{"container.docker.image": "any"},
		},
	} {
		git := mesh.MustTree(x.git)
		var live mesh.Tree
		if x.live != nil {
			live = mesh.MustTree(x.live)
		}
		before := git.Clone()
		if diff := cmp.Diff(mesh.MustTree(x.want), Keep(git, live, x.open)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !mesh.EqualValues(git, before) {
			t.Errorf("%s: the desired app was changed: %v", name, git)
		}
	}
}

// TestWhatOthersMovedIsNoDrift classifies a change of mem, which git wants or somebody made,
// beside a number of instances that somebody set.
func TestWhatOthersMovedIsNoDrift(t *testing.T) {
	t.Parallel()
	addr := mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/www"}
	app := func(mem, instances int) mesh.Tree { return mesh.MustTree(object{"mem": mem, "instances": instances}) }
	for name, x := range map[string]struct {
		open, was map[string]string
		git, live mesh.Tree
		want      Class
	}{
		"somebody scaled":                 {map[string]string{"instances": "any"}, map[string]string{"instances": "any"}, app(64, 3), app(32, 7), Pending},
		"somebody else's mem, too":        {map[string]string{"instances": "any"}, map[string]string{"instances": "any"}, app(32, 3), app(64, 7), Drift},
		"out of range":                    {map[string]string{"instances": "2..5"}, map[string]string{"instances": "2..5"}, app(32, 3), app(32, 7), Drift},
		"the range is narrower":           {map[string]string{"instances": "2..5"}, map[string]string{"instances": "2..9"}, app(32, 3), app(32, 7), Pending},
		"it is git's now":                 {nil, map[string]string{"instances": "any"}, app(32, 3), app(32, 7), Pending},
		"git's, and somebody changed mem": {nil, map[string]string{"instances": "any"}, app(32, 3), app(64, 7), Both},
	} {
		was := mesh.Resource{Addr: addr, Attrs: app(32, 3), Open: x.was}
		want := mesh.Resource{Addr: addr, Attrs: Keep(x.git, x.live, x.open), Open: x.open}
		got := Diff([]mesh.Resource{want}, mesh.Observed{Targets: []mesh.TargetState{{
			Target: addr.Target, Outcome: mesh.OK, Resources: []mesh.Resource{{Addr: addr, Attrs: x.live}},
			RecordState: mesh.RecordOK, Record: mesh.Record{Entries: map[string]mesh.RecordEntry{
				addr.String(): {Digest: Applied(was), Open: x.was, State: mesh.Holds},
			}},
		}}})
		if len(got.Changes) != 1 || got.Changes[0].Class != x.want {
			t.Errorf("%s: %+v, want one that is %s", name, got.Changes, x.want)
		}
	}
}
