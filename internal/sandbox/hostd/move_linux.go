package hostd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// What a host's root is to hold is first copied beside it, so that at every moment old or new
// is whole, and the next attempt, or the next boot, knows which. No host has a dot in its name.
const (
	copySuffix  = ".copy"                 // the new content, being copied
	backSuffix  = ".back"                 // the new content, whole: the root is to become this
	readySuffix = ".ready"                // what the root has become
	linkName    = ".meshsync-sandbox-new" // a file for a moment, in the folder where it gets its own name
)

// putBack makes a root hold what another folder holds. Files that are the same stay as they
// are, with their inodes and ctimes.
func putBack(from, root string) error {
	if err := settle(root); err != nil { // an earlier attempt
		return err
	}
	if err := os.Mkdir(root+copySuffix, 0o755); err != nil {
		return err
	}
	if err := copyTree(from, root+copySuffix); err != nil {
		return errors.Join(err, os.RemoveAll(root+copySuffix))
	}
	if err := os.Rename(root+copySuffix, root+backSuffix); err != nil {
		return err
	}
	return settle(root)
}

// settle brings a replacement to its end, from wherever it stopped: the root stays what it
// is when the new content was not whole yet, else it becomes that.
func settle(root string) error {
	back, err := os.Lstat(root + backSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.Join(os.RemoveAll(root+copySuffix), os.RemoveAll(root+readySuffix))
	case err != nil:
		return err
	case !back.IsDir():
		return fmt.Errorf("%s is in the way of the root's content; remove it", root+backSuffix)
	}
	if err := alike(root+backSuffix, root); err != nil {
		return err
	}
	if err := os.Rename(root+backSuffix, root+readySuffix); err != nil {
		return err
	}
	return os.RemoveAll(root + readySuffix)
}

// alike makes the folder to like the folder from, on the same file system: what differs
// becomes a second name of what is in from, which stays whole.
func alike(from, to string) error {
	there, err := os.ReadDir(to)
	if err != nil {
		return err
	}
	for _, e := range there {
		name := filepath.Join(to, e.Name())
		if info, err := os.Lstat(filepath.Join(from, e.Name())); errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() != e.IsDir() {
			err = os.RemoveAll(name)
			if err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
	}
	want, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range want {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if e.IsDir() {
			if err = os.Mkdir(target, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
				err = alike(source, target)
			}
		} else {
			err = alikeFile(source, target)
		}
		if err != nil {
			return err
		}
	}
	return alikeFolder(from, to)
}

// alikeFile puts a file that is no folder in the place of another unless they are the same.
func alikeFile(from, to string) error {
	if same, err := sameFile(from, to); same || err != nil {
		return err
	}
	fresh := filepath.Join(filepath.Dir(to), linkName)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(from, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, to)
}

// sameFile reports whether two files, which are no folders, cannot be told apart but by
// their inodes and ctimes.
func sameFile(a, b string) (bool, error) {
	var x, y unix.Stat_t
	if err := unix.Lstat(a, &x); err != nil {
		return false, &fs.PathError{Op: "lstat", Path: a, Err: err}
	}
	if err := unix.Lstat(b, &y); errors.Is(err, unix.ENOENT) {
		return false, nil
	} else if err != nil {
		return false, &fs.PathError{Op: "lstat", Path: b, Err: err}
	}
	switch {
	case x.Ino == y.Ino && x.Dev == y.Dev:
		return true, nil
	case x.Mode != y.Mode || x.Uid != y.Uid || x.Gid != y.Gid || x.Size != y.Size || x.Mtim != y.Mtim || x.Rdev != y.Rdev || x.Nlink != 1 || y.Nlink != 1:
		return false, nil
	case x.Mode&unix.S_IFMT == unix.S_IFLNK:
		s, err := os.Readlink(a)
		t, err2 := os.Readlink(b)
		return s == t, errors.Join(err, err2)
	case x.Mode&unix.S_IFMT == unix.S_IFREG:
		s, err := os.ReadFile(a)
		t, err2 := os.ReadFile(b)
		return bytes.Equal(s, t), errors.Join(err, err2)
	}
	return true, nil
}

// alikeFolder gives a folder the owner, mode and time of another.
func alikeFolder(from, to string) error {
	var x, y unix.Stat_t
	if err := unix.Lstat(from, &x); err != nil {
		return &fs.PathError{Op: "lstat", Path: from, Err: err}
	}
	if err := unix.Lstat(to, &y); err != nil {
		return &fs.PathError{Op: "lstat", Path: to, Err: err}
	}
	if x.Uid != y.Uid || x.Gid != y.Gid {
		if err := os.Lchown(to, int(x.Uid), int(x.Gid)); err != nil {
			return err
		}
	}
	if x.Mode != y.Mode {
		if err := unix.Chmod(to, x.Mode&0o7777); err != nil {
			return &fs.PathError{Op: "chmod", Path: to, Err: err}
		}
	}
	if x.Mtim != y.Mtim {
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, to, []unix.Timespec{x.Atim, x.Mtim}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return &fs.PathError{Op: "utimes", Path: to, Err: err}
		}
	}
	return nil
}

// copyTree copies what is in a folder into another that is there, with owners, modes,
// times and links.
func copyTree(from, to string) error {
	cmd := exec.CommandContext(context.Background(), "cp", "-ax", "--", from+"/.", to+"/")
	cmd.Env = []string{"PATH=" + systemPath, "LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s to %s: %w: %s", from, to, err, strings.TrimSpace(string(out)))
	}
	return nil
}
