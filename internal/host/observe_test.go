package host

import (
	"context"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

func TestFirst(t *testing.T) {
	b := newBox(t)
	b.put("/units/zk/x", "")
	b.put("/etc/flags/stray", "x")
	b.put("/etc/zk/zoo.cfg", "old\n")
	want := []mesh.Resource{directory("/etc/zk", false), directory("/etc/flags", true), file("/etc/flags/quorum", "2\n"), file("/etc/zk/zoo.cfg", "tickTime=2000\nit's\n"), symlink("/etc/alt", "/etc/zk"), service("zk", "/etc/zk/zoo.cfg", "/etc/flags/")}
	h := b.host(want...)
	s := h.Observe(context.Background())
	t.Logf("%s %s", s.Outcome, s.Message)
	for _, r := range s.Resources {
		t.Logf("have %s %v %v", r.Addr, r.Attrs, r.Text)
	}
	t.Logf("absent %v unknown %v strays %v rec %v", s.Absent, s.Unknown, s.Strays, s.RecordState)
	t.Logf("%+v", s.Host)
	d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
	var work plan.Work
	work.Run, work.Time = "r1", "2026-01-01T00:00:00Z"
	for _, c := range d.Changes {
		t.Logf("%s %s %s", c.Action, c.Class, c.Addr)
		if c.Addr.Kind != mesh.Service {
			work.Changes = append(work.Changes, c)
		}
	}
	work.Services = []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "zk", Op: plan.OpEnable, Spec: *want[5].Service}, {Target: mesh.Host("h"), Unit: "zk", Op: plan.OpStart, Spec: *want[5].Service}}
	err := h.Apply(context.Background(), work, func(o plan.Outcome) { t.Logf("%+v", o) })
	t.Log(err)
	t.Log(b.get("/var/lib/meshsync/prod/record.json"))
	s = h.Observe(context.Background())
	t.Logf("%s %s rec %s", s.Outcome, s.Message, s.RecordState)
	d = diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
	t.Logf("%v", d.Changes)
	t.Logf("%+v", s.Host)
}
