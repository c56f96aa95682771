//go:build linux

package hosts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// untouched fails a test that changes on this machine what scripts are to change on a host of
// the sandbox. It is called before, and looks again at the end.
func untouched(t *testing.T) {
	t.Helper()
	before := machineNow(t)
	t.Cleanup(func() {
		after := machineNow(t)
		for _, x := range []struct {
			list, other []string
			sign        string
		}{{before, after, "- "}, {after, before, "+ "}} {
			for _, line := range x.list {
				if _, same := slices.BinarySearch(x.other, line); !same {
					t.Errorf("changed on the machine: %s%s", x.sign, line)
				}
			}
		}
	})
}

// machineNow lists, sorted, files, settings and modules of this machine that a life in lives
// could change, with all that would tell it.
func machineNow(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, root := range []string{"/etc", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/meshsync", "/var/cache/debconf", "/srv", "/opt", "/usr/sbin", "/lib/systemd/system"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil {
				out = append(out, fmt.Sprintf("%s %s %d %s", name, info.Mode(), info.Size(), info.ModTime()))
			}
			return nil // it went meanwhile, or cannot be seen
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, setting := range []string{"/proc/sys/net/ipv4/ip_local_port_range", "/proc/sys/vm/swappiness"} {
		text, err := os.ReadFile(setting)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, setting+" "+strings.TrimSpace(string(text)))
	}
	for _, m := range []string{"dummy", "built_in_x"} { // of others the kernel loads some when it likes
		if _, err := os.Stat("/sys/module/" + m); err == nil {
			out = append(out, "module "+m)
		}
	}
	slices.Sort(out)
	return out
}
