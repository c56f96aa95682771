package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// cluster is a mesh of n ZooKeepers and what was seen of it; tests change the latter.
type cluster struct {
	mesh   *mesh.Mesh
	states map[string]*mesh.TargetState
	policy mesh.Policy
}

const cfg = "/etc/zoo.cfg"

// newCluster is n members that serve, run what is on disk, and are recorded. m1 leads.
func newCluster(n int) *cluster {
	c := &cluster{mesh: &mesh.Mesh{Name: "t"}, states: map[string]*mesh.TargetState{}}
	e := &mesh.Ensemble{Name: "zk", Service: "zookeeper", Check: mesh.Check{Kind: "zookeeper.ensemble", Port: 2181}, Quorum: n/2 + 1}
	role := mesh.RoleSpec{Name: "zookeeper", Ensemble: e, Rollout: mesh.Rollout{Layer: 10, LeaderLast: true}}
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("m%d", i)
		e.Members = append(e.Members, name)
		role.Hosts = append(role.Hosts, name)
		c.mesh.Hosts = append(c.mesh.Hosts, mesh.HostSpec{Name: name, Roles: []string{"zookeeper"}})
		file, svc := zooFile(name, "old"), zooService(name)
		c.mesh.Resources = append(c.mesh.Resources, file, svc)
		c.states[name] = seen(name, file, svc)
		c.mode(name, "follower")
	}
	c.mode("m1", "leader")
	e.Joins = mesh.JoinsFirst
	c.mesh.Roles = []mesh.RoleSpec{role}
	return c
}

func zooFile(host, text string) mesh.Resource {
	return mesh.Resource{
		Addr: mesh.Address{Target: mesh.Host(host), Kind: mesh.File, Name: cfg}, Text: &text, Role: "zookeeper",
		Attrs: mesh.MustTree(map[string]any{"content": mesh.DigestBytes([]byte(text)), "mode": "0644", "owner": "root", "group": "root"}),
	}
}

func zooService(host string) mesh.Resource {
	return mesh.Resource{
		Addr: mesh.Address{Target: mesh.Host(host), Kind: mesh.Service, Name: "zookeeper"}, Role: "zookeeper",
		Attrs: mesh.MustTree(map[string]any{"enabled": true, "running": true}),
		Service: &mesh.ServiceSpec{
			Reads: []string{cfg}, On: mesh.OnRestart, Ensemble: "zk",
			Check: &mesh.Check{Kind: "zookeeper.ensemble", Port: 2181},
		},
	}
}

// seen is a host on which all is as desired and recorded.
func seen(name string, rs ...mesh.Resource) *mesh.TargetState {
	s := &mesh.TargetState{
		Target: mesh.Host(name), Outcome: mesh.OK, Resources: rs, RecordState: mesh.RecordOK,
		Record: mesh.Record{Version: 1, Mesh: "t", Entries: map[string]mesh.RecordEntry{}, Services: map[string]mesh.ServiceRecord{}},
		Host: &mesh.HostFacts{
			BootID:    "boot",
			MachineID: "machine-" + name,
			Processes: map[string]mesh.Process{"zookeeper": {ProcessID: mesh.ProcessID{PID: 7, StartTicks: 100}, StartedAt: 1000e9}},
			Reads:     map[string]mesh.Read{cfg: {Digest: mesh.DigestBytes([]byte("old")), Ctime: 500e9}},
		},
	}
	for _, r := range rs {
		s.Record.Entries[r.Addr.String()] = mesh.RecordEntry{Digest: mesh.Digest(r.Attrs), State: mesh.Holds, Origin: mesh.Created}
	}
	s.Record.Services["zookeeper"] = mesh.ServiceRecord{
		BootID: "boot", ProcessID: mesh.ProcessID{PID: 7, StartTicks: 100}, Reads: map[string]string{cfg: mesh.DigestBytes([]byte("old"))},
	}
	return s
}

// mode sets what srvr answers on a host; "" is a refused connection and a stopped unit.
func (c *cluster) mode(host, mode string) {
	s := c.states[host]
	a := mesh.Answer{Host: host, Check: mesh.Check{Kind: "zookeeper.ensemble", Port: 2181}, Body: "Mode: " + mode + "\n"}
	switch mode {
	case "":
		a.Err, a.Body = "refused", ""
		delete(s.Host.Processes, "zookeeper")
		s.Resources = slices.Clone(s.Resources)
		s.Resources[1].Attrs = mesh.MustTree(map[string]any{"enabled": true, "running": false})
	case "broken":
		a.Body = "This ZooKeeper instance is not currently serving requests\n"
	}
	s.Host.Answers = []mesh.Answer{a}
}

// want changes what git says of the file on all hosts.
func (c *cluster) want(text string) {
	for i, r := range c.mesh.Resources {
		if r.Addr.Kind == mesh.File {
			c.mesh.Resources[i] = zooFile(r.Addr.Target.Name, text)
		}
	}
}

