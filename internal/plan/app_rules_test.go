package plan

import (
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// TestWhatMarathonRefusesOfAnAppIsAskedOfThoseThatAreWritten: one that stays was taken, and
// of a Marathon of another release than git says nothing else is told.
func TestWhatMarathonRefusesOfAnAppIsAskedOfThoseThatAreWritten(t *testing.T) {
	t.Parallel()
	main := mesh.Marathon("main")
	app := func(id, cmd string) mesh.Resource {
		return mesh.Resource{Addr: mesh.Address{Target: main, Kind: mesh.App, Name: id}, Attrs: mesh.MustTree(map[string]any{"cmd": cmd}), App: &mesh.AppState{}}
	}
	for declared, want := range map[string]int{"1.11": 2, "": 2, "1.8": 1} {
		p := Build(Input{
			Mesh: &mesh.Mesh{Name: "prod", Marathons: []mesh.MarathonSpec{{Name: "main", Version: declared}}},
			Apps: []mesh.Resource{app("/new", "a"), app("/changed", "b"), app("/same", "a")},
			Seen: mesh.Observed{Targets: []mesh.TargetState{{
				Target: main, Outcome: mesh.OK, RecordState: mesh.RecordNone, Marathon: &mesh.MarathonFacts{Version: "1.11.26"},
				Resources: []mesh.Resource{app("/changed", "a"), app("/same", "a")},
			}}},
			AppEffect: func(diff.Change) AppEffect { return AppEffect{} },
			AppRefusals: func(c diff.Change) []Refusal {
				return []Refusal{{Code: "app-feature", Message: c.Addr.Name, Source: "a.cue:1"}}
			},
		})
		if len(p.Refusals) != want || p.Applicable {
			t.Errorf("%q: %+v", declared, p.Refusals)
		}
		if want == 2 && p.Refusals[0].Subject == "" {
			t.Errorf("%+v", p.Refusals[0])
		}
	}
}
