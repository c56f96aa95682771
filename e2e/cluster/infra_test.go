//go:build linux

package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

// infra is a repository of a user's, with one mesh of the hosts of a bed: prod.
type infra struct {
	bed *bed.Bed
	dir string
	env []string
}

// newInfra makes the repository as users do.
func newInfra(t *testing.T, b *bed.Bed) *infra {
	t.Helper()
	i := &infra{bed: b, dir: filepath.Join(t.TempDir(), "infra"), env: append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "HOME="+t.TempDir())}
	i.must(t, "", os.Getenv(programVariable), "init", i.dir)
	for _, name := range []string{"prod", "staging", "facts", "common", "templates"} {
		if err := os.RemoveAll(filepath.Join(i.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	i.must(t, i.dir, "git", "init", "-q", "-b", "main")
	return i
}

// addRole gives the repository a role of its own.
func (i *infra) addRole(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(i.dir, "roles", name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commit writes files of the mesh, by name and text in turns, and commits.
func (i *infra) commit(t *testing.T, files ...string) {
	t.Helper()
	folder := filepath.Join(i.dir, "prod")
	err := os.MkdirAll(folder, 0o755)
	for n := 0; n < len(files); n += 2 {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, files[n]), []byte(files[n+1]), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	i.must(t, i.dir, "git", "add", "-A")
	i.must(t, i.dir, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "change")
}

// An ending is what a run of the program came to.
type ending struct {
	output string
	exit   int
}

// begin runs the program on the mesh. Its end comes through the channel.
func (i *infra) begin(t *testing.T, args ...string) <-chan ending {
	t.Helper()
	args = append(args, "-C", "prod", "-i", i.bed.KeyFile, "--known-hosts", i.bed.KnownHosts, "--ssh-config", "/dev/null")
	cmd := exec.CommandContext(t.Context(), os.Getenv(programVariable), args...)
	cmd.Dir, cmd.Env = i.dir, i.env
	ended := make(chan ending, 1)
	go func() {
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil { // it did not begin
			ended <- ending{err.Error(), -1}
			return
		}
		ended <- ending{string(out), cmd.ProcessState.ExitCode()}
	}()
	return ended
}

// done runs the program, which has to end with nothing left to say.
func (i *infra) done(t *testing.T, args ...string) string {
	t.Helper()
	run := <-i.begin(t, args...)
	if run.exit != 0 {
		t.Fatalf("meshsync %s: exit %d\n%s", strings.Join(args, " "), run.exit, run.output)
	}
	return run.output
}

// settled sees that there is nothing to do.
func (i *infra) settled(t *testing.T) {
	t.Helper()
	i.done(t, "plan", "--detailed-exitcode")
}

func (i *infra) must(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, i.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out))
	}
}
