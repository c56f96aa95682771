package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestHostKeysAreToldAndStopNothing(t *testing.T) {
	t.Parallel()
	keys := func(c *cluster, m1, m2, recorded mesh.HostKey) {
		c.states["m1"].Host.HostKey, c.states["m2"].Host.HostKey, c.states["m2"].Record.HostKey = m1, m2, recorded
	}
	for _, x := range []struct {
		name    string
		notes   []string // a part of each
		prepare func(*cluster)
	}{
		{"as they were", nil, func(c *cluster) { keys(c, "ssh-ed25519 SHA256:a", "ssh-ed25519 SHA256:b", "ssh-ed25519 SHA256:b") }},
		{"a record of a meshsync that did not know of them", nil, func(c *cluster) { keys(c, "ssh-ed25519 SHA256:a", "ssh-ed25519 SHA256:b", "") }},
		{"a snapshot that has none", nil, func(c *cluster) { keys(c, "", "", "ssh-ed25519 SHA256:b") }},
		{"keys that were made anew", []string{"host/m2: its host key is ssh-ed25519 SHA256:new and was SHA256:b when its record was written"}, func(c *cluster) {
			keys(c, "ssh-ed25519 SHA256:a", "ssh-ed25519 SHA256:new", "ssh-ed25519 SHA256:b")
		}},
		{"a key of another type, as another known_hosts has it", nil, func(c *cluster) { keys(c, "ssh-ed25519 SHA256:a", "ssh-rsa SHA256:r", "ssh-ed25519 SHA256:b") }},
		{"two machines with one key", []string{"m1 and m2 are different machines and show the same host key, ssh-ed25519 SHA256:a"}, func(c *cluster) {
			keys(c, "ssh-ed25519 SHA256:a", "ssh-ed25519 SHA256:a", "ssh-ed25519 SHA256:a")
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			c.known()
			x.prepare(c)
			p := Build(c.input())
			if !p.Empty || !p.Applicable || len(p.Notes) != len(x.notes) {
				t.Fatalf("empty %v, applicable %v, notes %q", p.Empty, p.Applicable, p.Notes)
			}
			for i, part := range x.notes {
				if !strings.Contains(p.Notes[i], part) {
					t.Errorf("%q does not say %q", p.Notes[i], part)
				}
			}
		})
	}
}

func TestTwoNamesForOneMachineShareItsKeyAndOnlyTheIdIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.known()
	c.states["m1"].Host.HostKey = "ssh-ed25519 SHA256:a"
	*c.states["m3"].Host, c.states["m3"].Record = *c.states["m1"].Host, c.states["m1"].Record
	p := Build(c.input())
	if codes(p) != "identity.duplicate" || len(p.Notes) != 0 {
		t.Errorf("refusals %q, notes %q", codes(p), p.Notes)
	}
}
