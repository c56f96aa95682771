package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// grown is an ensemble of n of which the last ones are not there yet; the others were started without them.
func grown(n, fresh int) *cluster {
	c := newCluster(n)
	c.want("new")
	members := c.mesh.Roles[0].Ensemble.Members
	for i, m := range members {
		if i >= n-fresh {
			c.fresh(m)
			continue
		}
		rec := c.states[m].Record.Services["zookeeper"]
		rec.Members = members[:n-fresh]
		c.states[m].Record.Services["zookeeper"] = rec
	}
	return c
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, order, codes, message string
		n, fresh                    int
		prepare                     func(*cluster)
	}{
		{"one joins first, the leader learns of it last", "m4 m2 m3 m1", "", "", 4, 1, nil},
		{"two at once", "m4 m5 m2 m3 m1", "membership", "differ by 2 members", 5, 2, nil},
		{"to a single one", "m2 m1", "limits.outages membership", "one member cannot go on", 2, 1, nil},
		{"of an ensemble that says nothing of joining", "m4 m2 m3 m1", "membership", "cannot be done in one step", 4, 1, func(c *cluster) {
			c.mesh.Roles[0].Ensemble.Joins = ""
		}},
		{"to members of which nothing is recorded", "m4 m2 m3 m1", "membership", "no record says with which members m1, m2, m3 started", 4, 1, func(c *cluster) {
			for _, m := range []string{"m1", "m2", "m3"} {
				c.states[m].Record, c.states[m].RecordState = mesh.Record{}, mesh.RecordNone
			}
		}},
		{"a record of an older version knows by its members' machines", "m4 m2 m3 m1", "", "", 4, 1, func(c *cluster) {
			for _, m := range []string{"m1", "m2", "m3"} {
				rec := c.states[m].Record.Services["zookeeper"]
				rec.Members = nil
				c.states[m].Record.Services["zookeeper"] = rec
				c.states[m].Record.Members = map[string]map[string]string{"zk": {"m1": "machine-m1", "m2": "machine-m2", "m3": "machine-m3"}}
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := grown(x.n, x.fresh)
			if x.prepare != nil {
				x.prepare(c)
			}
			p := c.plan()
			var messages []string
			for _, r := range p.Refusals {
				messages = append(messages, r.Message)
			}
			if order(p) != x.order || !sameWords(codes(p), x.codes) || !strings.Contains(strings.Join(messages, "\n"), x.message) {
				t.Errorf("order %q, refusals %q: %v", order(p), codes(p), messages)
			}
		})
	}
}

// Who starts a member beside meshsync, by a reboot for one, starts it with what is on disk.
func TestAListIsThatOfTheProcess(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, codes string
		prepare     func(*mesh.TargetState)
	}{
		{"another process of the same files", "", func(s *mesh.TargetState) { s.Host.BootID = "another" }},
		{"another process of other files", "membership", func(s *mesh.TargetState) {
			s.Host.BootID = "another"
			s.Host.Reads = map[string]mesh.Read{cfg: {Digest: mesh.DigestBytes([]byte("by hand")), Ctime: 500e9}}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := grown(4, 1)
			x.prepare(c.states["m2"])
			if p := c.plan(); codes(p) != x.codes {
				t.Errorf("refusals %q, want %q: %+v", codes(p), x.codes, p.Refusals)
			}
		})
	}
}

func TestAMemberThatVanishedIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.want("new")
	for _, m := range []string{"m1", "m2", "m3"} {
		rec := c.states[m].Record.Services["zookeeper"]
		rec.Members = []string{"m1", "m2", "m3", "m4", "m5"}
		c.states[m].Record.Services["zookeeper"] = rec
	}
	p := c.plan()
	if !strings.Contains(codes(p), "membership") || !strings.Contains(p.Refusals[0].Message+p.Refusals[len(p.Refusals)-1].Message, "git no longer names m4, m5, and m1, m2, m3 serve") {
		t.Errorf("%+v", p.Refusals)
	}
}

func sameWords(x, y string) bool {
	for _, w := range strings.Fields(x + " " + y) {
		if !strings.Contains(x, w) || !strings.Contains(y, w) {
			return false
		}
	}
	return true
}

func TestAStopWhileListsDifferHasAGateByEachList(t *testing.T) {
	t.Parallel()
	p := grown(4, 1).plan()
	var texts []string
	for _, b := range p.Stages[0].Batches {
		for _, g := range b.Before {
			texts = append(texts, g.Text)
		}
	}
	want := []string{
		"without m2 at least 3 of 4 members of zk serve", "without m2 at least 2 of 3 members of zk serve by the list that has m1, m2, m3",
		"without m3 at least 3 of 4 members of zk serve", "without m3 at least 2 of 3 members of zk serve by the list that has m1, m2, m3",
		"without m1 at least 3 of 4 members of zk serve", // nobody else has the old list any more
	}
	if strings.Join(texts, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s", strings.Join(texts, "\n"))
	}
}

func TestWaypoints(t *testing.T) {
	t.Parallel()
	text := func(c *cluster) string {
		var out []string
		for _, w := range Waypoints(c.mesh, c.input().Seen) {
			out = append(out, w.Text())
		}
		return strings.Join(out, "\n")
	}
	if got := text(grown(4, 1)); got != "" {
		t.Errorf("one member is no detour: %s", got)
	}
	if got := text(newCluster(3)); got != "" {
		t.Errorf("nothing changes: %s", got)
	}
	if got := text(grown(5, 2)); !strings.Contains(got, "takes in m4, the next one goes on with m5") {
		t.Errorf("two members: %s", got)
	}
	half := grown(5, 2) // a run ended after m4 and m1 had the list with m4
	for _, m := range []string{"m1", "m4"} {
		half.states[m] = seen(m, zooFile(m, "old"), zooService(m))
		rec := half.states[m].Record.Services["zookeeper"]
		rec.Members = []string{"m1", "m2", "m3", "m4"}
		half.states[m].Record.Services["zookeeper"] = rec
	}
	if got := text(half); !strings.Contains(got, "takes in m4, the next one goes on with m5") {
		t.Errorf("half-way: %s", got)
	}
}
