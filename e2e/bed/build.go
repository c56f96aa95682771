//go:build linux

package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// prefix begins the name of everything of the bed that the machine has only one list of.
const prefix = "meshsync-bed."

// DirVariable names the environment variable with the folder of trees and running beds.
const DirVariable = "MESHSYNC_BED_DIR"

func cacheDir() (string, error) {
	dir := os.Getenv(DirVariable)
	if dir == "" {
		dir = "/var/lib/meshsync-bed"
	}
	// The table of mounts knows real names only, and what is mounted is found by it.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err == nil && strings.ContainsAny(dir, ":,\\ \t\n") {
		err = fmt.Errorf("%s=%s: the options of an overlay mount cannot hold such a name", DirVariable, dir)
	}
	return dir, err
}

// Trees are what hosts are made of. They are held until Release.
type Trees struct {
	Base string // the tree of a bare host, its keys and its known_hosts
	Pool string // the packages that the hosts' apt knows
	Full string // what a host with services has beyond a bare one, and the Mesos package
	held []*lock
}

// Release lets a later Build remove the trees when their recipe has changed.
func (t *Trees) Release() {
	for _, l := range t.held {
		l.release()
	}
}

// Build makes the trees of the hosts unless the machine has them. It takes minutes the
// first time, and needs the machine's apt to have its registry in reach. Several processes
// may call it at the same time. Of trees with another recipe it removes those not in use.
func Build(ctx context.Context) (_ *Trees, err error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	t := &Trees{}
	defer func() {
		if err != nil {
			t.Release()
		}
	}()
	trees := filepath.Join(dir, "trees")
	provide := func(s stage) string {
		if err != nil {
			return ""
		}
		var made tree
		if made, err = s.provide(ctx, trees); err != nil {
			return ""
		}
		t.held = append(t.held, made.held)
		return made.dir
	}
	t.Base = provide(baseStage())
	t.Pool = provide(poolStage(t.Base))
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(dir, "standin-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	program, err := buildStandin(ctx, temp)
	if err != nil {
		return nil, err
	}
	t.Full = provide(fullStage(t.Base, t.Pool, program))
	return t, err
}
