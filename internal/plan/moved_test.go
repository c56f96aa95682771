package plan

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// written makes the file on a host what an apply wrote there without a restart.
func (c *cluster) written(host, text string) {
	c.edit(host, text)
	f := zooFile(host, text)
	c.states[host].Record.Entries[f.Addr.String()] = mesh.RecordEntry{Digest: mesh.Digest(f.Attrs), State: mesh.Holds, Origin: mesh.Created}
}

// A process that runs with what it had before git's own write is no drift, by whichever
// evidence it is told; with what somebody else wrote it is.
func TestAProcessThatGitsOwnWriteMadeStaleDidNotMove(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		make func(*cluster)
		owed bool
	}{
		{"git wrote it", func(c *cluster) { c.written("m2", "new") }, true},
		{"git wrote it, and the run ended there", func(c *cluster) {
			c.written("m2", "new")
			for name, e := range c.states["m2"].Record.Entries {
				e.State = mesh.Intends
				c.states["m2"].Record.Entries[name] = e
			}
		}, true},
		{"git wrote it, the record does not know the process", func(c *cluster) {
			c.written("m2", "new")
			delete(c.states["m2"].Record.Services, "zookeeper")
		}, true},
		{"somebody wrote just that", func(c *cluster) { c.edit("m2", "new") }, false},
		{"there is no record", func(c *cluster) {
			c.written("m2", "new")
			c.states["m2"].RecordState = mesh.RecordNone
		}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			c.policy.Restart = "manual"
			c.want("new")
			for _, host := range []string{"m1", "m3"} {
				c.written(host, "new")
			}
			x.make(c)
			p := c.plan()
			if len(p.Stale) != 3 || !p.Stale[0].Owed || p.Stale[1].Owed != x.owed || p.Moved() == x.owed {
				t.Errorf("moved %v, stale %+v", p.Moved(), p.Stale)
			}
		})
	}
}

// What is in a directory came by git when each entry did; what reports tell is explained by that.
func TestWhatCameByGitInADirectoryAndByPackages(t *testing.T) {
	t.Parallel()
	name := mesh.ReadOfPackage("zookeeper")
	flag := func(text string) mesh.Resource {
		r := zooFile("m2", text)
		r.Addr.Name = "/etc/d/flag"
		return r
	}
	pkg := mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Host("m2"), Kind: mesh.Package, Name: "zookeeper"},
		Attrs: mesh.MustTree(map[string]any{"version": "2", "hold": "no", "state": "installed"}),
	}
	prepare := func(pinned bool, entries map[string]string) bool {
		c := newCluster(3)
		spec := mesh.ServiceSpec{Reads: []string{"/etc/d/", name}, On: mesh.OnRestart}
		s := *c.states["m2"]
		s.Resources = append(s.Resources, flag("x"), pkg)
		s.Record.Entries[flag("x").Addr.String()] = mesh.RecordEntry{Digest: mesh.Digest(flag("x").Attrs), State: mesh.Holds}
		e := mesh.RecordEntry{Digest: mesh.Digest(pkg.Attrs), State: mesh.Holds}
		if !pinned {
			open := pkg.Attrs.Clone()
			open["version"] = "any"
			e = mesh.RecordEntry{Digest: mesh.Digest(open), Open: map[string]string{"version": "any"}, State: mesh.Holds}
		}
		s.Record.Entries[pkg.Addr.String()] = e
		s.Record.Services["zookeeper"] = mesh.ServiceRecord{BootID: "boot", ProcessID: s.Host.Processes["zookeeper"].ProcessID, Reads: map[string]string{"/etc/d/": "before", name: mesh.VersionDigest("1")}}
		s.Host.Reads = map[string]mesh.Read{
			"/etc/d/": {Digest: mesh.DirDigest(entries), Entries: entries}, name: {Digest: mesh.VersionDigest("2")},
		}
		return owed(s, judge("zookeeper", spec, s))
	}
	for _, x := range []struct {
		name    string
		pinned  bool
		entries map[string]string
		owed    bool
	}{
		{"by git", true, map[string]string{"flag": "x"}, true},
		{"emptied by git", true, map[string]string{}, true},
		{"an entry of somebody's", true, map[string]string{"flag": "x", "quiet": "y"}, false},
		{"apt moved a package of which git takes any", false, map[string]string{"flag": "x"}, false},
	} {
		if got := prepare(x.pinned, x.entries); got != x.owed {
			t.Errorf("%s: owed %v", x.name, got)
		}
	}
}