// edit changes the file on one host by hand, at a time after the process's start.
func (c *cluster) edit(host, text string) {
	s := c.states[host]
	f := zooFile(host, text)
	s.Resources = slices.Clone(s.Resources)
	s.Resources[0] = f
	s.Host.Reads = map[string]mesh.Read{cfg: {Digest: mesh.DigestBytes([]byte(text)), Ctime: 2000e9}}
}

func (c *cluster) input() Input {
	in := Input{Mesh: c.mesh, Policy: c.policy}
	for _, h := range c.mesh.Hosts {
		in.Seen.Targets = append(in.Seen.Targets, *c.states[h.Name])
	}
	return in
}

func (c *cluster) plan() Plan { return Build(c.input()) }

// order is the hosts of the batches, in order: "m2 m3 m1"; hosts of one batch are joined by +.
func order(p Plan) string {
	var out []string
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			var hosts []string
			for _, t := range b.Targets {
				hosts = append(hosts, t.Name)
			}
			out = append(out, strings.Join(hosts, "+"))
		}
	}
	return strings.Join(out, " ")
}

func ops(p Plan) string {
	var out []string
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			for _, st := range b.Service {
				out = append(out, string(st.Op)+" "+st.Target.Name)
			}
		}
	}
	return strings.Join(out, ", ")
}

func codes(p Plan) string {
	var out []string
	for _, r := range p.Refusals {
		out = append(out, r.Code)
	}
	return strings.Join(out, " ")
}

func TestNothingToDoIsAnEmptyPlan(t *testing.T) {
	t.Parallel()
	p := newCluster(3).plan()
	if !p.Empty || !p.Complete || !p.Applicable || len(p.Stages)+len(p.Effects)+len(p.Unsure)+len(p.Stale) != 0 {
		t.Errorf("not empty: %+v", p)
	}
}

func TestOrderOfAnEnsemble(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, order, ops, codes string
		n                       int
		prepare                 func(*cluster)
	}{
		{"the leader goes last", "m2 m3 m1", "restart m2, restart m3, restart m1", "", 3, func(c *cluster) { c.want("new") }},
		{"a broken member goes first", "m3 m2 m1", "restart m3, restart m2, restart m1", "", 3, func(c *cluster) {
			c.want("new")
			c.mode("m3", "broken")
		}},
		{"a stopped member is started first", "m3 m2 m1", "start m3, restart m2, restart m1", "", 3, func(c *cluster) {
			c.want("new")
			c.mode("m3", "")
		}},
		{"an ensemble that is down is started together", "m1+m2+m3", "start m1, start m2, start m3", "", 3, func(c *cluster) {
			for _, h := range []string{"m1", "m2", "m3"} {
				c.mode(h, "")
			}
		}},
		{"below quorum, what is stopped starts together, and the rest is verified", "m2+m3 m1", "start m2, start m3", "", 3, func(c *cluster) {
			c.mode("m1", "broken")
			c.mode("m2", "")
			c.mode("m3", "")
		}},
		{"five members, leader last", "m2 m3 m4 m5 m1", "restart m2, restart m3, restart m4, restart m5, restart m1", "", 5, func(c *cluster) { c.want("new") }},
		{"one member: an outage, beyond the limit", "m1", "restart m1", "limits.outages", 1, func(c *cluster) { c.want("new") }},
		{"two members: two outages", "m2 m1", "restart m2, restart m1", "limits.outages", 2, func(c *cluster) { c.want("new") }},
		{"a member that cannot be seen costs the quorum", "m2 m1", "restart m2, restart m1", "quorum quorum unreachable.max unreachable.quorumRoles", 3, func(c *cluster) {
			c.want("new")
			c.states["m3"] = &mesh.TargetState{Target: mesh.Host("m3"), Outcome: mesh.Timeout, Message: "no answer"}
		}},
		{"of five, one may be away", "m2 m3 m4 m1", "restart m2, restart m3, restart m4, restart m1", "unreachable.max unreachable.quorumRoles", 5, func(c *cluster) {
			c.want("new")
			c.states["m5"] = &mesh.TargetState{Target: mesh.Host("m5"), Outcome: mesh.Timeout, Message: "no answer"}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(x.n)
			x.prepare(c)
			p := c.plan()
			if order(p) != x.order || ops(p) != x.ops || codes(p) != x.codes {
				t.Errorf("got order %q, ops %q, refusals %q", order(p), ops(p), codes(p))
			}
		})
	}
}

