package hostd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fill mounts a tmpfs over the root, copies the root into it, and lets it shrink to what
// it holds and the bytes that are to be free. Only the host sees it.
func (c *cage) fill(free int64) error {
	return c.do(func() error {
		under, err := os.Open(c.root)
		if err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", c.root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			_ = under.Close()
			return fmt.Errorf("mount a small file system: %w", err)
		}
		if err := c.shrink(under, free); err != nil {
			_ = under.Close()
			return fmt.Errorf("fill the disk: %w", errors.Join(err, unix.Unmount(c.root, 0)))
		}
		c.under.Store(under)
		return nil
	})
}

func (c *cage) shrink(under *os.File, free int64) error {
	if err := copyTree(under, `cp -a /proc/self/fd/3/. "$1"`, c.root); err != nil {
		return err
	}
	var s unix.Statfs_t
	if err := unix.Statfs(c.root, &s); err != nil {
		return err
	}
	used := (int64(s.Blocks) - int64(s.Bfree)) * s.Bsize
	return unix.Mount("tmpfs", c.root, "tmpfs", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, "size="+strconv.FormatInt(used+free, 10))
}

// empty copies the root back to where it was.
func (c *cage) empty() error {
	under := c.under.Load()
	if under == nil {
		return nil
	}
	return c.do(func() error {
		const back = `find /proc/self/fd/3/ -mindepth 1 -delete && cp -a "$1/." /proc/self/fd/3/`
		if err := copyTree(under, back, c.root); err != nil {
			return fmt.Errorf("move the root back: %w", err)
		}
		if err := unix.Unmount(c.root, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("move the root back: %w", err)
		}
		c.under.Store(nil)
		return under.Close()
	})
}

// copyTree runs a shell command whose descriptor 3 is a folder that a mount covers.
func copyTree(under *os.File, script, root string) error {
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", script, "sh", root)
	cmd.Env = []string{"PATH=" + systemPath, "LC_ALL=C"}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{under}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// view goes through the first process's view of the file system while that differs.
func (c *cage) view(path string) string {
	if c.under.Load() == nil {
		return path
	}
	return filepath.Join("/proc", strconv.Itoa(c.init.Process.Pid), "root", path)
}
