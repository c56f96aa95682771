package hostd

import (
	"os/exec"
	"strings"
	"testing"
)

// TestStubsPassShellcheck checks each program that stands in a host's PATH.
func TestStubsPassShellcheck(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	for name, text := range allStubs(ModePlain) {
		cmd := exec.Command("shellcheck", "-")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("the stub of %s: %v\n%s", name, err, out)
		}
	}
}
