package hostd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// fill mounts a tmpfs over the root, copies the root into it, and lets it shrink to what
// it holds and the bytes that are to be free. Only the host sees it. The root below stays
// what it was until empty.
func (c *cage) fill(free int64) error {
	return c.still(func() error {
		const flags = unix.MS_NOSUID | unix.MS_NODEV
		if err := unix.Mount("tmpfs", c.root, "tmpfs", flags, "mode=755"); err != nil {
			return fmt.Errorf("mount a small file system: %w", err)
		}
		err := outside(func() error { return copyTree(c.root, c.covered(c.root)) })
		var s unix.Statfs_t
		if err == nil {
			err = unix.Statfs(c.root, &s)
		}
		if err == nil {
			used := (int64(s.Blocks) - int64(s.Bfree)) * s.Bsize
			err = unix.Mount("tmpfs", c.root, "tmpfs", unix.MS_REMOUNT|flags, "size="+strconv.FormatInt(used+free, 10))
		}
		if err != nil {
			return fmt.Errorf("fill the disk: %w", errors.Join(err, unix.Unmount(c.root, unix.MNT_DETACH)))
		}
		c.small.Store(true)
		return nil
	})
}

// empty gives the host its root back, as its programs left it on the small file system. Where
// that fails the host stays on the small one, nothing is lost, and empty can be called again.
//
// All of this is done as the machine sees the root, where nothing covers it: for who is in
// the host's namespace, ".." of a folder in the covered root is the root of the small file
// system, in which a walk that goes up by ".." loses its way.
func (c *cage) empty() error {
	if !c.small.Load() {
		return nil
	}
	return c.still(func() error {
		if err := outside(func() error { return putBack(c.covered(c.root), c.root) }); err != nil {
			return fmt.Errorf("move the root back: %w", err)
		}
		// Files that are still open there do not keep it: what is written to them is lost.
		if err := unix.Unmount(c.root, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("move the root back: take the small file system away: %w", err)
		}
		c.small.Store(false)
		return c.renewUsers()
	})
}

// renewUsers lets the host's passwd and group stand for the machine's again: those that
// did have been replaced.
func (c *cage) renewUsers() error {
	for to, from := range map[string]string{"/etc/passwd": c.passwd, "/etc/group": c.group} {
		if from == "" {
			continue
		}
		if err := unix.Unmount(to, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("renew %s: %w", to, err)
		}
		if err := bindFile(from, to); err != nil {
			return err
		}
		readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
		if err := unix.MountSetattr(unix.AT_FDCWD, to, 0, readOnly); err != nil {
			return fmt.Errorf("make %s read-only: %w", to, err)
		}
	}
	return nil
}

// refreshUsers has the host's passwd and group stand for the machine's again where what is
// mounted there is another file by now: somebody replaced it, or a small file system covers it.
func (c *cage) refreshUsers() error {
	for to, from := range map[string]string{"/etc/passwd": c.passwd, "/etc/group": c.group} {
		if from == "" {
			continue
		}
		mounted, err1 := os.Stat(c.covered(to))
		own, err2 := os.Stat(c.covered(from))
		if err1 == nil && err2 == nil && !os.SameFile(mounted, own) {
			return c.still(c.renewUsers)
		}
	}
	return nil
}

// still calls f in the host's namespaces while none of its programs runs and none can be
// started, so that what f copies does not change meanwhile.
func (c *cage) still(f func() error) error {
	return c.do(func() error {
		if err := everybody("STOP"); err != nil {
			return err
		}
		return errors.Join(f(), everybody("CONT"))
	})
}

// everybody sends a signal to all of the host's processes but the first. It must be called
// in do. That there is no other process is no error.
func everybody(signal string) error {
	// The shell is the host's second process, and the signal spares it.
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", `kill -s "$1" -- -1 2>/dev/null || :`, "sh", signal)
	cmd.Env = []string{"PATH=" + systemPath}
	cmd.Dir = "/"
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("send the host's processes %s: %w", signal, err)
	}
	return nil
}

// outside calls f on a thread that is in no host's namespaces, and waits for it.
func outside(f func() error) error {
	result := make(chan error, 1)
	go func() { result <- f() }() // the caller's goroutine is bound to the host's thread
	return <-result
}

// view goes through the first process's view of the file system while that differs.
func (c *cage) view(path string) string {
	if !c.small.Load() {
		return path
	}
	return c.covered(path)
}

// covered is a path of the host as this process sees it, mounts of the host's own included.
func (c *cage) covered(path string) string {
	return filepath.Join("/proc", strconv.Itoa(c.init.Process.Pid), "root", path)
}
