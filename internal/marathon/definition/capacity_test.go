package definition

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// What is told to stay up while tasks are replaced is just what the sandbox's Marathon keeps.
// It never runs more than was told; fewer where it stops many at once, which on a real agent
// take their time to end.
func TestCapacityIsWhatAMarathonKeeps(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"plain", "checked", "resident"} {
		for n := range 5 {
			for _, low := range []float64{0, 0.3, 0.5, 0.75, 1} {
				for _, over := range []float64{0, 0.3, 1} {
					if kind == "resident" && over > 0 {
						continue // refused
					}
					rolled(t, kind, n+1, low, over)
				}
			}
		}
	}
}

// rolled replaces the tasks of an app and compares what stayed up with what was told.
func rolled(t *testing.T, kind string, n int, low, over float64) {
	t.Helper()
	clock := marathond.NewManualClock(time.Unix(0, 0))
	s := marathond.New(marathond.Options{Name: "main", Role: "db", Clock: clock})
	defer func() { _ = s.Close() }()
	def := map[string]any{
		"id": "/a", "cmd": "run it", "instances": n, "upgradeStrategy": map[string]any{"minimumHealthCapacity": low, "maximumOverCapacity": over},
	}
	up := "tasksRunning"
	switch kind {
	case "checked":
		def["healthChecks"], up = []any{map[string]any{"protocol": "MESOS_HTTP", "portIndex": 0}}, "tasksHealthy"
	case "resident":
		def["container"] = map[string]any{"type": "MESOS", "volumes": []any{
			map[string]any{"containerPath": "a", "mode": "RW", "persistent": map[string]any{"size": 1}},
		}}
	}
	if asked(t, s, http.MethodPost, "/v2/apps", def) == nil {
		t.Fatal("refused")
	}
	for clock.Next(time.Minute) {
	}
	def["env"] = map[string]any{"NEW": "1"}
	form, _, err := Canonical(mesh.MustTree(def), submitted{}.info())
	if err != nil {
		t.Fatal(err)
	}
	told := CapacityOf(form, n)
	if asked(t, s, http.MethodPut, "/v2/apps/a?partialUpdate=false", def) == nil {
		t.Fatal("refused")
	}
	stay, most := n, n
	for {
		app := echoOf(t, s, "/a")
		stay, most = min(stay, numberOf(app[up])), max(most, len(list(app["tasks"])))
		if !clock.Next(30 * time.Second) {
			break
		}
	}
	if kind == "resident" || low < 1 && most < told.Most { // reserved instances stay listed
		most = told.Most
	}
	if got := (Capacity{stay, most}); got != told {
		t.Errorf("%s: %d tasks, %v/%v: %+v, and told was %+v", kind, n, low, over, got, told)
	}
}

func numberOf(v any) int {
	n := 0
	_, _ = fmt.Sscan(fmt.Sprint(v), &n)
	return n
}
