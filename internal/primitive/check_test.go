package primitive

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestACheckNamesItsCandidate(t *testing.T) {
	t.Parallel()
	candidate := filepath.Join(t.TempDir(), "it's new")
	if err := os.WriteFile(candidate, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for check, accepted := range map[string]bool{
		`grep -q x %s`:                      true,
		`test -s %s && [ "$(date +%%s)" ]`:  true,
		`[ "$(cat %s)" = x ]`:               true,
		`[ "$(cat %s; echo "y")" != "x" ]`:  true,
		`echo "it's"; test -s %s`:           true,
		`echo 'a "b'; test -s %s`:           true,
		`echo \"; test -s %s; echo \"`:      true,
		`test -s '%s'`:                      false,
		`test -s "%s"`:                      false,
		`sh -c 'test -s %s'`:                false,
		`echo "$(true)"; test -s "a$HOME%s`: false,
		`date +%%s`:                         false,
		`printf '%%s'`:                      false,
	} {
		problem, _ := refuseCheck(check)
		if (problem == "") != accepted {
			t.Errorf("%s: refused because %q", check, problem)
		}
		if accepted {
			if out, err := exec.Command("/bin/sh", "-c", checkCommand(check), "sh", candidate).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", check, err, out)
			}
		}
	}
}
