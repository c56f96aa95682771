//go:build linux

package hosts

import (
	"testing"

	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox"
)

// The sandbox has by name what a real host comes to by itself, see
// TestAptsLockIsANamedFailure and TestAPackageThatFailsHalfwayIsMendedByANewerOne.
func TestFaultsOfTheSandboxsPackagesAreNamed(t *testing.T) {
	t.Parallel()
	for _, mode := range []sandbox.Mode{"namespaces", "plain"} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			c, m := box(t, mode)
			want := m.all(t, "packages", "daemon", `{"version": "1"}`)
			for _, x := range []struct{ fault, arg, action, message string }{
				{"apt-lock", "", "create daemon", "apt's lock is held by another process"},
				{"postinst-fails", "daemon", "create daemon", "dpkg: error processing package daemon (--configure)"},
			} {
				if err := c.Fault(m.Name, x.fault, x.arg); err != nil {
					t.Fatal(err)
				}
				result(t, m.apply(t, want), x.action, plan.ResultFailed, x.message)
				if err := c.Fault(m.Name, x.fault, "off"); err != nil {
					t.Fatal(err)
				}
			}
			m.converge(t, want)
		})
	}
}
