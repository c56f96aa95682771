package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestAProcessHasEndedWhenItsNumberIsNobodysOrAnothers(t *testing.T) {
	t.Parallel()
	own := processOf(os.Getpid())
	fields := strings.Fields(own)
	if len(fields) != 4 {
		t.Skip("this system does not say what a process is known by")
	}
	with := func(i int, value string) string {
		f := strings.Fields(own)
		f[i] = value
		return strings.Join(f, " ")
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what, process string
		ended         bool
	}{
		{"it runs", own, false},
		{"another one has its number", with(3, "1"), true},
		{"nobody has its number", with(2, strconv.Itoa(gone.Process.Pid)), true},
		{"it was in another boot", with(0, "other"), false},
		{"it is not to be seen from here", with(1, "pid:[1]"), false},
		{"its number is none", with(2, "-1"), false},
		{"nothing is said", "", false},
	} {
		if got := ended(x.process); got != x.ended {
			t.Errorf("%s: %t", x.what, got)
		}
	}
}

// TestAProcessThatProcHidesHasNotEnded looks at this process as another user, from where /proc
// shows nobody else's processes.
func TestAProcessThatProcHidesHasNotEnded(t *testing.T) {
	t.Parallel()
	if process := os.Getenv("MESHSYNC_TEST_PROCESS"); process != "" {
		t.Logf("ended: %t, seen: %q", ended(process), processOf(os.Getppid()))
		return
	}
	exe, err := os.CreateTemp("", "meshsync-hidden-*.test") //nolint:usetesting // others than the owner cannot enter what is in t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	_ = exe.Close()
	t.Cleanup(func() { _ = os.Remove(exe.Name()) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", self, exe.Name()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command("unshare", "--mount", "sh", "-c",
		`mount -t proc -o hidepid=2 proc /proc && chmod 755 "$1" && cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$1" -test.run "$2" -test.v`,
		"sh", exe.Name(), "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "MESHSYNC_TEST_PROCESS="+processOf(os.Getpid()))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `seen: ""`) {
		t.Skipf("processes cannot be hidden here: %v %s", err, out)
	}
	if !strings.Contains(string(out), "ended: false") {
		t.Errorf("a process that runs is taken for ended:\n%s", out)
	}
}
