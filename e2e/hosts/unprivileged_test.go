//go:build linux

package hosts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestASandboxWithoutRootConforms runs parts of the suite as a user who has no rights at all,
// as somebody does who tries the demo on a laptop.
func TestASandboxWithoutRootConforms(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("this is another user than root already")
	}
	const nobody = 65534
	dir := publicDir(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe, home := filepath.Join(dir, "hosts.test"), filepath.Join(dir, "home")
	// By another process: were it open for writing here, a child that is forked just then would keep it so.
	if out, err := exec.Command("cp", self, exe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.v", "-test.run", "^TestHostsOfTheSandboxConform$/^plain$/^(all_at_once|restarts)$")
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS: TestHostsOfTheSandboxConform/plain/") < 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
