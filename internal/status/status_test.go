package status

import (
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

var (
	zk     = mesh.Check{Kind: "zookeeper.ensemble", Port: 2181}
	master = mesh.Check{Kind: "mesos.masters", Port: 5050}
	agent  = mesh.Check{Kind: "mesos.agent", Port: 5051}
)

// cluster is a mesh of three members, an agent and one app.
func cluster() *mesh.Mesh {
	members := []string{"m1", "m2", "m3"}
	m := &mesh.Mesh{
		Marathons: []mesh.MarathonSpec{{Name: "main"}},
		Roles: []mesh.RoleSpec{
			{Name: "zk", Hosts: members, Ensemble: &mesh.Ensemble{Name: "zookeeper", Service: "zookeeper", Check: zk, Members: members, Quorum: 2}},
			{Name: "master", Hosts: members, Ensemble: &mesh.Ensemble{Name: "mesos-master", Service: "mesos-master", Check: master, Members: members, Quorum: 2}},
			{Name: "agent", Hosts: []string{"a1"}},
		},
		Apps: []mesh.AppSpec{{Marathon: "main", ID: "/www"}},
	}
	add := func(host, role, unit string, c *mesh.Check) {
		m.Resources = append(m.Resources, mesh.Resource{
			Addr: mesh.Address{Target: mesh.Host(host), Kind: mesh.Service, Name: unit}, Role: role,
			Attrs: mesh.MustTree(map[string]any{"enabled": true, "running": true}), Service: &mesh.ServiceSpec{Check: c},
		})
	}
	for _, h := range members {
		m.Hosts = append(m.Hosts, mesh.HostSpec{Name: h})
		add(h, "zk", "zookeeper", &zk)
		add(h, "master", "mesos-master", &master)
	}
	m.Hosts = append(m.Hosts, mesh.HostSpec{Name: "a1"})
	add("a1", "agent", "mesos-slave", &agent)
	add("a1", "agent", "logshipper", nil)
	return m
}

const (
	leads   = "Mode: leader\n"
	follows = "Mode: follower\n"
	elected = `{"master/elected":1,"registrar/log/recovered":1,"master/slaves_active":1}`
	standby = `{"master/elected":0,"registrar/log/recovered":1}`
)

// well is the cluster as it is when all is well.
func well() mesh.Observed {
	host := func(name string, answers ...mesh.Answer) mesh.TargetState {
		for i := range answers {
			answers[i].Host = name
		}
		return mesh.TargetState{Target: mesh.Host(name), Outcome: mesh.OK, Host: &mesh.HostFacts{Answers: answers}}
	}
	a1 := host("a1", mesh.Answer{Check: agent, Status: 200, Body: `{"slave/registered":1}`})
	a1.Resources = []mesh.Resource{{
		Addr: mesh.Address{Target: mesh.Host("a1"), Kind: mesh.Service, Name: "logshipper"}, Attrs: mesh.MustTree(map[string]any{"running": true}),
	}}
	return mesh.Observed{Targets: []mesh.TargetState{
		a1,
		host("m1", mesh.Answer{Check: zk, Body: follows}, mesh.Answer{Check: master, Status: 200, Body: elected}),
		host("m2", mesh.Answer{Check: zk, Body: leads}, mesh.Answer{Check: master, Status: 200, Body: standby}),
		host("m3", mesh.Answer{Check: zk, Body: follows}, mesh.Answer{Check: master, Status: 200, Body: standby}),
		{Target: mesh.Marathon("main"), Outcome: mesh.OK, Marathon: &mesh.MarathonFacts{Version: "1.11.26"}, Resources: []mesh.Resource{app("/www", 2, mesh.AppState{TasksRunning: 2})}},
	}}
}

func app(id string, instances int, s mesh.AppState) mesh.Resource {
	return mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: id},
		Attrs: mesh.MustTree(map[string]any{"instances": instances}), App: &s,
	}
}

// of is the state of a target, to be changed.
func of(seen mesh.Observed, name string) *mesh.TargetState {
	i := slices.IndexFunc(seen.Targets, func(s mesh.TargetState) bool { return s.Target.Name == name })
	return &seen.Targets[i]
}

