package plan

import (
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// A folder of drop-ins that goes with what is in it goes before the restart that takes it in.
func TestAFolderThatIsReadGoesWithItsEntries(t *testing.T) {
	t.Parallel()
	const dir, conf = "/etc/systemd/system/zookeeper.service.d", "/etc/systemd/system/zookeeper.service.d/x.conf"
	c := newCluster(3)
	folder := mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Host("m2"), Kind: mesh.Directory, Name: dir},
		Attrs: mesh.MustTree(map[string]any{"mode": "0755", "owner": "root", "group": "root"}),
	}
	dropIn := zooFile("m2", "[Service]\n")
	dropIn.Addr.Name = conf
	for i, r := range c.mesh.Resources {
		if r.Service != nil && r.Addr.Target.Name == "m2" {
			spec := *r.Service
			spec.Reads = append([]string{dir + "/"}, spec.Reads...)
			c.mesh.Resources[i].Service = &spec
		}
	}
	s := c.states["m2"]
	entries := map[string]string{"x.conf": mesh.DigestBytes([]byte("[Service]\n"))}
	s.Host.Reads[dir+"/"] = mesh.Read{Digest: mesh.DirDigest(entries), Entries: entries}
	s.Record.Services["zookeeper"].Reads[dir+"/"] = mesh.DirDigest(entries)
	s.Resources = append(s.Resources, folder, dropIn)
	for _, r := range []mesh.Resource{folder, dropIn} {
		s.Record.Entries[r.Addr.String()] = mesh.RecordEntry{Digest: mesh.Digest(r.Attrs), State: mesh.Holds, Origin: mesh.Created}
	}
	p := c.plan()
	if len(p.Stages) != 1 || len(p.Stages[0].Batches) != 1 || len(p.Stages[0].Batches[0].Changes) != 2 || ops(p) != "restart m2" {
		t.Fatalf("%q in %+v", ops(p), p.Stages)
	}
	after, touched := afterwards(dir+"/", s.Host.Reads[dir+"/"], p.Stages[0].Batches[0].Changes)
	if !touched || after.Digest != mesh.AbsentDigest {
		t.Errorf("expected afterwards: %v %+v", touched, after)
	}
	only := []diff.Change{{Addr: dropIn.Addr, Action: diff.Delete, Before: dropIn.Attrs}}
	if after, touched := afterwards(dir+"/", s.Host.Reads[dir+"/"], only); !touched || after.Digest != mesh.DirDigest(nil) {
		t.Errorf("without its entry: %v %+v", touched, after)
	}
}
