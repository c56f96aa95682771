package primitive

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestWorkersAreReadBehindTheirMainProcess(t *testing.T) {
	t.Parallel()
	timed := block("loaded", "active", "enabled", 41) + "StateChangeTimestampMonotonic=81244516\n"
	out := strings.Join([]string{timed, timed, timed}, "\n") + processes + proc(41, 1234) + "+" + proc(52, 5678) + proc(42, 99) + "+-\n" + proc(43, 98) + toEnable + scripts
	got := readUnits(out, []string{"a", "b", "c"})
	if len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []struct {
		pid     int
		worker  mesh.ProcessID
		changed uint64
	}{{41, mesh.ProcessID{PID: 52, StartTicks: 5678}, 81244516}, {42, mesh.ProcessID{}, 81244516}, {43, mesh.ProcessID{}, 0}} {
		if got[i].PID != want.pid || got[i].Worker != want.worker || got[i].ChangedAt != want.changed {
			t.Errorf("%d: %+v, want %+v", i, got[i], want)
		}
	}
	for name, out := range map[string]string{
		"a worker that is cut":     timed + processes + proc(41, 1234) + "+52 (a" + toEnable + scripts,
		"a worker without process": timed + processes + "+" + proc(52, 5678) + toEnable + scripts,
	} {
		if got := readUnits(out, []string{"a"}); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestOnlyServicesThatReloadAreAskedForTheirWorkers(t *testing.T) {
	t.Parallel()
	if got := workersOf([]Wanted{{Name: "a"}, {Name: "b", Workers: true}, {Name: "c", Workers: true}}); got != "' 1 2 '" {
		t.Errorf("%s", got)
	}
}
