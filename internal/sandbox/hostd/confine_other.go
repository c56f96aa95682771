//go:build unix && !linux

package hostd

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// nobody is the user that root runs commands as.
const nobody = 65534

func confine(confineOptions) (confinement, error) {
	return nil, fmt.Errorf("%w: it is no Linux", errNoNamespaces)
}

func probeNamespaces() error { return fmt.Errorf("%w: it is no Linux", errNoNamespaces) }

func attachPlain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if isRoot() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}

func monotonic(time.Time) string { return "0" }

func sinceBoot() string { return "0" }

func identity(name string) (string, error) {
	return "", fmt.Errorf("%s: owners are kept on Linux only", name)
}

// settle has nothing to do where no disk gets full.
func settle(string) error { return nil }

// kernelRelease is not asked for where hosts have no /proc.
func kernelRelease() string { return "" }
