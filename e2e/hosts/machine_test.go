//go:build linux

package hosts

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

func TestMain(m *testing.M) { os.Exit(bed.Main(m)) }

// A machine is one host, by the two ways there are to it: the one that meshsync takes, and a
// console past it, for what somebody else does there and for a look at what came of it.
type machine struct {
	mesh.HostSpec
	console
	place place
	ways  *ways
}

// A console runs a script with sh as the host's root, whose directory / is "$R/": a real host
// has no such variable, a host of the sandbox has a folder in it.
type console interface {
	Exec(t testing.TB, script string) bed.Result
}

// A place is what a machine is part of.
type place string

const (
	onBed     place = "the bed"
	inSandbox place = "the sandbox"
)

// patience is for one observation or batch on a busy machine.
const patience = 5 * time.Minute

// start boots one real host.
func start(t *testing.T, o bed.Options) (*bed.Bed, machine) {
	t.Helper()
	o.Hosts = 1
	b := bed.Start(t, o)
	h := b.Hosts[0]
	return b, machine{
		HostSpec: mesh.HostSpec{Name: h.Name, Address: h.Address, User: "root"}, console: h, place: onBed,
		ways: newWays(t, remote.Options{IdentityFiles: []string{b.KeyFile}, KnownHosts: []string{b.KnownHosts}}),
	}
}

// Must runs a script that has to succeed and returns what it wrote to standard output.
func (m machine) Must(t testing.TB, script string) string {
	t.Helper()
	r := m.Exec(t, script)
	if r.Exit != 0 {
		t.Fatalf("%s: exit %d of %s\n%s%s", m.Name, r.Exit, script, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Put writes a file of the host.
func (m machine) Put(t testing.TB, name, text string, mode fs.FileMode) {
	t.Helper()
	m.Must(t, fmt.Sprintf("printf %%s %s >\"$R\"%s && chmod %o \"$R\"%[2]s", quote(text), quote(name), mode.Perm()))
}

// Get reads a file of the host.
func (m machine) Get(t testing.TB, name string) string {
	t.Helper()
	return m.Must(t, "cat \"$R\""+quote(name))
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
