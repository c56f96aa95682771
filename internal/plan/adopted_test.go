package plan

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestAServiceIsAdoptedWithWhatItSurelyRunsWith(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name    string
		prepare func(*mesh.TargetState)
		reads   int // that are recorded; 0: it is not adopted
	}{
		{"the record knows it", func(*mesh.TargetState) {}, 0},
		{"nobody recorded it", func(s *mesh.TargetState) { s.Record.Services = nil }, 7},
		{"its process is another by now", func(s *mesh.TargetState) {
			s.Host.Processes["zookeeper"] = mesh.Process{ProcessID: mesh.ProcessID{PID: 8, StartTicks: 200}, StartedAt: 1000e9}
		}, 7},
		{"a file is newer", func(s *mesh.TargetState) {
			s.Record.Services = nil
			s.Host.Reads[cfg] = mesh.Read{Digest: "x", Ctime: 2000e9}
		}, 0},
		{"a file may be newer", func(s *mesh.TargetState) {
			s.Record.Services = nil
			s.Host.Reads[cfg] = mesh.Read{Digest: "x", Ctime: 999e9}
		}, 0},
		{"its package laid its unit anew", func(s *mesh.TargetState) {
			s.Record.Services = nil
			s.Host.Reads[packagedUnit] = mesh.Read{Digest: "unit", Ctime: 2000e9}
		}, 6},
		{"a file that cannot be read", func(s *mesh.TargetState) {
			s.Record.Services = nil
			delete(s.Host.Reads, cfg)
		}, 6},
		{"it does not run", func(s *mesh.TargetState) {
			s.Record.Services = nil
			delete(s.Host.Processes, "zookeeper")
		}, 0},
	} {
		c := newCluster(3)
		c.units(mesh.OnRestart)
		s := c.states["m2"]
		x.prepare(s)
		rec, ok := Adopted("zookeeper", *c.mesh.Resources[3].Service, *s)
		if ok != (x.reads > 0) || len(rec.Reads) != x.reads || ok && !rec.Of("boot", s.Host.Processes["zookeeper"]) {
			t.Errorf("%s: %v %+v", x.name, ok, rec)
		}
	}
}
