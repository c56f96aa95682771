package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// known gives each member a machine id of its own, which all records know.
func (c *cluster) known() {
	members := map[string]string{}
	for name := range c.states {
		members[name] = "machine-" + name
	}
	for name, s := range c.states {
		s.Host.MachineID, s.Record.Machine = "machine-"+name, "machine-"+name
		s.Record.Members = map[string]map[string]string{"zk": members}
	}
}

// reinstall makes a host a new machine without a record.
func (c *cluster) reinstall(name, id string) {
	s := c.states[name]
	s.Host.MachineID, s.Record, s.RecordState = id, mesh.Record{}, mesh.RecordNone
}

func TestHostsThatAreNotWhoTheySeemAreRefused(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, code, says string
		accept           map[string]string
		prepare          func(*cluster)
	}{
		{"as they were", "", "", nil, func(*cluster) {}},
		{"two names for one machine", "identity.duplicate", "m1, m3 are one machine", nil, func(c *cluster) {
			*c.states["m3"].Host, c.states["m3"].Record = *c.states["m1"].Host, c.states["m1"].Record
		}},
		{"reinstalled under its old name", "identity.reinstalled", "the others know it as the machine machine-m2; this is new", nil, func(c *cluster) {
			c.reinstall("m2", "new")
		}},
		{"reinstalled, and accepted", "", "", map[string]string{"m2": "new"}, func(c *cluster) { c.reinstall("m2", "new") }},
		{"reinstalled, and another one accepted", "identity.reinstalled", "--accept-machine m2=new", map[string]string{"m2": "old"}, func(c *cluster) {
			c.reinstall("m2", "new")
		}},
		{"a disk that was copied", "identity.copied", "was written by the machine machine-m2, and this is other", nil, func(c *cluster) {
			c.states["m2"].Host.MachineID = "other"
		}},
		{"a disk that was copied, with its keys", "identity.copied", "still the one of the record, so its disk was copied", nil, func(c *cluster) {
			c.states["m2"].Host.MachineID = "other"
			c.states["m2"].Host.HostKey, c.states["m2"].Record.HostKey = "ssh-ed25519 SHA256:a", "ssh-ed25519 SHA256:a"
		}},
		{"a machine with a record of another one and a key of its own", "identity.copied", "is another one, too, so it was reinstalled", nil, func(c *cluster) {
			c.states["m2"].Host.MachineID = "other"
			c.states["m2"].Host.HostKey, c.states["m2"].Record.HostKey = "ssh-ed25519 SHA256:b", "ssh-ed25519 SHA256:a"
		}},
		{"a record of another machine, and keys that tell nothing", "identity.copied", "this is other: its disk was copied or restored", nil, func(c *cluster) {
			c.states["m2"].Host.MachineID = "other"
			c.states["m2"].Host.HostKey, c.states["m2"].Record.HostKey = "ssh-rsa SHA256:b", "ssh-ed25519 SHA256:a"
		}},
		{"a second name, and the first one is left out", "identity.duplicate unreachable.max", "h9 and m2 are one machine: the record that is on m2 was written under the name h9", nil, func(c *cluster) {
			c.mesh.Hosts = append(c.mesh.Hosts, mesh.HostSpec{Name: "h9"})
			c.states["h9"] = &mesh.TargetState{Target: mesh.Host("h9"), Outcome: mesh.Timeout}
			c.states["m2"].Record.Host = "h9"
		}},
		{"a second name in a record without a name", "identity.duplicate unreachable.max", "written under the name h9", nil, func(c *cluster) {
			c.mesh.Hosts = append(c.mesh.Hosts, mesh.HostSpec{Name: "h9"})
			c.states["h9"] = &mesh.TargetState{Target: mesh.Host("h9"), Outcome: mesh.Timeout}
			c.states["m2"].Record.Entries["host/h9/file:/etc/x"] = mesh.RecordEntry{Digest: "sha256:0", State: mesh.Holds}
		}},
		{"another name, which the mesh no longer has", "", "", nil, func(c *cluster) { c.states["m2"].Record.Host = "h9" }},
		{"a new name, accepted", "", "", map[string]string{"m2": "machine-m2"}, func(c *cluster) { c.states["m2"].Record.Host = "m1" }},
		{"its own name", "", "", nil, func(c *cluster) { c.states["m2"].Record.Host = "m2" }},
		{"a host that does not say", "", "", nil, func(c *cluster) { c.states["m2"].Host.MachineID = "" }},
		{"a first apply", "", "", nil, func(c *cluster) {
			for name := range c.states {
				c.reinstall(name, "machine-"+name)
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			c.known()
			x.prepare(c)
			in := c.input()
			in.Machines = x.accept
			p := Build(in)
			text := ""
			for _, r := range p.Refusals {
				text += r.Message + " " + r.Hint
			}
			if codes(p) != x.code || !strings.Contains(text, x.says) {
				t.Errorf("refusals %q: %s", codes(p), text)
			}
		})
	}
}

func TestMembersAreAsSeenElseAsKnown(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.known()
	c.reinstall("m2", "new")
	c.states["m3"] = &mesh.TargetState{Target: mesh.Host("m3"), Outcome: mesh.Timeout}
	got := Members(c.input())["zk"]
	if len(got) != 3 || got["m1"] != "machine-m1" || got["m2"] != "new" || got["m3"] != "machine-m3" {
		t.Errorf("%v", got)
	}
}

func TestWhatCannotBeCheckedIsNoted(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.known()
	if p := Build(c.input()); len(p.Notes) != 0 {
		t.Errorf("%q", p.Notes)
	}
	c.states["m1"].Host.MachineID, c.states["m2"].Host.MachineID = "", ""
	p := Build(c.input())
	if len(p.Notes) != 1 || !strings.HasPrefix(p.Notes[0], "m1, m2: without an /etc/machine-id, so it is not checked") {
		t.Errorf("%q", p.Notes)
	}
}
