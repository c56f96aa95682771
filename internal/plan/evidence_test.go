package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// reporting makes each member report its tick time, as git wants it.
func (c *cluster) reporting(wanted string, told map[string]string) {
	for i, r := range c.mesh.Resources {
		if r.Service != nil {
			spec := *r.Service
			spec.Reports = &mesh.Reports{Kind: "zookeeper.conf", Port: 2181, Values: map[string]string{"tickTime": wanted}}
			c.mesh.Resources[i].Service = &spec
		}
	}
	for name, value := range told {
		s := c.states[name]
		s.Host.Answers = append(s.Host.Answers, mesh.Answer{Host: name, Check: mesh.Check{Kind: "zookeeper.conf", Port: 2181}, Body: "tickTime=" + value + "\n"})
	}
}

// The files are as git says, the record knows the process, and it says itself that it runs
// with something else: somebody started it by hand with other settings.
func TestWhatAProcessReportsBeatsTheRecord(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.reporting("2000", map[string]string{"m1": "2000", "m2": "9000"})
	p := c.plan()
	if len(p.Stale) != 1 || p.Stale[0].Message != "it reports tickTime=9000, and git wants 2000" || ops(p) != "restart m2" || !p.Moved() {
		t.Errorf("%+v, ops %q", p.Stale, ops(p))
	}
	c = newCluster(3)
	c.reporting("2000", map[string]string{"m1": "2000", "m2": "2000"})
	if p := c.plan(); !p.Empty || len(p.Stale) != 0 {
		t.Errorf("as git wants: %+v", p.Stale)
	}
}

func TestAUnitThatSystemdHasNotLoadedAnewIsStale(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.states["m3"].Host.Reload = []string{"zookeeper"}
	p := c.plan()
	if len(p.Stale) != 1 || !strings.Contains(p.Stale[0].Message, "its unit on disk") || ops(p) != "restart m3" {
		t.Errorf("%+v, ops %q", p.Stale, ops(p))
	}
}

// A service reads the version of a package: one that changed under it, or that the plan
// changes, restarts it.
func TestAPackageIsWhatAServiceReads(t *testing.T) {
	t.Parallel()
	const read = "package:zookeeper"
	prepare := func(live string) *cluster {
		c := newCluster(3)
		for i, r := range c.mesh.Resources {
			if r.Service != nil {
				spec := *r.Service
				spec.Reads = append([]string{read}, spec.Reads...)
				c.mesh.Resources[i].Service = &spec
			}
		}
		for _, s := range c.states {
			rec := s.Record.Services["zookeeper"]
			rec.Reads = map[string]string{cfg: rec.Reads[cfg], read: mesh.VersionDigest("3.8.0-1")}
			s.Record.Services["zookeeper"] = rec
			s.Host.Reads[read] = mesh.Read{Digest: mesh.VersionDigest("3.8.0-1"), Ctime: 500e9}
		}
		c.states["m2"].Host.Reads[read] = mesh.Read{Digest: mesh.VersionDigest(live), Ctime: 2000e9}
		return c
	}
	if p := prepare("3.8.0-1").plan(); !p.Empty {
		t.Errorf("as it was started: %q", ops(p))
	}
	if p := prepare("3.8.0-2").plan(); ops(p) != "restart m2" || len(p.Stale) != 1 {
		t.Errorf("changed by hand: %q %+v", ops(p), p.Stale)
	}
	pkg := mesh.Address{Target: mesh.Host("m2"), Kind: mesh.Package, Name: "zookeeper"}
	now := mesh.Read{Digest: mesh.VersionDigest("3.8.0-1")}
	for version, want := range map[string]string{"3.8.0-2": mesh.VersionDigest("3.8.0-2"), "3.9.*": unknowable} {
		change := diff.Change{Addr: pkg, Action: diff.Update, After: mesh.MustTree(map[string]any{"version": version})}
		if after, touched := afterwards(read, now, []diff.Change{change}); !touched || after.Digest != want {
			t.Errorf("%s: %v %+v", version, touched, after)
		}
	}
	held := diff.Change{Addr: pkg, Action: diff.Update, After: mesh.MustTree(map[string]any{"version": "3.8.0-1"})}
	if _, touched := afterwards(read, now, []diff.Change{held}); touched {
		t.Error("a package that is only held restarts what reads it")
	}
}
