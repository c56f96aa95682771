//go:build linux

package bed

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// execGroup has the processes that Exec starts, apart from those of the host's systemd,
// which counts what is in its own groups.
const execGroup = "exec"

// execGrace is how long a script's background processes may keep its output open after
// the script has ended, or its test.
const execGrace = 10 * time.Second

// A Result is what a command on a host came to.
type Result struct {
	Stdout, Stderr string
	Exit           int
}

// Exec runs a script with sh as root on the host, without the network: it works while the
// cable is out. Any exit code is a result; a host that is off is the test's failure.
func (h *Host) Exec(t testing.TB, script string) Result {
	t.Helper()
	r, err := h.Run(t.Context(), script, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Must runs a script that has to succeed and returns what it wrote to standard output.
func (h *Host) Must(t testing.TB, script string) string {
	t.Helper()
	r := h.Exec(t, script)
	if r.Exit != 0 {
		t.Fatalf("%s: exit %d of %s\n%s%s", h.Name, r.Exit, script, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Put writes a file, and the folders above it. An existing one is replaced.
func (h *Host) Put(t testing.TB, name, text string, mode fs.FileMode) {
	t.Helper()
	r, err := h.Run(t.Context(), fmt.Sprintf("install -D -m %o /dev/stdin %s", mode.Perm(), quote(name)), []byte(text))
	if err == nil && r.Exit != 0 {
		err = fmt.Errorf("put %s on %s: %s", name, h.Name, tail(r.Stderr))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Get reads a file.
func (h *Host) Get(t testing.TB, name string) string {
	t.Helper()
	return h.Must(t, "cat "+quote(name))
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Run is Exec for a program that is no test, with something for the script to read.
func (h *Host) Run(ctx context.Context, script string, stdin []byte) (Result, error) {
	pid, err := h.leader()
	if err != nil {
		return Result{}, err
	}
	drop, err := excess(pid)
	if err != nil {
		return Result{}, err
	}
	cmd := command(ctx, "nsenter", "--target", pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root",
		"--", "/usr/bin/setpriv", "--bounding-set="+drop, "/bin/sh", "-c", "cd /root; "+script)
	cmd.Env = []string{"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	cmd.WaitDelay = execGrace
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errOut
	err = h.group.below(execGroup).start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	exit, ok := exitCode(err)
	if !ok {
		return Result{}, fmt.Errorf("run a command on %s: %w", h.Name, err)
	}
	return Result{Stdout: out.String(), Stderr: errOut.String(), Exit: exit}, nil
}

// excess names, for setpriv, the capabilities that this process has and the host's first
// one does not: root on a host is to be told what it may not do there.
func excess(pid string) (string, error) {
	own, err := capabilities("self")
	if err != nil {
		return "", err
	}
	theirs, err := capabilities(pid)
	if err != nil {
		return "", err
	}
	var out []string
	for bit := range 64 {
		if (own&^theirs)>>bit&1 == 1 {
			out = append(out, fmt.Sprintf("-cap_%d", bit))
		}
	}
	if out == nil {
		out = []string{"+cap_0"} // a list has to have something; this one changes nothing
	}
	return strings.Join(out, ","), nil
}

// capabilities reads the bounding set of a process of this machine.
func capabilities(pid string) (uint64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if set, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			return strconv.ParseUint(strings.TrimSpace(set), 16, 64)
		}
	}
	return 0, fmt.Errorf("the status of process %s has no bounding set", pid)
}
