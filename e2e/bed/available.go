//go:build linux

package bed

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// programs are those of the machine that the bed is made with, and their Debian packages.
func programs() [][2]string {
	return [][2]string{
		{"mmdebstrap", "mmdebstrap"},
		{"systemd-nspawn", "systemd-container"},
		{"ip", "iproute2"},
		{"nsenter", "util-linux"},
		{"ssh-keygen", "openssh-client"},
		{"dpkg-deb", "dpkg"},
		{"apt-get", "apt"},
		{"go", "the Go that runs the tests"},
	}
}

// unavailable says why this machine cannot have a bed; empty when it can.
func unavailable() string {
	if os.Geteuid() != 0 {
		return "real hosts are booted as root only"
	}
	var missing []string
	for _, p := range programs() {
		if !installed(p[0]) {
			missing = append(missing, fmt.Sprintf("%s (%s)", p[0], p[1]))
		}
	}
	if len(missing) > 0 {
		return "real hosts need " + strings.Join(missing, ", ")
	}
	root, err := groupRoot()
	if err != nil {
		return "real hosts need control groups: " + err.Error()
	}
	probe := filepath.Join(root, prefix+"probe-"+strconv.Itoa(os.Getpid()))
	defer func() { _ = os.Remove(probe) }() // an empty group of this process's own
	if err := os.MkdirAll(probe, 0o755); err != nil {
		return "real hosts need control groups of their own: " + err.Error()
	}
	if _, err := os.Stat(filepath.Join(probe, "cgroup.kill")); err != nil {
		return "real hosts need cgroup.kill (Linux 5.14): " + err.Error()
	}
	return ""
}
