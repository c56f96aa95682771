package plan

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestOneMarathonUnderTwoNamesIsRefused(t *testing.T) {
	t.Parallel()
	origin := mesh.Pos{File: "prod/mesh.cue", Line: 9}
	for _, tt := range []struct {
		batch, main string // frameworks
		want        int
	}{
		{"f-1", "f-1", 1},
		{"f-1", "f-2", 0},
		{"", "", 0}, // a version that does not say
	} {
		in := Input{Mesh: &mesh.Mesh{Name: "prod", Marathons: []mesh.MarathonSpec{{Name: "batch"}, {Name: "main", Origin: origin}, {Name: "unseen"}}}}
		for name, f := range map[string]string{"batch": tt.batch, "main": tt.main} {
			in.Seen.Targets = append(in.Seen.Targets, mesh.TargetState{
				Target: mesh.Marathon(name), Outcome: mesh.OK, RecordState: mesh.RecordNone, Marathon: &mesh.MarathonFacts{Framework: f},
			})
		}
		in.Seen.Targets = append(in.Seen.Targets, mesh.TargetState{Target: mesh.Marathon("unseen"), Outcome: mesh.Timeout})
		var got []Refusal
		for _, r := range Build(in).Refusals {
			if r.Code == "marathon.same" {
				got = append(got, r)
			}
		}
		if len(got) != tt.want {
			t.Errorf("%q and %q: %v", tt.batch, tt.main, got)
		}
		if tt.want == 1 && (got[0].Subject != "marathon/main" || got[0].Source != "prod/mesh.cue:9") {
			t.Errorf("%+v", got[0])
		}
	}
}
