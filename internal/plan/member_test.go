package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// TestAMemberStaysWhoItIs: the file that the fixture has is taken for the members' identity.
func TestAMemberStaysWhoItIs(t *testing.T) {
	t.Parallel()
	gone := func(c *cluster, name string) {
		s := c.states[name]
		s.Absent = append(s.Absent, s.Resources[0].Addr)
		s.Resources = s.Resources[1:]
	}
	entry := func(c *cluster, name string, e mesh.RecordEntry) {
		c.states[name].Record.Entries[c.states[name].Resources[0].Addr.String()] = e
	}
	for _, x := range []struct {
		name, code string
		prepare    func(*cluster)
		accept     map[string]int
	}{
		{"as it was", "", func(*cluster) {}, nil},
		{"another content", "limits.identityChanges", func(c *cluster) { c.want("new") }, nil},
		{"another content, accepted", "", func(c *cluster) { c.want("new") }, map[string]int{"limits.identityChanges": 3}},
		{"another content, and fewer accepted", "limits.identityChanges", func(c *cluster) { c.want("new") }, map[string]int{"limits.identityChanges": 1}},
		{"another content, allowed by policy", "", func(c *cluster) {
			three := 3
			c.policy.Limits.IdentityChanges = &three
			c.want("new")
		}, nil},
		{"another content without a record", "limits.identityChanges", func(c *cluster) {
			c.states["m2"].Record, c.states["m2"].RecordState = mesh.Record{}, mesh.RecordNone
			c.edit("m2", "by hand")
		}, nil},
		{"another mode", "", func(c *cluster) {
			for i := range c.mesh.Resources {
				if c.mesh.Resources[i].Addr.Kind == mesh.File {
					c.mesh.Resources[i].Attrs = mesh.MustTree(map[string]any{"content": mesh.DigestBytes([]byte("old")), "mode": "0640", "owner": "root", "group": "root"})
				}
			}
		}, nil},
		{"a fresh host", "", func(c *cluster) {
			gone(c, "m2")
			c.states["m2"].Record, c.states["m2"].RecordState = mesh.Record{}, mesh.RecordNone
		}, nil},
		{"deleted, and wanted as it was", "", func(c *cluster) { gone(c, "m2") }, nil},
		{"deleted, and another one is wanted", "limits.identityChanges", func(c *cluster) {
			c.want("new")
			for name := range c.states {
				gone(c, name)
			}
		}, nil},
		{"a first run that ended before it wrote", "", func(c *cluster) {
			c.want("new")
			for name := range c.states {
				entry(c, name, mesh.RecordEntry{Digest: mesh.Digest(zooFile(name, "other").Attrs), State: mesh.Intends, Was: mesh.AbsentDigest})
				gone(c, name)
			}
		}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			c.mesh.Roles[0].Ensemble.Identity = []string{cfg}
			x.prepare(c)
			in := c.input()
			in.Overrides = x.accept
			if p := Build(in); codes(p) != x.code {
				t.Errorf("refusals %q, want %q", codes(p), x.code)
			}
		})
	}
}

func TestARefusedIdentitySaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.mesh.Roles[0].Ensemble.Identity = []string{cfg}
	c.want("new")
	p := Build(c.input())
	if len(p.Refusals) != 1 || !strings.HasPrefix(p.Refusals[0].Message, "3 members of ensembles with another identity, and policy allows 0: ") ||
		!strings.Contains(p.Refusals[0].Hint, "--override limits.identityChanges=3") {
		t.Errorf("%+v", p.Refusals)
	}
}
