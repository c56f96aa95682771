package plan

import (
	"maps"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

const (
	ownUnit      = "/etc/systemd/system/zookeeper.service"
	packagedUnit = "/lib/systemd/system/zookeeper.service"
)

// units makes all services read their units: the packages' one is there, and no other; all is recorded.
func (c *cluster) units(on string) {
	reads := primitive.UnitReads("zookeeper")
	for i, r := range c.mesh.Resources {
		if r.Service != nil {
			spec := *r.Service
			spec.On, spec.Reads = on, append([]string{cfg}, reads...)
			c.mesh.Resources[i].Service = &spec
		}
	}
	for _, s := range c.states {
		rec := s.Record.Services["zookeeper"]
		rec.Reads = maps.Clone(rec.Reads)
		for _, read := range reads {
			now := mesh.Read{Digest: mesh.AbsentDigest}
			if read == packagedUnit {
				now = mesh.Read{Digest: "unit", Ctime: 500e9}
			}
			s.Host.Reads[read], rec.Reads[read] = now, now.Digest
		}
		s.Record.Services["zookeeper"] = rec
	}
}

func TestTheUnitIsAmongWhatAServiceReads(t *testing.T) {
	t.Parallel()
	newer := mesh.Read{Digest: "other", Ctime: 2000e9}
	for _, x := range []struct {
		name, on, ops, stale, note string
		prepare                    func(*mesh.TargetState)
	}{
		{"as it was", mesh.OnRestart, "", "", "", func(*mesh.TargetState) {}},
		{"a package's unit that is another", mesh.OnRestart, "restart m2", packagedUnit + " is not what", "", func(s *mesh.TargetState) { s.Host.Reads[packagedUnit] = newer }},
		{"a reload runs no other program", mesh.OnReload, "restart m2", packagedUnit + " is not what", "", func(s *mesh.TargetState) { s.Host.Reads[packagedUnit] = newer }},
		{"nor takes in a drop-in", mesh.OnReload, "restart m2", ownUnit + ".d/ is not what", "", func(s *mesh.TargetState) { s.Host.Reads[ownUnit+".d/"] = newer }},
		{"but another file", mesh.OnReload, "reload m2", cfg + " is not what", "", func(s *mesh.TargetState) {
			rec := s.Record.Services["zookeeper"]
			rec.Reads = maps.Clone(rec.Reads)
			rec.Reads[cfg] = "other"
			s.Record.Services["zookeeper"] = rec
		}},
		{"a record that does not name a package's unit", mesh.OnRestart, "", "", "", func(s *mesh.TargetState) {
			rec := s.Record.Services["zookeeper"]
			rec.Reads = map[string]string{cfg: rec.Reads[cfg]}
			s.Record.Services["zookeeper"] = rec
			s.Host.Reads[packagedUnit] = newer
		}},
		{"the same unit once more", mesh.OnRestart, "", "", "yet to read its unit again", func(s *mesh.TargetState) {
			s.Host.Reload, s.Host.Loaded = []string{"zookeeper"}, map[string][]string{"zookeeper": {"/usr" + packagedUnit}}
		}},
		{"with a file of which nobody knows", mesh.OnRestart, "restart m2", "its unit on disk", "", func(s *mesh.TargetState) {
			s.Host.Reload, s.Host.Loaded = []string{"zookeeper"}, map[string][]string{"zookeeper": {packagedUnit, "/etc/systemd/system/service.d/all.conf"}}
		}},
		{"a unit that runs without a process", mesh.OnRestart, "restart m2", packagedUnit + " is not what the unit was started with", "", func(s *mesh.TargetState) {
			s.Host.Reads[packagedUnit] = newer
			id := mesh.ProcessID{StartTicks: 100}
			s.Host.Processes["zookeeper"] = mesh.Process{ProcessID: id, StartedAt: 1000e9}
			rec := s.Record.Services["zookeeper"]
			rec.ProcessID = id
			s.Record.Services["zookeeper"] = rec
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			c.units(x.on)
			x.prepare(c.states["m2"])
			p := c.plan()
			stale, notes := evidenceText(p.Stale), strings.Join(p.Notes, "; ")
			if ops(p) != x.ops || (stale == "") != (x.stale == "") || !strings.Contains(stale, x.stale) || (notes == "") != (x.note == "") || !strings.Contains(notes, x.note) {
				t.Errorf("operations %q, stale %q, notes %q", ops(p), stale, notes)
			}
		})
	}
}

// The mode of a file is nothing that a service takes in, be it recorded or not.
func TestAModeRestartsNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.states["m2"].Record.Services = nil
	for i, r := range c.mesh.Resources {
		if r.Addr.Kind == mesh.File && r.Addr.Target.Name == "m2" {
			c.mesh.Resources[i].Attrs = r.Attrs.Clone()
			c.mesh.Resources[i].Attrs["mode"] = "0600"
		}
	}
	if p := c.plan(); p.Empty || ops(p) != "" {
		t.Errorf("empty %v, operations %q", p.Empty, ops(p))
	}
}
