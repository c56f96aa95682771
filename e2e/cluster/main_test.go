//go:build linux

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

// programVariable names the program under test, which is built before the tests go to where
// nothing outside can be reached.
const programVariable = "MESHSYNC_E2E_PROGRAM"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(programVariable) != "" || os.Geteuid() != 0 { // there already, or no host will be booted
		return bed.Main(m)
	}
	dir, err := os.MkdirTemp("", "meshsync-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "meshsync")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "meshsync.dev/meshsync/cmd/meshsync")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // hosts run it, too, which have other libraries
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program under test: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(programVariable, program); err != nil {
		panic(err) // the name is good and the value has no zero byte
	}
	return bed.Main(m)
}
