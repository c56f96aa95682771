package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestAMarathonOfAnotherReleaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct{ declared, is, refused string }{
		"the same":           {"1.11.26", "1.11.26", ""},
		"any patch of it":    {"1.11", "1.11.26", ""},
		"a snapshot of it":   {"1.11.26", "1.11.26-SNAPSHOT", ""},
		"an older one":       {"1.11", "1.8.244", "git says that the Marathon main is 1.11, and it is 1.8.244"},
		"a longer number":    {"1.1", "1.11.26", "it is 1.11.26"},
		"another patch":      {"1.11.24", "1.11.26", "it is 1.11.26"},
		"git does not say":   {"", "1.8.244", ""},
		"could not be asked": {"1.11", "-", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mesh.TargetState{Target: mesh.Marathon("main"), Outcome: mesh.OK, RecordState: mesh.RecordNone, Marathon: &mesh.MarathonFacts{Version: x.is}}
			if x.is == "-" {
				s = mesh.TargetState{Target: mesh.Marathon("main"), Outcome: mesh.Timeout}
			}
			p := Build(Input{
				Mesh: &mesh.Mesh{Name: "prod", Marathons: []mesh.MarathonSpec{{
					Name: "main", Version: x.declared, Origin: mesh.Pos{File: "prod/mesh.cue", Line: 3}, VersionOrigin: mesh.Pos{File: "prod/mesh.cue", Line: 4},
				}}},
				Seen:   mesh.Observed{Targets: []mesh.TargetState{s}},
				Policy: mesh.Policy{Unreachable: mesh.Unreachable{Max: new(1)}},
			})
			switch {
			case x.refused == "" && len(p.Refusals) > 0:
				t.Errorf("%+v", p.Refusals)
			case x.refused != "" && (len(p.Refusals) != 1 || p.Applicable || p.Refusals[0].Code != "marathon.differs" ||
				!strings.Contains(p.Refusals[0].Message, x.refused) || p.Refusals[0].Source != "prod/mesh.cue:4"):
				t.Errorf("%+v", p.Refusals)
			}
		})
	}
}

func TestThatAMarathonKeepsNoRecordIsNoted(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"0.7.6": true, "0.6.0": true, "0.8.0": false, "1.11.26": false, "": false} {
		notes := appWorld(mesh.MarathonFacts{Version: version}, []string{"/a"}, []string{"/a"}, nil).Notes
		if noted := len(notes) == 1 && strings.Contains(notes[0], "marathon/main: Marathon "+version+" has no labels"); noted != want || !want && len(notes) > 0 {
			t.Errorf("%q: %v", version, notes)
		}
	}
}
