package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestAnotherMachineMovedWithoutGit(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.known()
	if p := Build(c.input()); p.Moved() || p.Strangers() != 0 {
		t.Errorf("%+v", p.Refusals)
	}
	c.states["m1"].Host.MachineID = "other"
	p := Build(c.input())
	if !p.Moved() || p.Strangers() != 1 || !p.Empty || len(p.HostRefusals()) != 1 {
		t.Errorf("moved %v, %+v", p.Moved(), p.Refusals)
	}
}

func TestOnlyRefusalsOfHostsAreDriftsToTell(t *testing.T) {
	t.Parallel()
	p := Plan{Refusals: []Refusal{{Code: "limits.deletions"}, {Code: "record.newer"}, {Code: "ancestry"}, {Code: "os.differs"}, {Code: "identity.copied"}}}
	var got []string
	for _, r := range p.HostRefusals() {
		got = append(got, r.Code)
	}
	if strings.Join(got, " ") != "record.newer os.differs identity.copied" || len(p.Refusals) != 5 || p.Strangers() != 1 {
		t.Errorf("%q of %+v", got, p.Refusals)
	}
}

func TestAMissingRecordIsNotedWhereOthersHaveOne(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, note string
		prepare    func(*cluster)
	}{
		{"all have one", "", func(*cluster) {}},
		{"one has none", "host/m2: no record of an apply", func(c *cluster) { c.states["m2"].RecordState = mesh.RecordNone }},
		{"all but one have none", "host/m1, host/m3: no record of an apply", func(c *cluster) {
			c.states["m1"].RecordState, c.states["m3"].RecordState = mesh.RecordNone, mesh.RecordNone
		}},
		{"a first apply", "", func(c *cluster) {
			for _, s := range c.states {
				s.RecordState = mesh.RecordNone
			}
		}},
		{"nothing is wanted there", "", func(c *cluster) {
			c.states["m2"].Record, c.states["m2"].RecordState = mesh.Record{}, mesh.RecordNone
			var kept []mesh.Resource
			for _, r := range c.mesh.Resources {
				if r.Addr.Target.Name != "m2" {
					kept = append(kept, r)
				}
			}
			c.mesh.Resources = kept
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			x.prepare(c)
			p := Build(c.input())
			if text := strings.Join(p.Notes, "\n"); !strings.HasPrefix(text, x.note) || x.note == "" && text != "" {
				t.Errorf("%q", text)
			}
		})
	}
}
