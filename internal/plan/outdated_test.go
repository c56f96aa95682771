package plan

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// A plan that changes what a stale process reads has no stale process: it restarts it. That it
// runs with old input is true all the same.
func TestAProcessIsOutdatedWhateverAPlanDoesAboutIt(t *testing.T) {
	t.Parallel()
	const second = int64(1e9)
	r := mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Host("h"), Kind: mesh.Service, Name: "x"},
		Attrs: mesh.MustTree(map[string]any{"running": true}), Service: &mesh.ServiceSpec{Reads: []string{"/etc/x"}, On: mesh.OnRestart},
	}
	for _, c := range []struct {
		name          string
		ctime         int64
		stale, unsure int
	}{{"older", 100, 0, 0}, {"at the time of the start", 1000, 0, 1}, {"newer", 2000, 1, 0}} {
		seen := mesh.Observed{Targets: []mesh.TargetState{{
			Target: r.Addr.Target, Outcome: mesh.OK,
			Host: &mesh.HostFacts{
				BootID: "b", Reads: map[string]mesh.Read{"/etc/x": {Digest: "sha256:1", Ctime: c.ctime * second}},
				Processes: map[string]mesh.Process{"x": {ProcessID: mesh.ProcessID{PID: 7, StartTicks: 1}, StartedAt: 1000 * second}},
			},
		}}}
		stale, unsure := Outdated(&mesh.Mesh{Resources: []mesh.Resource{r}}, seen)
		if len(stale) != c.stale || len(unsure) != c.unsure {
			t.Errorf("%s: stale %+v, unsure %+v", c.name, stale, unsure)
		}
	}
}

// A process cannot report what git wants anew before that is on disk: it waits for an apply and is not stale.
func TestAProcessThatReportsWhatGitWantedBeforeIsNotOutdated(t *testing.T) {
	t.Parallel()
	file := mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Host("h"), Kind: mesh.File, Name: "/etc/x"},
		Attrs: mesh.MustTree(map[string]any{"content": "sha256:2", "mode": "0644", "owner": "root", "group": "root"}),
	}
	service := mesh.Resource{
		Addr: mesh.Address{Target: mesh.Host("h"), Kind: mesh.Service, Name: "x"}, Attrs: mesh.MustTree(map[string]any{"running": true}),
		Service: &mesh.ServiceSpec{Reads: []string{"/etc/x"}, On: mesh.OnRestart, Reports: &mesh.Reports{Kind: "zookeeper.conf", Port: 1, Values: map[string]string{"tickTime": "3000"}}},
	}
	for digest, want := range map[string]int{"sha256:1": 0, "sha256:2": 1} {
		there := file
		there.Attrs = mesh.MustTree(map[string]any{"content": digest, "mode": "0644", "owner": "root", "group": "root"})
		seen := mesh.Observed{Targets: []mesh.TargetState{{
			Target: mesh.Host("h"), Outcome: mesh.OK, Resources: []mesh.Resource{there},
			Host: &mesh.HostFacts{
				BootID: "b", Reads: map[string]mesh.Read{"/etc/x": {Digest: digest, Ctime: 1e9}},
				Processes: map[string]mesh.Process{"x": {ProcessID: mesh.ProcessID{PID: 7, StartTicks: 1}, StartedAt: 1000e9}},
				Answers:   []mesh.Answer{{Check: service.Service.Reports.Question(), Body: "tickTime=2000\n"}},
			},
		}}}
		if stale, _ := Outdated(&mesh.Mesh{Resources: []mesh.Resource{file, service}}, seen); len(stale) != want {
			t.Errorf("with %s on disk: %+v", digest, stale)
		}
	}
}
