package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWithoutRoot runs tests of this package as a user who has no rights at all, as
// somebody does who tries the demo on a laptop.
func TestWithoutRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("this is another user than root already")
	}
	const nobody = 65534
	dir := publicDir(t)
	exe := filepath.Join(dir, "sandbox.test")
	copySelf(t, exe)
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.v", "-test.run",
		"^(TestScriptsRunAsRootBySudo|TestSystemctl|TestOwnersAndModes|TestAServiceIsAProcess|TestNothingIsLeft|TestAFullDiskFailsWrites|"+
			"TestAnEnsembleServesWhileAMajorityRuns|TestMesosElectsThroughZooKeeper|TestSpawnStatusFaultDown|"+
			"TestAptAndDpkgSpeakAsDebians|TestAHostHasAKernelOfItsOwn|TestUnitsThatAreStaleOrMasked|TestToolsLeaveTheMachineAlone)$")
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"TestSystemctl/plain", "TestToolsLeaveTheMachineAlone/plain", "TestMesosElectsThroughZooKeeper", "TestSpawnStatusFaultDown"} {
		if !strings.Contains(string(out), "--- PASS: "+name+" ") {
			t.Errorf("%s did not run:\n%s", name, out)
		}
	}
}

// copySelf copies the test's program by a process of its own: were it open for writing
// here, a child that another test forks just then would keep it so, and it could not be run.
func copySelf(t *testing.T, to string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", self, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
