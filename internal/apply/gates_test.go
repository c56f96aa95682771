package apply

import (
	"context"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// told answers questions by what is said under their ports and units.
type told map[mesh.Check]mesh.Answer

func (x told) Probe(_ context.Context, checks []mesh.Check) []mesh.Answer {
	var out []mesh.Answer
	for _, c := range slices.Backward(checks) { // the order is the host's own
		a := x[c]
		a.Check = c
		out = append(out, a)
	}
	return out
}

func TestAServiceWithoutACheckRunsAsSystemdSays(t *testing.T) {
	t.Parallel()
	port := mesh.Check{Kind: "tcp", Port: 80}
	step := func(unit string, check *mesh.Check) plan.ServiceStep {
		return plan.ServiceStep{Target: mesh.Host("m1"), Unit: unit, Op: plan.OpRestart, Spec: mesh.ServiceSpec{Check: check}}
	}
	up := mesh.Answer{Body: "Result=success\nActiveState=active\n"}
	dead := mesh.Answer{Body: "Result=exit-code\nActiveState=failed\n"}
	stop := plan.ServiceStep{Target: mesh.Host("m1"), Unit: "c", Op: plan.OpStop}
	for _, x := range []struct {
		name  string
		steps []plan.ServiceStep
		told  told
		holds bool
		says  string
	}{
		{"none comes up", []plan.ServiceStep{stop}, nil, true, "no service of the batch was to come up"},
		{"all have checks", []plan.ServiceStep{step("a", &port), stop}, told{}, true, "pass their checks"},
		{"none has one", []plan.ServiceStep{step("b", nil)}, told{mesh.UnitCheck("b"): up}, true, "run, as systemd says: they have no checks"},
		{"some have", []plan.ServiceStep{step("a", &port), step("b", nil)}, told{mesh.UnitCheck("b"): up}, true, "where they have none"},
		{"one has died", []plan.ServiceStep{step("a", &port), step("b", nil)}, told{mesh.UnitCheck("b"): dead}, false, "b on m1 (systemd says that it is failed (exit-code): see journalctl -u b)"},
		{"nobody describes it", []plan.ServiceStep{step("b", nil)}, told{}, false, "b on m1 (systemctl does not describe it)"},
		{"its check fails", []plan.ServiceStep{step("a", &port)}, told{port: {Err: "refused"}}, false, "a on m1 (nothing listens on the port)"},
	} {
		r := &runner{Options: Options{Probers: map[string]Prober{"m1": x.told}}}
		if holds, text := r.healthy(t.Context(), plan.Gate{}, plan.Batch{Service: x.steps}); holds != x.holds || !strings.Contains(text, x.says) {
			t.Errorf("%s: %v %q", x.name, holds, text)
		}
	}
	r := &runner{}
	if holds, text := r.healthy(t.Context(), plan.Gate{}, plan.Batch{Service: []plan.ServiceStep{step("b", nil)}}); holds || !strings.Contains(text, "cannot be asked") {
		t.Errorf("%v %q", holds, text)
	}
}