func TestEveryStopOfAMemberHasAQuorumGate(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 5} {
		c := newCluster(n)
		c.want("new")
		for _, b := range c.plan().Stages[0].Batches {
			if len(b.Targets) != 1 || len(b.Before) != 1 || b.Before[0].Kind != GateQuorum || b.Before[0].Need != n/2+1 {
				t.Errorf("%d members: batch %v has gates %+v", n, b.Targets, b.Before)
			}
			if len(b.After) != 1 || b.After[0].Kind != GateServing {
				t.Errorf("%d members: batch %v has no gate after it", n, b.Targets)
			}
		}
	}
}

func TestRestartIsDerivedFromWhatIsSeen(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name          string
		restarts      int
		stale, unsure int
		prepare       func(*cluster)
	}{
		{"a changed file restarts its reader", 3, 0, 0, func(c *cluster) { c.want("new") }},
		{"an edit that is put back to what the process runs with restarts nothing", 0, 0, 0, func(c *cluster) { c.edit("m2", "by hand") }},
		{"a file that is right with a process that is old: owed by an interrupted run", 3, 3, 0, func(c *cluster) {
			c.want("new")
			for _, h := range []string{"m1", "m2", "m3"} {
				c.edit(h, "new")
			}
		}},
		{"another process, file older than it: fresh", 0, 0, 0, func(c *cluster) {
			c.states["m2"].Host.Processes["zookeeper"] = mesh.Process{ProcessID: mesh.ProcessID{PID: 8, StartTicks: 200}, StartedAt: 1000e9}
		}},
		{"another process, file newer than it: stale", 1, 1, 0, func(c *cluster) {
			c.states["m2"].Host.Processes["zookeeper"] = mesh.Process{ProcessID: mesh.ProcessID{PID: 8, StartTicks: 200}, StartedAt: 400e9}
		}},
		{"another process, times too close to tell: unsure, and nothing is done", 0, 0, 1, func(c *cluster) {
			c.states["m2"].Host.Processes["zookeeper"] = mesh.Process{ProcessID: mesh.ProcessID{PID: 8, StartTicks: 200}, StartedAt: 501e9}
		}},
		{"another boot: the record is of another process", 1, 1, 0, func(c *cluster) {
			c.states["m2"].Host.BootID = "another"
			c.states["m2"].Host.Processes["zookeeper"] = mesh.Process{ProcessID: mesh.ProcessID{PID: 7, StartTicks: 100}, StartedAt: 400e9}
		}},
		{"restart: manual writes and leaves the process", 0, 0, 0, func(c *cluster) {
			c.want("new")
			c.policy.Restart = "manual"
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			x.prepare(c)
			p := c.plan()
			n := strings.Count(ops(p), "restart")
			if n != x.restarts || len(p.Stale) != x.stale || len(p.Unsure) != x.unsure {
				t.Errorf("got %d restarts (%s), stale %v, unsure %v", n, ops(p), p.Stale, p.Unsure)
			}
		})
	}
}

func TestADeletedFlagFileIsAChangeOfItsDirectory(t *testing.T) {
	t.Parallel()
	now := mesh.Read{Entries: map[string]string{"a": "sha256:1", "b": "sha256:2"}}
	now.Digest = mesh.DirDigest(now.Entries)
	gone := diff.Change{Addr: mesh.Address{Target: mesh.Host("h"), Kind: mesh.File, Name: "/d/b"}, Action: diff.Delete}
	after, ok := ReadAfter("/d/", now, []diff.Change{gone})
	if want := mesh.DirDigest(map[string]string{"a": "sha256:1"}); !ok || after.Digest != want {
		t.Errorf("got %v %v, want %s", after, ok, want)
	}
	if now.Entries["b"] == "" {
		t.Error("the input was modified")
	}
}

func TestOverrideMustNameJustThePlansNumber(t *testing.T) {
	t.Parallel()
	c := newCluster(1)
	c.want("new")
	for n, want := range map[int]bool{0: false, 1: true, 2: false} {
		in := c.input()
		in.Overrides = map[string]int{"limits.outages": n}
		if got := Build(in).Applicable; got != want {
			t.Errorf("override %d: applicable is %v", n, got)
		}
	}
}

func TestThePlanIsTheSameForShuffledInputs(t *testing.T) {
	t.Parallel()
	c := newCluster(5)
	c.want("new")
	c.edit("m2", "by hand")
	in := c.input()
	a, err := json.Marshal(Build(in))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(in.Seen.Targets)
	for i := range in.Seen.Targets {
		slices.Reverse(in.Seen.Targets[i].Resources)
	}
	b, err := json.Marshal(Build(in))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("the order of the observation shows:\n%s\n%s", a, b)
	}
}

func TestFilterLeavesOutAndSaysSo(t *testing.T) {
	t.Parallel()
	c := newCluster(3)
	c.want("new")
	in := c.input()
	in.Filter = &Filter{Only: []string{"host/m2"}}
	p := Build(in)
	if order(p) != "m2" || p.Filter.Hidden != 2 {
		t.Errorf("got %s, hidden %d", order(p), p.Filter.Hidden)
	}
}
