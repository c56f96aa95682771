package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

func TestOnlyARestartForAHarmlessFieldIsWarnedOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		effect AppEffect
		want   int
	}{
		{AppEffect{Restarts: 2, Because: []string{"labels"}, Harmless: true}, 1},
		{AppEffect{Restarts: 2, Because: []string{"cmd", "labels"}}, 0},
		{AppEffect{Starts: 2, Because: []string{"instances"}, Harmless: true}, 0},
	} {
		b := &builder{in: Input{Mesh: &mesh.Mesh{}}}
		b.warnOfApp(diff.Change{Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/a"}}, c.effect)
		if len(b.plan.Warnings) != c.want {
			t.Errorf("%+v: %+v", c.effect, b.plan.Warnings)
		}
	}
}

func TestScalingWithOldTasksIsWarnedOf(t *testing.T) {
	t.Parallel()
	c := diff.Change{
		Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/a"}, Action: diff.Update,
		Before: mesh.MustTree(map[string]any{"instances": 2}), After: mesh.MustTree(map[string]any{"instances": 3}),
		App: &mesh.AppState{TasksRunning: 2, TasksOutdated: 2},
	}
	b := &builder{in: Input{Mesh: &mesh.Mesh{}}}
	b.warnOfApp(c, AppEffect{Starts: 1, Because: []string{"instances"}})
	if len(b.plan.Warnings) != 1 || b.plan.Warnings[0].Code != "app.stale" {
		t.Errorf("%+v", b.plan.Warnings)
	}
	b = &builder{in: Input{Mesh: &mesh.Mesh{}}}
	b.warnOfApp(c, AppEffect{Restarts: 2, Because: []string{"cmd"}})
	if len(b.plan.Warnings) != 0 {
		t.Errorf("%+v", b.plan.Warnings)
	}
}

func TestConstraintsThatNoAgentCanMeetAreWarnedOf(t *testing.T) {
	t.Parallel()
	m := &mesh.Mesh{Hosts: []mesh.HostSpec{{Name: "a1", Address: "10.0.0.1"}, {Name: "a2", Address: "a2.example.com"}}}
	for _, host := range []string{"a1", "a2", "a3"} {
		m.Resources = append(m.Resources, mesh.Resource{
			Addr: mesh.Address{Target: mesh.Host(host), Kind: mesh.Service, Name: "mesos-slave"}, Attrs: mesh.MustTree(map[string]any{"running": host != "a3"}),
		})
	}
	for _, c := range []struct {
		mesh       *mesh.Mesh
		n          int
		constraint []any
		want       string // of the message, "" for none
	}{
		{m, 3, []any{"hostname", "UNIQUE"}, "3 tasks, each on a host of its own (UNIQUE), and the mesh has 2 agents: 1 wait"},
		{m, 3, []any{"@hostname", "UNIQUE"}, "1 wait for ever"},
		{m, 2, []any{"hostname", "UNIQUE"}, ""},
		{m, 3, []any{"rack", "UNIQUE"}, ""},
		{m, 3, []any{"hostname", "GROUP_BY"}, ""},
		{&mesh.Mesh{}, 3, []any{"hostname", "UNIQUE"}, ""},
		{m, 7, []any{"hostname", "MAX_PER", "3"}, "7 tasks, at most 3 on one host (hostname MAX_PER 3), and the mesh has 2 agents: 1 wait for ever"},
		{m, 6, []any{"hostname", "MAX_PER", "3"}, ""},
		{m, 2, []any{"hostname", "CLUSTER", "b7"}, "its tasks on the host b7 (hostname CLUSTER b7), and no agent of the mesh is called so"},
		{m, 2, []any{"hostname", "IS", "m1"}, "on the host m1"},
		{m, 0, []any{"hostname", "IS", "m1"}, ""},
		{m, 2, []any{"hostname", "CLUSTER"}, ""},
		{m, 2, []any{"hostname", "CLUSTER", "a1"}, ""},
		{m, 2, []any{"hostname", "CLUSTER", "10.0.0.1"}, ""},
		{m, 2, []any{"hostname", "IS", "a2"}, ""},
		{m, 2, []any{"hostname", "IS", "a1.example.com"}, ""},
		{m, 2, []any{"hostname", "UNLIKE", "b7"}, ""},
	} {
		b := &builder{in: Input{Mesh: c.mesh}}
		b.warnOfApp(diff.Change{
			Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/a"}, Action: diff.Create,
			After: mesh.MustTree(map[string]any{"instances": c.n, "constraints": []any{c.constraint}}),
		}, AppEffect{Starts: c.n})
		got := ""
		for _, w := range b.plan.Warnings {
			got += w.Message
		}
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%d %v: %s", c.n, c.constraint, got)
		}
	}
}
