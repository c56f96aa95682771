//go:build linux

package hosts

import (
	"os"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
	"meshsync.dev/meshsync/internal/sandbox"
)

// box starts a sandbox with one host, which can get the package daemon in versions 1 and 2.
func box(t *testing.T, mode sandbox.Mode) (*sandbox.Cluster, machine) {
	t.Helper()
	if mode == "namespaces" && os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	c, err := sandbox.Start(t.Context(), sandbox.Options{Dir: publicDir(t), Mode: mode, Hosts: []sandbox.HostOptions{{
		Name: "h1", Units: []sandbox.UnitOptions{{Name: "daemon"}},
		Packages: []sandbox.PackageOptions{{Name: "daemon", Versions: []string{"2", "1"}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	connect, err := sandbox.ReadConnect(c.ConnectFile())
	if err != nil {
		t.Fatal(err)
	}
	at := connect.Hosts["h1"]
	m := machine{
		HostSpec: mesh.HostSpec{Name: "h1", Address: at.Address, Port: at.Port, User: at.User, HostKeys: []string{at.HostKey}},
		place:    inSandbox, ways: newWays(t, remote.Options{IdentityFiles: []string{connect.Identity}}),
	}
	m.console = login{m.dialer()}
	return c, m
}

// publicDir is a temporary folder that all users can enter, unlike t.TempDir.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hosts-test-") //nolint:usetesting // others than the owner cannot enter what is in t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// login is the console of a host of the sandbox: what meshsync runs there is run so, too.
type login struct{ dialer dialer }

func (l login) Exec(t testing.TB, script string) bed.Result {
	t.Helper()
	conn, err := l.dialer.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := conn.Run(t.Context(), "sudo -n /bin/sh -s", strings.NewReader("{\n"+script+"\n} </dev/null\n"), 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bed.Result{Stdout: string(r.Stdout), Stderr: r.Stderr, Exit: r.Exit}
}
