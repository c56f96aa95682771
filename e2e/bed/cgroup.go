//go:build linux

package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A group is a control group: the one handle that has all processes of a host, whatever
// they did to their parents and sessions, and that kills all of them at once.
type group string

// groupRoot finds where the machine has its version 2 tree. Machines with both versions
// have it below their version 1 trees.
func groupRoot() (string, error) {
	mounts, err := readMounts()
	if err != nil {
		return "", err
	}
	for _, m := range mounts {
		if m.kind == "cgroup2" {
			return m.point, nil
		}
	}
	return "", errors.New("no version 2 tree of control groups is mounted")
}

// groupOf names a group of the bed. It need not be there.
func groupOf(name string) (group, error) {
	root, err := groupRoot()
	return group(filepath.Join(root, prefix+name)), err
}

func (g group) below(name string) group { return group(filepath.Join(string(g), name)) }

func (g group) create() error { return os.MkdirAll(string(g), 0o755) }

// start starts a program as a member of the group, and in a session of its own: what a
// person types at the terminal reaches the tests, which then put an end to it.
func (g group) start(cmd *program) error {
	dir, err := os.Open(string(g))
	if err != nil {
		return err
	}
	defer dir.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd()), Setsid: true}
	return cmd.Start()
}

// run runs a program as a member of the group to its end.
func (g group) run(cmd *program) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := g.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, tail(out.String()))
	}
	return nil
}

// members lists the processes of the group and of the groups below it.
func (g group) members() ([]string, error) {
	var out []string
	err := g.walk(func(dir string) error {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		out = append(out, strings.Fields(string(text))...)
		return ignoreGone(err)
	})
	return out, err
}

// kill ends all processes of the group at once and waits until they have left it: only
// then do their mounts and networks go.
func (g group) kill(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(string(g), "cgroup.kill"), []byte("1"), 0); err != nil {
		return ignoreGone(err)
	}
	return await(ctx, killLimit, "end the processes of "+string(g), func(context.Context) error {
		left, err := g.members()
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("processes %s are left", strings.Join(left, " "))
		}
		return err
	})
}

// remove kills what is in the group and removes it with all groups below it.
func (g group) remove(ctx context.Context) error {
	if err := g.kill(ctx); err != nil {
		return err
	}
	// A group whose last process was just reaped may still be busy for a moment.
	return await(ctx, killLimit, "remove "+string(g), func(context.Context) error {
		var dirs []string
		if err := g.walk(func(dir string) error { dirs = append(dirs, dir); return nil }); err != nil {
			return err
		}
		for _, dir := range slices.Backward(dirs) {
			if err := ignoreGone(os.Remove(dir)); err != nil {
				return err
			}
		}
		return nil
	})
}

// walk visits the group and the groups below it, parents first.
func (g group) walk(visit func(dir string) error) error {
	return filepath.WalkDir(string(g), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return ignoreGone(err)
		}
		if !d.IsDir() {
			return nil
		}
		return visit(name)
	})
}

// ignoreGone takes what is not there any more for what was asked for. ENODEV is what a
// file of a group says that was removed while it was open.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
		return nil
	}
	return err
}
