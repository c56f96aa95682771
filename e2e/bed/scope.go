//go:build linux

package bed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A scope is all that one run of a package's tests has on the machine, under one name: a
// folder, a group of processes, network namespaces. Whoever holds its lock lives; what is
// left of one whose lock nobody holds may be cleared by anybody.
type scope struct {
	name string
	dir  string
	lock *lock
}

// Dir/run has a folder and a lock for each scope.
func runDir(dir string) string { return filepath.Join(dir, "run") }

// scopeName tells package and process, for who finds one on a machine.
func scopeName() string {
	pkg := strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
	return pkg + "-" + strconv.Itoa(os.Getpid())
}

// openScope claims a name, clearing what a killed run of that name has left.
func openScope(ctx context.Context, dir, name string) (*scope, error) {
	run := runDir(dir)
	if err := os.MkdirAll(run, 0o755); err != nil {
		return nil, err
	}
	l, err := take(filepath.Join(run, name+".lock"), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, err
	}
	s := &scope{name: name, dir: filepath.Join(run, name), lock: l}
	if err := errors.Join(s.clear(ctx), os.Mkdir(s.dir, 0o755)); err != nil {
		l.release()
		return nil, err
	}
	return s, nil
}

// close removes all that the scope has, and its name.
func (s *scope) close(ctx context.Context) error {
	if err := s.clear(ctx); err != nil {
		s.lock.release() // the next run tries again
		return err
	}
	return s.lock.remove()
}

// clear removes all that goes by the scope's name. Processes first: they hold the rest. A test of
// the bed itself has runs in the folder of its scope.
func (s *scope) clear(ctx context.Context) error {
	if err := sweep(ctx, s.dir); err != nil {
		return err
	}
	g, err := groupOf(s.name)
	if err != nil {
		return err
	}
	if err := g.remove(ctx); err != nil {
		return err
	}
	return errors.Join(dropNamespaces(ctx, prefix+s.name), removeTree(s.dir))
}

// sweep clears the scopes of runs that were killed. Two may sweep at the same time.
func sweep(ctx context.Context, dir string) error {
	locks, err := filepath.Glob(filepath.Join(runDir(dir), "*.lock"))
	if err != nil {
		return err
	}
	var failed error
	for _, file := range locks {
		l, err := take(file, syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, errHeld) {
			continue // it lives
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		name := strings.TrimSuffix(filepath.Base(file), ".lock")
		s := &scope{name: name, dir: filepath.Join(runDir(dir), name), lock: l}
		failed = errors.Join(failed, s.close(ctx))
	}
	return failed
}
