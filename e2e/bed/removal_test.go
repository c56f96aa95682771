//go:build linux

package bed

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// traces lists what a machine still has of a scope's hosts.
func traces(t *testing.T, scope string) []string {
	t.Helper()
	var out []string
	mounts, err := readMounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mounts {
		if strings.Contains(m.point, "/"+scope+"/") || strings.Contains(m.point, prefix+scope+".") {
			out = append(out, "mount "+m.point)
		}
	}
	spaces, err := filepath.Glob(namespacePath(prefix + scope + ".*"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := groupOf(scope)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := filepath.Glob(string(g) + "/*/")
	if err != nil {
		t.Fatal(err)
	}
	pids, err := g.members()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		out = append(out, "process "+pid)
	}
	return append(append(out, spaces...), groups...)
}

func setting(t *testing.T) inside {
	t.Helper()
	if reason := os.Getenv(withoutVariable); reason != "" {
		t.Skip(reason)
	}
	var in inside
	if err := json.Unmarshal([]byte(os.Getenv(insideVariable)), &in); err != nil {
		t.Fatal(os.Getenv(brokenVariable), err)
	}
	return in
}

func TestCloseLeavesNothing(t *testing.T) {
	b := Start(t, Options{Hosts: 2})
	dir := b.dir
	pids, err := b.Hosts[0].group.members()
	if err != nil || len(pids) < 3 {
		t.Fatalf("a running host has processes %q, %v", pids, err)
	}
	if got := traces(t, b.scope); len(got) < 6 {
		t.Fatalf("traces of running hosts are found by nobody: %q", got)
	}
	b.Close(t)
	if got := traces(t, b.scope); len(got) > 0 {
		t.Errorf("after Close there are %q", got)
	}
	for _, pid := range pids {
		// One that has ended may wait for the machine's first process to look after it.
		status, err := os.ReadFile("/proc/" + pid + "/status")
		if err == nil && !strings.Contains(string(status), "State:\tZ") {
			t.Errorf("process %s of a host has outlived it: %s", pid, status)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
	if out, err := exec.CommandContext(t.Context(), "ip", "link", "show", "dev", "h1").CombinedOutput(); err == nil {
		t.Errorf("a cable is left: %s", out)
	}
	b.Close(t) // once more, as the test's end does
}

func TestHostThatCannotBootIsRemoved(t *testing.T) {
	b, err := newBed(setting(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(t) })
	if err := b.make(t.Context(), Options{Hosts: 2, Bare: true}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sbin/init", "lib/systemd/systemd"} {
		if err := os.Remove(filepath.Join(b.Hosts[1].machine.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	err = b.each(t.Context(), (*Host).boot)
	if err == nil || !strings.Contains(err.Error(), "boot h2") || !strings.Contains(err.Error(), "console ends with") {
		t.Errorf("boot without an init: %v", err)
	}
	b.Close(t)
	if got := traces(t, b.scope); len(got) > 0 {
		t.Errorf("after a failed boot there are %q", got)
	}
}

// endVariable makes TestEnds, in a process of its own, boot a host and then end badly.
const endVariable = "MESHSYNC_BED_TEST_END"

// TestEnds is the body of the runs that TestRunsThatEndBadlyAreCleared starts.
func TestEnds(t *testing.T) {
	how := os.Getenv(endVariable)
	if how == "" {
		return
	}
	Start(t, Options{Hosts: 1, Bare: true})
	if _, err := os.Stdout.WriteString("\nbooted\n"); err != nil {
		t.Fatal(err)
	}
	if how == "exit" {
		os.Exit(7)
	}
	select {}
}

func TestRunsThatEndBadlyAreCleared(t *testing.T) {
	in := setting(t)
	dir := ownDirOf(t, in)
	t.Run("exit", func(t *testing.T) {
		cmd, _ := endBadly(t, dir, "exit")
		err := cmd.Wait()
		if code, _ := exitCode(err); code != 7 {
			t.Errorf("the tests ended with 7, and Main with %v", err)
		}
		goneScope(t, dir, cmd)
	})
	t.Run("signal", func(t *testing.T) {
		cmd, booted := endBadly(t, dir, "hang")
		booted()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // its code is that of a signal
		goneScope(t, dir, cmd)
	})
	t.Run("kill", func(t *testing.T) {
		cmd, booted := endBadly(t, dir, "hang")
		booted()
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil { // Main and the tests
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if got := traces(t, scopeOf(cmd)); len(got) == 0 {
			t.Fatal("nothing was left, so this shows nothing")
		}
		if err := sweep(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		goneScope(t, dir, cmd)
	})
}

// ownDirOf is a folder for beds that has the trees of the tests' own, and no other runs: those of
// other packages begin with a sweep, which would clear what is to be seen here. It is the one of
// the tests' scope, so that a run that is killed here leaves nothing for good.
func ownDirOf(t *testing.T, in inside) string {
	t.Helper()
	trees := filepath.Join(in.Dir, "trees")
	if err := os.Symlink(filepath.Join(filepath.Dir(filepath.Dir(in.Dir)), "trees"), trees); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(trees); err != nil {
			t.Error(err)
		}
	})
	return in.Dir
}

// endBadly starts this program as go test does, for TestEnds only.
func endBadly(t *testing.T, dir, how string) (cmd *exec.Cmd, booted func()) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program, "-test.run=^TestEnds$")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, insideVariable+"=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, endVariable+"="+how, DirVariable+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	if how == "exit" {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, nil
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, func() {
		t.Helper()
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "booted" {
				return
			}
			t.Log(lines.Text())
		}
		t.Fatal("the run ended before its host was up")
	}
}

func scopeOf(cmd *exec.Cmd) string {
	return strings.TrimSuffix(filepath.Base(cmd.Path), ".test") + "-" + strconv.Itoa(cmd.Process.Pid)
}

// goneScope finds nothing of a run, its own folder, lock and namespace included.
func goneScope(t *testing.T, dir string, cmd *exec.Cmd) {
	t.Helper()
	scope := scopeOf(cmd)
	got := traces(t, scope)
	g, err := groupOf(scope)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		filepath.Join(runDir(dir), scope), filepath.Join(runDir(dir), scope+".lock"),
		namespacePath(control(scope)), string(g),
	} {
		if _, err := os.Stat(name); err == nil {
			got = append(got, name)
		}
	}
	if len(got) > 0 {
		t.Errorf("left: %q", got)
	}
}
