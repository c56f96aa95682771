package plan

import (
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

func TestMoreTasksThanAgentsAreWarnedOfWhereEachWantsAHost(t *testing.T) {
	t.Parallel()
	m := &mesh.Mesh{}
	for _, host := range []string{"a1", "a2", "a3"} {
		m.Resources = append(m.Resources, mesh.Resource{
			Addr: mesh.Address{Target: mesh.Host(host), Kind: mesh.Service, Name: "mesos-slave"}, Attrs: mesh.MustTree(map[string]any{"running": host != "a3"}),
		})
	}
	for _, c := range []struct {
		mesh       *mesh.Mesh
		n          int
		constraint []any
		want       int
	}{
		{m, 3, []any{"hostname", "UNIQUE"}, 1},
		{m, 3, []any{"@hostname", "UNIQUE"}, 1},
		{m, 2, []any{"hostname", "UNIQUE"}, 0},
		{m, 3, []any{"rack", "UNIQUE"}, 0},
		{m, 3, []any{"hostname", "GROUP_BY"}, 0},
		{&mesh.Mesh{}, 3, []any{"hostname", "UNIQUE"}, 0},
	} {
		b := &builder{in: Input{Mesh: c.mesh}}
		b.warnOfApp(diff.Change{
			Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/a"}, Action: diff.Create,
			After: mesh.MustTree(map[string]any{"instances": c.n, "constraints": []any{c.constraint}}),
		}, AppEffect{Starts: c.n})
		if len(b.plan.Warnings) != c.want {
			t.Errorf("%d %v: %+v", c.n, c.constraint, b.plan.Warnings)
		}
	}
}
