//go:build linux

package hosts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
)

// target is the host as meshsync has it, with what is wanted of it.
func (m machine) target(t *testing.T, want []mesh.Resource) *host.Host {
	t.Helper()
	var checks []mesh.Check
	for _, r := range want {
		if r.Service != nil && r.Service.Reports != nil {
			checks = append(checks, r.Service.Reports.Question())
		}
	}
	h := host.New(host.Options{Mesh: "prod", Name: m.Name, Resources: want, Checks: checks, Dialer: m.dialer(), Timeout: patience, BatchTimeout: patience})
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// declare makes a desired resource as a repository would; field is that of the contract.
func (m machine) declare(t *testing.T, field, name, declaration string) mesh.Resource {
	t.Helper()
	i := slices.IndexFunc(primitive.All(), func(p primitive.Primitive) bool { return p.Field == field })
	if i < 0 {
		t.Fatalf("no kind has the field %s", field)
	}
	p := primitive.All()[i]
	d, err := p.Decode([]byte(declaration))
	if err != nil {
		t.Fatal(err)
	}
	if d.Service != nil {
		d.Service.Reads = append(d.Service.Reads, primitive.UnitReads(name)...)
	}
	return mesh.Resource{
		Addr: mesh.Address{Target: mesh.Host(m.Name), Kind: p.Kind, Name: name}, Attrs: mesh.MustTree(d.Attrs), Role: "r",
		Text: d.Text, Secret: d.Secret, Purge: d.Purge, Gone: d.Gone, Recursive: d.Recursive, Validate: d.Validate, Service: d.Service,
	}
}

// all makes several of them: field, name, declaration, and so on.
func (m machine) all(t *testing.T, parts ...string) []mesh.Resource {
	t.Helper()
	var out []mesh.Resource
	for p := range slices.Chunk(parts, 3) {
		out = append(out, m.declare(t, p[0], p[1], p[2]))
	}
	return out
}

// planned looks at the host and plans.
func (m machine) planned(t *testing.T, h *host.Host, want []mesh.Resource) plan.Plan {
	t.Helper()
	s := h.Observe(t.Context())
	if s.Outcome != mesh.OK {
		t.Fatalf("observe: %s: %s", s.Outcome, s.Message)
	}
	in := plan.Input{
		Mesh: &mesh.Mesh{Name: "prod", Hosts: []mesh.HostSpec{m.HostSpec}, Roles: []mesh.RoleSpec{{Name: "r", Hosts: []string{m.Name}}}, Resources: want},
		Seen: mesh.Observed{Targets: []mesh.TargetState{s}},
	}
	p := plan.Build(in)
	if len(p.Refusals)+len(p.Unknown) > 0 {
		t.Fatalf("refusals %+v, unknown %+v", p.Refusals, p.Unknown)
	}
	return p
}

// applied carries out a plan and returns what became of each action, by "ACTION NAME".
func (m machine) applied(t *testing.T, h *host.Host, p plan.Plan) map[string]plan.Outcome {
	t.Helper()
	got := map[string]plan.Outcome{}
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			w := plan.Work{Run: "r1", Commit: strings.Repeat("c", 40), Time: "2026-01-01T00:00:00Z", Changes: b.Changes, Services: b.Service}
			err := h.Apply(t.Context(), w, func(o plan.Outcome) {
				_, name, _ := strings.Cut(o.Subject, ":")
				got[o.Action+" "+name] = o
			})
			if err != nil {
				t.Errorf("apply: %v", err)
			}
		}
	}
	return got
}

// apply plans and carries out.
func (m machine) apply(t *testing.T, want []mesh.Resource) map[string]plan.Outcome {
	t.Helper()
	h := m.target(t, want)
	return m.applied(t, h, m.planned(t, h, want))
}

// bring brings the host to what is wanted, and returns what became of each action.
func (m machine) bring(t *testing.T, want []mesh.Resource) map[string]plan.Outcome {
	t.Helper()
	got := m.apply(t, want)
	for what, o := range got {
		if o.Result != plan.ResultDone {
			t.Errorf("%s: %s: %s", what, o.Result, o.Message)
		}
	}
	return got
}

// converge brings the host to what is wanted, and sees that a second look finds nothing to do.
func (m machine) converge(t *testing.T, want []mesh.Resource) map[string]plan.Outcome {
	t.Helper()
	got := m.bring(t, want)
	m.settled(t, want)
	return got
}

// settled sees that there is nothing to do.
func (m machine) settled(t *testing.T, want []mesh.Resource) {
	t.Helper()
	p := m.planned(t, m.target(t, want), want)
	if !p.Empty {
		t.Errorf("there is still something to do:%s", tell(p))
	}
}

// tell is a plan in words, for failures.
func tell(p plan.Plan) string {
	var b strings.Builder
	for _, s := range p.Stages {
		for _, ba := range s.Batches {
			for _, c := range ba.Changes {
				fmt.Fprintf(&b, "\n  %s %s %v -> %v (%s)", c.Action, c.Addr, c.Before, c.After, c.Class)
			}
			for _, st := range ba.Service {
				fmt.Fprintf(&b, "\n  %s %s", st.Op, st.Unit)
			}
		}
	}
	return b.String()
}

// steps are the operations of a plan on units, in order.
func steps(p plan.Plan) string {
	var out []string
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			for _, st := range b.Service {
				out = append(out, string(st.Op)+" "+st.Unit)
			}
		}
	}
	return strings.Join(out, ", ")
}

// holds fails the test unless a shell test passes on the host.
func (m machine) holds(t *testing.T, test string) {
	t.Helper()
	if test == "" {
		return
	}
	if r := m.Exec(t, test); r.Exit != 0 {
		t.Errorf("does not hold: %s\n%s%s", test, r.Stdout, r.Stderr)
	}
}

// result fails the test unless an action ended so, with such a message.
func result(t *testing.T, got map[string]plan.Outcome, what string, want plan.Result, message string) {
	t.Helper()
	o, ok := got[what]
	if !ok || o.Result != want || !strings.Contains(o.Message, message) {
		t.Errorf("%s: got %s %q, want %s %q; all: %+v", what, o.Result, o.Message, want, message, got)
	}
}

// until waits for a shell test to pass on the host.
func (m machine) until(t *testing.T, test string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if m.Exec(t, test).Exit == 0 {
			return
		}
	}
	t.Fatalf("never holds: %s", test)
}