// say has a host answer a check otherwise.
func say(seen mesh.Observed, host string, a mesh.Answer) {
	answers := of(seen, host).Host.Answers
	a.Host = host
	answers[slices.IndexFunc(answers, func(x mesh.Answer) bool { return x.Check == a.Check })] = a
}

func away(seen mesh.Observed, name string, o mesh.Outcome) {
	s := of(seen, name)
	*s = mesh.TargetState{Target: s.Target, Outcome: o, Message: "no answer"}
}

func TestAHealthyClusterIsHealthy(t *testing.T) {
	t.Parallel()
	s := Of(cluster(), well())
	if !s.Healthy || !s.Complete || len(s.Wrong)+len(s.Unseen)+len(s.Leases) != 0 {
		t.Fatalf("%+v", s)
	}
	if len(s.Groups) != 4 || s.Groups[0].Serving != 3 || !slices.Equal(s.Groups[0].Leaders, []string{"m2"}) || s.Groups[2].Name != "logshipper" {
		t.Errorf("%+v", s.Groups)
	}
}

func TestWhatIsWrongIsToldWithItsNumbers(t *testing.T) {
	t.Parallel()
	refused := func(c mesh.Check) mesh.Answer { return mesh.Answer{Check: c, Err: "refused"} }
	for _, x := range []struct {
		name    string
		do      func(mesh.Observed)
		code    Code // of the first thing that is wrong; "" for none
		message string
		unseen  Code // of the first thing that nobody knows
	}{
		{"a member is down", func(o mesh.Observed) { say(o, "m3", refused(zk)) }, MembersDown, "2 of 3 serve, and 2 must: no other may stop; not serving: m3 (nothing listens", ""},
		{"no quorum", func(o mesh.Observed) {
			say(o, "m2", refused(zk))
			say(o, "m3", mesh.Answer{Check: zk, Body: "This ZooKeeper instance is not currently serving requests\n"})
		}, QuorumLost, "1 of 3 serve, and 2 must; not serving: m2", ""},
		{"two leaders", func(o mesh.Observed) { say(o, "m1", mesh.Answer{Check: zk, Body: "Mode: standalone\n"}) }, LeadersSeveral, "2 members say that they lead: m1, m2", ""},
		{"no leader", func(o mesh.Observed) { say(o, "m1", mesh.Answer{Check: master, Status: 200, Body: standby}) }, LeaderNone, "3 of 3 serve, and 2 must, and none of them leads", ""},
		{"a master that is well, and alone", func(o mesh.Observed) {
			say(o, "m3", mesh.Answer{Check: master, Status: 200, Body: strings.Replace(standby, "}", `,"registrar/log/ensemble_size":1}`, 1)})
		}, MembersApart, "m3 (sees 1 of 3)", ""},
		{"who leads is not known", func(o mesh.Observed) { say(o, "m1", mesh.Answer{Check: master, Err: "timeout"}) }, "", "", Unknown},
		{"a host is away", func(o mesh.Observed) { away(o, "m3", mesh.NoConnection) }, "", "", TargetUnseen},
		{"two hosts are away: the one that follows has a quorum", func(o mesh.Observed) {
			away(o, "m2", mesh.NoConnection)
			away(o, "m3", mesh.NoConnection)
		}, "", "", TargetUnseen},
		{"an agent is lost", func(o mesh.Observed) {
			say(o, "a1", mesh.Answer{Check: agent, Status: 200, Body: `{"slave/registered":0}`})
		}, ServiceDown, "0 of 1 serve; not serving: a1 (it is not registered", ""},
		{"the master has no agent", func(o mesh.Observed) {
			say(o, "m1", mesh.Answer{Check: master, Status: 200, Body: strings.Replace(elected, `active":1`, `active":0`, 1)})
		}, AgentsLost, "0 of 1 agents, and 1 say", ""},
		{"a service without a check is down", func(o mesh.Observed) { of(o, "a1").Resources = nil }, ServiceDown, "not serving: a1 (systemd says", ""},
		{"Marathon has no leader", func(o mesh.Observed) { away(o, "main", mesh.BadStatus) }, MarathonDown, "no answer", ""},
		{"Marathon is away", func(o mesh.Observed) { away(o, "main", mesh.NoConnection) }, "", "", TargetUnseen},
		{"an app lacks tasks", func(o mesh.Observed) {
			of(o, "main").Resources[0] = app("/www", 4, mesh.AppState{TasksRunning: 2, TasksStaged: 1})
		}, AppDown, "2 of 4 tasks run, 1 staged", ""},
		{"an app is unhealthy", func(o mesh.Observed) {
			of(o, "main").Resources[0] = app("/www", 2, mesh.AppState{TasksRunning: 2, TasksUnhealthy: 1})
		}, AppDown, "2 of 2 tasks run, 1 unhealthy", ""},
		{"an app is missing", func(o mesh.Observed) { of(o, "main").Resources = nil }, AppMissing, "git has it", ""},
		{"somebody else's app", func(o mesh.Observed) {
			s := of(o, "main")
			s.Resources = append(s.Resources, app("/theirs", 4, mesh.AppState{}))
		}, "", "", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			seen := well()
			x.do(seen)
			s := Of(cluster(), seen)
			if got := first(s.Wrong); got.Code != x.code || !strings.Contains(got.Message, x.message) {
				t.Errorf("wrong: %+v", s.Wrong)
			}
			if got := first(s.Unseen); got.Code != x.unseen {
				t.Errorf("unseen: %+v", s.Unseen)
			}
			if strings.Contains(first(s.Wrong).Do, " on ;") {
				t.Errorf("to do on no host: %s", s.Wrong[0].Do)
			}
			if s.Healthy != (x.code == "") || s.Complete != (x.unseen == "") {
				t.Errorf("healthy %v, complete %v", s.Healthy, s.Complete)
			}
		})
	}
}

