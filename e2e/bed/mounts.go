//go:build linux

package bed

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// A mounted is one line of the machine's table of mounts.
type mounted struct{ point, kind string }

// readMounts lists the mounts of this process's machine, in the order they were made.
func readMounts() ([]mounted, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(text)), nil
}

// parseMounts reads mountinfo of proc(5): the mount point is the fifth field, and the
// kind follows a lone hyphen, since the fields before that vary in number.
func parseMounts(text string) []mounted {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var out []mounted
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		at := slices.Index(fields, "-")
		if at < 5 || at+1 >= len(fields) {
			continue
		}
		out = append(out, mounted{unescape.Replace(fields[4]), fields[at+1]})
	}
	return out
}

// overlay mounts a writable disk over read-only trees, the uppermost first. It is volatile:
// nothing is synced, which makes dpkg fast, and the disk cannot be mounted a second time.
func overlay(point, upper, work string, lower ...string) error {
	for _, dir := range []string{point, upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,volatile", strings.Join(lower, ":"), upper, work)
	if err := syscall.Mount("overlay", point, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount the disk %s: %w", point, err)
	}
	return nil
}

// unmountBelow unmounts all that is mounted at dir or below it, the latest first.
func unmountBelow(dir string) error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(mounts) {
		if !atOrBelow(m.point, dir) {
			continue
		}
		// Detached: a process elsewhere may hold the mount for a moment.
		if err := syscall.Unmount(m.point, syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", m.point, err)
		}
	}
	return nil
}

func atOrBelow(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// removeTree removes a folder that hosts lived in. It removes nothing through a mount.
func removeTree(dir string) error {
	if err := unmountBelow(dir); err != nil {
		return err
	}
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if atOrBelow(m.point, dir) {
			return fmt.Errorf("remove %s: %s is still mounted", dir, m.point)
		}
	}
	return os.RemoveAll(dir)
}
