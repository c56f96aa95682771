package render

import (
	"bytes"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/status"
)

// hurt is a cluster in which about everything is wrong that can be.
func hurt() StatusDocument {
	member := func(host string, s health.Status, leads bool, why string) status.Member {
		return status.Member{Host: host, Verdict: health.Verdict{Status: s, Leader: leads, Reason: why}}
	}
	master := member("m1", health.Serving, true, "")
	master.Numbers = map[string]int{health.AgentsActive: 20, health.AgentsUnreachable: 1}
	return StatusDocument{Version: "v", Mesh: "prod", At: "2026-11-28T03:00:00Z", Status: status.Status{
		Wrong: []status.Finding{
			{Code: status.LeadersSeveral, Subject: "zookeeper", Message: "2 members say that they lead: m1, m2", Do: "restart nothing"},
			{Code: status.MembersDown, Subject: "zookeeper", Message: "2 of 3 serve, and 2 must: no other may stop; not serving: m3 (nothing listens on the port)"},
		},
		Unseen: []status.Finding{{Code: status.TargetUnseen, Subject: "host/a2", Message: "unreachable: no connection"}},
		Groups: []status.Group{
			{Name: "zookeeper", Unit: "zookeeper", Check: "zookeeper.ensemble", Quorum: 2, Of: 3, Serving: 2, Leaders: []string{"m1", "m2"}, Members: []status.Member{
				member("m1", health.Serving, true, ""), member("m2", health.Serving, true, ""), member("m3", health.NotServing, false, "nothing listens on the port"),
			}},
			{Name: "mesos-master", Unit: "mesos-master", Check: "mesos.masters", Quorum: 1, Of: 1, Serving: 1, Leaders: []string{"m1"}, Members: []status.Member{master}},
			{Name: "mesos-slave", Unit: "mesos-slave", Check: "mesos.agent", Of: 2, Serving: 1, Unknown: 1, Members: []status.Member{
				member("a1", health.Serving, false, ""), member("a2", health.Unknown, false, "its host could not be observed: unreachable"),
			}},
		},
		Marathons: []status.Marathon{
			{Name: "main", Outcome: mesh.OK, Version: "1.11.26", Leader: "m1:8080", Apps: []status.App{
				{ID: "/db", Managed: true},
				{ID: "/theirs", There: true, Wanted: 2},
				{ID: "/well", Managed: true, There: true, OK: true, Wanted: 1, Running: 1},
				{ID: "/www", Managed: true, There: true, Wanted: 4, Running: 3, Staged: 1, Checked: true, Healthy: 2, Unhealthy: 1, Outdated: 2, Deploying: true},
			}, Deployments: []mesh.Deployment{{ID: "d1", AffectedApps: []string{"/www"}, CurrentStep: 1, TotalSteps: 2, Action: "RestartApplication /www"}}},
			{Name: "other", Outcome: mesh.BadStatus, Message: "Marathon answered 503"},
		},
		Leases: []status.Lease{
			{Target: mesh.Host("m1"), Run: "r1", Who: "ann@ci-7", Job: "https://ci.example.com/7", Seconds: 200},
			{Target: mesh.Host("m2"), Run: "r1", Who: "ann@ci-7", Job: "https://ci.example.com/7", Seconds: 200},
			{Target: mesh.Marathon("main"), Run: "r2", Who: "bob@desk"},
			{Target: mesh.Host("a1"), Run: "r3", Who: "me@here", Seconds: 100, Ended: true},
		},
		Stale:  []plan.Evidence{{Target: mesh.Host("m1"), Unit: "mesos-master", Message: "/etc/mesos/zk changed after the process (pid 7) had started"}},
		Unsure: []plan.Evidence{{Target: mesh.Host("m1"), Unit: "zookeeper", Message: "zoo.cfg changed when it started"}},
	}}
}

func TestAStatusForPeopleAndMachines(t *testing.T) {
	t.Parallel()
	well := StatusDocument{Version: "v", Mesh: "prod", At: "2026-11-28T03:00:00Z", Sandbox: true, Status: status.Status{
		Healthy: true, Complete: true, Groups: hurt().Groups[1:2], Marathons: hurt().Marathons[:1],
	}}
	well.Marathons[0].Apps, well.Marathons[0].Deployments = well.Marathons[0].Apps[2:3], nil
	for name, write := range map[string]func(*bytes.Buffer) error{
		"status.txt":      func(b *bytes.Buffer) error { return Status(b, hurt(), Options{Flags: " -C prod"}) },
		"status_full.txt": func(b *bytes.Buffer) error { return Status(b, hurt(), Options{Full: true}) },
		"status_well.txt": func(b *bytes.Buffer) error { return Status(b, well, Options{}) },
		"status.json":     func(b *bytes.Buffer) error { return StatusJSON(b, hurt()) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func TestWhatServicesSayCannotMoveTheCursorInAStatus(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\rhealthy\x07\u202e"
	d := hurt()
	d.Wrong[0].Message, d.Wrong[0].Do, d.Unseen[0].Message = evil, evil, evil
	d.Groups[0].Members[2].Reason, d.Stale[0].Message = evil, evil
	m := &d.Marathons[0]
	m.Version, m.Leader, m.Apps[0].ID, m.Deployments[0].Action, d.Marathons[1].Message = evil, evil, evil, evil, evil
	d.Leases[0].Run, d.Leases[0].Who, d.Leases[0].Job = evil, evil, evil
	var b bytes.Buffer
	if err := Status(&b, d, Options{Full: true}); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexAny(b.String(), "\x1b\r\x07\u202e"); i >= 0 {
		t.Errorf("a control character got through: %q", b.String()[max(0, i-40):])
	}
}
