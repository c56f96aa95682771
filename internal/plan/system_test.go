package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestAHostWithAnotherSystemIsRefused(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct{ declared, runs, refused string }{
		"the same":           {"debian 12", "debian 12", ""},
		"another release":    {"debian 12", "debian 13", "git says that m1 runs debian 12, and it runs debian 13"},
		"another system":     {"debian 12", "ubuntu 14.04", "it runs ubuntu 14.04"},
		"nobody knows":       {"debian 12", "", "it runs a system that does not say which it is"},
		"git does not say":   {"", "ubuntu 14.04", ""},
		"could not be asked": {"debian 12", "-", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mesh.TargetState{Target: mesh.Host("m1"), Outcome: mesh.OK, RecordState: mesh.RecordNone, Host: &mesh.HostFacts{OS: x.runs}}
			if x.runs == "-" {
				s = mesh.TargetState{Target: mesh.Host("m1"), Outcome: mesh.Timeout}
			}
			p := Build(Input{
				Mesh:   &mesh.Mesh{Name: "prod", Hosts: []mesh.HostSpec{{Name: "m1", OS: x.declared, Origin: mesh.Pos{File: "prod/mesh.cue", Line: 3}}}},
				Seen:   mesh.Observed{Targets: []mesh.TargetState{s}},
				Policy: mesh.Policy{Unreachable: mesh.Unreachable{Max: new(1)}},
			})
			switch {
			case x.refused == "" && len(p.Refusals) > 0:
				t.Errorf("%+v", p.Refusals)
			case x.refused != "" && (len(p.Refusals) != 1 || p.Applicable || p.Refusals[0].Code != "os.differs" ||
				!strings.Contains(p.Refusals[0].Message, x.refused) || p.Refusals[0].Source != "prod/mesh.cue:3"):
				t.Errorf("%+v", p.Refusals)
			}
		})
	}
}
