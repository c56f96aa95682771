//go:build linux

package hosts

import (
	"regexp"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// A life is that of one resource on a host: made, found as it should be, changed while
// somebody else moved it, changed, and dropped by git. Its scripts run on the console, and
// may run again on the same host.
type life struct {
	name    string
	prepare string
	rest    []string // what is wanted besides, all the time
	want    []string // field, name, declaration; the first one is the subject
	is      string   // shell test that passes then
	changed string   // another declaration of the subject
	moved   string   // what somebody else does between plan and apply
	left    string   // shell test that passes after the conflict: what somebody did is still there
	then    string   // shell test that passes after the change
	dropped string   // shell test that passes once git no longer names it
	// nowhere says of the places where this life cannot be lived why that is so.
	nowhere map[place]string
}

// live lives a life.
func (m machine) live(t *testing.T, l life) {
	l = m.prepared(t, l)
	rest := m.all(t, l.rest...)
	want := append(m.all(t, l.want...), rest...)
	m.converge(t, want)
	m.holds(t, l.is)
	if l.changed != "" {
		changed := append(m.all(t, l.want[0], l.want[1], l.changed), rest...)
		if l.moved != "" {
			m.conflicts(t, l, want, changed)
		}
		m.converge(t, changed)
		m.holds(t, l.then)
	}
	m.converge(t, rest)
	m.holds(t, l.dropped)
	m.forgotten(t, want[0])
}

// conflicts moves the subject between plan and apply. Git had moved before, so the next plan
// is of both, and of drift were git as it was.
func (m machine) conflicts(t *testing.T, l life, want, changed []mesh.Resource) {
	t.Helper()
	h := m.target(t, changed)
	p := m.planned(t, h, changed)
	m.classed(t, p, want[0].Addr, diff.Pending)
	m.Must(t, l.moved)
	got := m.applied(t, h, p)
	result(t, got, "update "+l.want[1], plan.ResultConflict, "it is no longer as planned")
	m.holds(t, l.left)
	m.classed(t, m.planned(t, m.target(t, want), want), want[0].Addr, diff.Drift)
	m.classed(t, m.planned(t, m.target(t, changed), changed), want[0].Addr, diff.Both)
}

// classed fails the test unless a plan has a change of a class.
func (m machine) classed(t *testing.T, p plan.Plan, a mesh.Address, want diff.Class) {
	t.Helper()
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			for _, c := range b.Changes {
				if c.Addr == a && c.Class == want {
					return
				}
			}
		}
	}
	t.Errorf("no change of %s is of the class %s:%s", a, want, tell(p))
}

// forgotten sees that the record has no more of what git dropped.
func (m machine) forgotten(t *testing.T, r mesh.Resource) {
	t.Helper()
	m.holds(t, `! grep '`+r.Addr.String()+`"' "$R/var/lib/meshsync/prod/record.json"`)
}

// liveTogether makes all that lives begin with in one go, and drops it in one go: kinds wait
// for each other.
func (m machine) liveTogether(t *testing.T, all []life) {
	var mine []life
	var want, rest []mesh.Resource
	for _, l := range all {
		if l.nowhere[m.place] != "" {
			continue
		}
		l = m.prepared(t, l)
		mine = append(mine, l)
		want = append(want, m.all(t, l.want...)...)
		rest = append(rest, m.all(t, l.rest...)...)
	}
	m.converge(t, append(want, rest...))
	for _, l := range mine {
		m.holds(t, l.is)
	}
	m.converge(t, rest)
	for _, l := range mine {
		m.holds(t, l.dropped)
		m.forgotten(t, m.all(t, l.want[:3]...)[0])
	}
}

// prepared prepares the host and fills in @FILE@, the digest of a file, which only the host
// knows.
func (m machine) prepared(t *testing.T, l life) life {
	t.Helper()
	if l.prepare != "" {
		m.Must(t, l.prepare)
	}
	digest := func(text string) string {
		return regexp.MustCompile(`@[^@"]+@`).ReplaceAllStringFunc(text, func(file string) string {
			return m.sha256(t, file[1:len(file)-1])
		})
	}
	want := make([]string, len(l.want))
	for i, text := range l.want {
		want[i] = digest(text)
	}
	l.want, l.changed = want, digest(l.changed)
	return l
}

// sha256 is the digest of a file of the host.
func (m machine) sha256(t *testing.T, name string) string {
	t.Helper()
	return m.Must(t, `sha256sum <"$R`+name+`"`)[:64]
}
