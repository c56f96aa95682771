package hostd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// A Mode says how much a host is kept apart from the machine.
type Mode string

const (
	// ModeAuto takes namespaces where they can be had, else ModePlain.
	ModeAuto Mode = ""
	// ModeNamespaces gives each host namespaces of its own. It needs root.
	ModeNamespaces Mode = "namespaces"
	// ModePlain keeps hosts apart by stand-ins only: commands run as an unprivileged
	// user, owners of files are kept beside them, probes of 127.0.0.1 are redirected.
	ModePlain Mode = "plain"
)

// errNoNamespaces says that the machine does not let us have namespaces.
var errNoNamespaces = errors.New("this machine gives no namespaces")

// A confinement is where a host's processes are started and its sockets opened. What is
// made in it ends with close, and with this process however that ends.
type confinement interface {
	// do calls f where new processes and sockets belong to the host. It returns when f has.
	do(f func() error) error
	// pid translates the id of a process that was started in do to what the host calls it.
	pid(outer int) (int, error)
	// private reports whether ports and the process table are the host's own.
	private() bool
	// attach sets what a process needs to be the host's: owner, session, end with the parent.
	attach(cmd *exec.Cmd, root bool)
	close() error
}

// confineOptions says what a host's confinement holds.
type confineOptions struct {
	name   string
	root   string // the only folder that can be written
	passwd string // files that stand for /etc/passwd and /etc/group
	group  string
	bootID string // file that stands for /proc/sys/kernel/random/boot_id
}

// plain is the confinement of a machine without namespaces: none.
type plain struct{}

func (plain) do(f func() error) error    { return f() }
func (plain) pid(outer int) (int, error) { return outer, nil }
func (plain) private() bool              { return false }
func (plain) close() error               { return nil }
func (plain) attach(c *exec.Cmd, _ bool) { attachPlain(c) }

// chooseMode finds out what the machine allows and checks that it is enough for want.
func chooseMode(want Mode) (Mode, error) {
	switch want {
	case ModePlain:
		return ModePlain, nil
	case ModeNamespaces:
		if err := probeNamespaces(); err != nil {
			return "", fmt.Errorf("sandbox hosts with namespaces: %w", err)
		}
		return ModeNamespaces, nil
	case ModeAuto:
		if probeNamespaces() == nil {
			return ModeNamespaces, nil
		}
		return ModePlain, nil
	default:
		return "", fmt.Errorf("unknown mode %q of the sandbox; known: namespaces, plain", want)
	}
}

func isRoot() bool { return os.Geteuid() == 0 }