func first(list []Finding) Finding {
	if len(list) == 0 {
		return Finding{}
	}
	return list[0]
}

func TestTheWorstComesFirst(t *testing.T) {
	t.Parallel()
	seen := well()
	of(seen, "main").Resources = nil
	of(seen, "a1").Resources = nil
	say(seen, "m2", mesh.Answer{Check: master, Err: "refused"})
	say(seen, "m3", mesh.Answer{Check: master, Err: "refused"})
	var got []Code
	for _, f := range Of(cluster(), seen).Wrong {
		got = append(got, f.Code)
	}
	if !slices.Equal(got, []Code{QuorumLost, ServiceDown, AppMissing}) {
		t.Error(got)
	}
}

// A host that is away has no verdict; that its members are not known is told with the way there.
func TestAnUnseenMemberIsNeitherServingNorDown(t *testing.T) {
	t.Parallel()
	seen := well()
	away(seen, "m3", mesh.Timeout)
	g := Of(cluster(), seen).Groups[0]
	if g.Serving != 2 || g.Unknown != 1 || g.Members[2].Status != health.Unknown || g.Members[2].Reason != "its host could not be observed: timeout" {
		t.Errorf("%+v", g)
	}
}

func TestLeasesAreListedByTarget(t *testing.T) {
	t.Parallel()
	seen := well()
	held := func(x mesh.Target) *mesh.Held {
		return &mesh.Held{Target: x, By: mesh.Lease{Run: "r1", Who: "ann@ci"}, Left: 90 * time.Second}
	}
	of(seen, "m2").Host.Lease = held(mesh.Host("m2"))
	of(seen, "m1").Host.Lease = held(mesh.Host("m1"))
	of(seen, "main").Marathon.Lease = held(mesh.Marathon("main"))
	s := Of(cluster(), seen)
	if len(s.Leases) != 3 || s.Leases[0].Target != mesh.Host("m1") || s.Leases[2].Target != mesh.Marathon("main") || s.Leases[0].Seconds != 90 || !s.Healthy {
		t.Errorf("%+v", s.Leases)
	}
}
