//go:build linux

package hosts

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// A motive is what may be a cause to restart a service that runs as git has it, or to leave
// it alone. An @ in it is the name of a unit, which no other motive has.
type motive struct {
	name    string
	prepare string   // runs before the service starts
	want    []string // field, name, declaration, and so on; what the service starts with
	git     []string // what git wants instead; nil: the same
	cut     bool     // a run writes that, and is killed before it comes to the service
	by      string   // what somebody else does
	op      plan.Op  // what the plan does to the service then; "" for nothing
	stale   string   // what it says of the process, if that runs with old input
	then    string   // shell test that passes afterwards
	nowhere map[place]string
}

// of names the unit of a motive.
func (x motive) of(unit string) motive {
	fill := func(text string) string { return strings.ReplaceAll(text, "@", unit) }
	each := func(list []string) []string {
		var out []string
		for _, text := range list {
			out = append(out, fill(text))
		}
		return out
	}
	x.prepare, x.by, x.then, x.stale, x.want, x.git = fill(x.prepare), fill(x.by), fill(x.then), fill(x.stale), each(x.want), each(x.git)
	if x.git == nil {
		x.git = x.want
	}
	return x
}

// restarts tries all motives at once: each moves its own service of the host, and no other.
func (m machine) restarts(t *testing.T) {
	var all []motive
	for i, x := range motives() {
		if why := x.nowhere[m.place]; why != "" {
			t.Logf("%s is tried in another place than %s: %s", x.name, m.place, why)
			continue
		}
		all = append(all, x.of(fmt.Sprintf("s%d", i)))
	}
	script := func(of func(motive) string) {
		var b strings.Builder
		for _, x := range all {
			b.WriteString(of(x) + "\n")
		}
		m.Must(t, "set -e\n"+b.String())
	}
	wanted := func(of func(motive) []string) []mesh.Resource {
		var out []mesh.Resource
		for _, x := range all {
			out = append(out, m.all(t, of(x)...)...)
		}
		return out
	}
	script(func(x motive) string { return x.prepare })
	m.bring(t, wanted(func(x motive) []string { return x.want }))
	before := m.processes(t, all)
	m.writes(t, wanted(func(x motive) []string {
		if x.cut {
			return x.git
		}
		return x.want
	}))
	script(func(x motive) string { return x.by })
	want := wanted(func(x motive) []string { return x.git })
	h := m.target(t, want)
	p := m.planned(t, h, want)
	m.applied(t, h, p)
	m.settled(t, want)
	after := m.processes(t, all)
	for i, x := range all {
		t.Run(x.name, func(t *testing.T) {
			x.judge(t, p, before[i], after[i])
			m.holds(t, x.then)
		})
	}
}

// judge compares what was planned for the service of a motive, and became of its process,
// with what should.
func (x motive) judge(t *testing.T, p plan.Plan, before, after string) {
	t.Helper()
	unit := x.unit()
	var want, said []string
	if x.op != "" {
		want = []string{string(x.op) + " " + unit}
	}
	got := slices.DeleteFunc(strings.Split(steps(p), ", "), func(step string) bool { return !strings.HasSuffix(step, " "+unit) })
	if !slices.Equal(got, want) {
		t.Errorf("the plan has the steps %q for it, want %q", got, want)
	}
	for _, e := range p.Stale {
		if e.Unit == unit {
			said = append(said, e.Message)
		}
	}
	if text := strings.Join(said, ", "); (text == "") != (x.stale == "") || !strings.Contains(text, x.stale) {
		t.Errorf("stale is %q, want %q", text, x.stale)
	}
	if moved := x.op == plan.OpRestart || x.op == plan.OpStart; moved != (before != after) {
		t.Errorf("its process was %s and is %s", before, after)
	}
}

// unit is the service of a motive, the last of what is wanted.
func (x motive) unit() string { return x.want[len(x.want)-2] }

// writes is a run that ends between what it writes and the services.
func (m machine) writes(t *testing.T, want []mesh.Resource) {
	t.Helper()
	h := m.target(t, want)
	p := m.planned(t, h, want)
	for i := range p.Stages {
		for j := range p.Stages[i].Batches {
			p.Stages[i].Batches[j].Service = nil
		}
	}
	m.applied(t, h, p)
}

// processes are the main processes of the services of motives.
func (m machine) processes(t *testing.T, all []motive) []string {
	t.Helper()
	var units []string
	for _, x := range all {
		units = append(units, x.unit())
	}
	return strings.Fields(m.Must(t, "systemctl show -p MainPID --value "+strings.Join(units, " ")))
}
