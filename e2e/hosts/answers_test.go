//go:build linux

package hosts

import (
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

// Real services are asked as the checks ask them: each one serves once it runs, and does not when it is stopped.
func TestTheChecksOfRealServices(t *testing.T) {
	_, m := start(t, bed.Options{})
	m.Must(t, "apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io")
	for unit, c := range map[string]mesh.Check{
		"haproxy": {Kind: "haproxy", Path: "/run/haproxy/admin.sock"}, // as Debian's own haproxy.cfg has it
		"docker":  {Kind: "docker", Path: "/run/docker.sock"},
	} {
		t.Run(unit, func(t *testing.T) {
			m.Must(t, "systemctl start "+unit)
			h := m.target(t, nil)
			until := func(want health.Status) mesh.Answer {
				t.Helper()
				deadline := time.Now().Add(patience)
				for {
					a := h.Probe(t.Context(), []mesh.Check{c})[0]
					v := health.Judge(a)
					if v.Status == want {
						return a
					}
					if time.Now().After(deadline) {
						t.Fatalf("it is never %s, but %+v", want, v)
					}
				}
			}
			t.Logf("it answers:\n%s", strings.TrimSpace(until(health.Serving).Body))
			// Docker's socket is systemd's, which starts Docker for who asks.
			m.Must(t, "systemctl stop "+unit+"; [ "+unit+" != docker ] || systemctl stop docker.socket docker")
			until(health.NotServing)
		})
	}
}
