//go:build linux

package hosts

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/primitive"
	"meshsync.dev/meshsync/internal/sandbox"
)

func TestEveryKindHasALife(t *testing.T) {
	has := map[string]bool{}
	for _, l := range lives() {
		has[l.want[0]] = true
	}
	for _, p := range primitive.All() {
		if !has[p.Field] {
			t.Errorf("the kind %s is tried on no host", p.Kind)
		}
	}
}

// conform is the conformance suite of the host target: what holds on any host.
func conform(t *testing.T, m machine) {
	m.lives(t)
	t.Run("restarts", m.restarts)
}

func (m machine) lives(t *testing.T) {
	t.Run("all at once", func(t *testing.T) { m.liveTogether(t, lives()) })
	for _, l := range lives() {
		if why := l.nowhere[m.place]; why != "" {
			t.Logf("%s is tried in another place than %s: %s", l.name, m.place, why)
			continue
		}
		t.Run(l.name, func(t *testing.T) { m.live(t, l) })
	}
	t.Run("a static unit cannot be enabled", m.tellsOfAStaticUnit)
}

// tellsOfAStaticUnit sees that a plan says what to do, and does all the rest.
func (m machine) tellsOfAStaticUnit(t *testing.T) {
	m.Must(t, brings("st", ""))
	want := m.all(t, "services", "st", `{"enabled": true, "running": true, "reads": [], "on": "restart"}`)
	p := m.seen(t, m.target(t, want), want)
	if len(p.Unknown) != 1 || p.Complete || !strings.Contains(p.Unknown[0].Message, "declare enabled: false, or give the unit an [Install] section") {
		t.Errorf("complete %t, unknown %+v:%s", p.Complete, p.Unknown, tell(p))
	}
}

func TestHostsOfTheSandboxConform(t *testing.T) {
	t.Parallel()
	untouched(t)
	for _, mode := range []sandbox.Mode{"namespaces", "plain"} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			_, m := box(t, mode)
			conform(t, m)
		})
	}
}

func TestRealHostsConform(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publishDaemon(t)
	conform(t, m)
}

// TestAUserWithSudoCanDoItAll goes the way of hosts where nobody logs in as root.
func TestAUserWithSudoCanDoItAll(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publishDaemon(t)
	m.User = "admin"
	m.lives(t)
}

// publishDaemon makes the package that a host of the sandbox can get, too.
func (m machine) publishDaemon(t *testing.T) {
	t.Helper()
	m.publish(t, deb{name: "daemon", version: "1", unit: sleeper}, deb{name: "daemon", version: "2", unit: sleeper})
}
