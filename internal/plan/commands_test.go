package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// A command is as git says by its record only, and the plan says so.
func TestACommandIsNotCompared(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	run := mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Host("m2"), Kind: "command", Name: "once"},
		Attrs: mesh.MustTree(map[string]any{"test": "false", "run": "true"}),
	}
	c.mesh.Resources = append(c.mesh.Resources, run)
	c.states["m2"].Resources = append(c.states["m2"].Resources, run)
	c.states["m2"].Record.Entries[run.Addr.String()] = mesh.RecordEntry{Digest: mesh.Digest(run.Attrs), State: mesh.Holds, Time: "2026-01-01T00:00:00Z"}
	p := c.plan()
	if len(p.NotCompared) != 1 || p.NotCompared[0].Addr != run.Addr || !strings.Contains(p.NotCompared[0].Reason, "passed at 2026-01-01") || !p.Empty || !p.Complete {
		t.Errorf("%+v", p.NotCompared)
	}
}
