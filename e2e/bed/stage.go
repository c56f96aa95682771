//go:build linux

package bed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A stage is a tree that is made once per machine and recipe, and only read afterwards.
type stage struct {
	name   string
	recipe string // all that decides what the tree holds; another one is another tree
	// fill makes the tree in dir. The programs that it starts belong to g.
	fill func(ctx context.Context, dir string, g group) error
}

// A tree is a stage that is there. While it is held nobody removes it.
type tree struct {
	dir  string
	held *lock
}

// digest is short: it tells the recipes of one machine apart, not those of the world.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// provide returns the stage's tree in the folder trees, and makes it when it is not there.
// Of several processes one makes it and the others wait. A tree gets its name when it is
// whole, so that a half of one is never taken for it.
func (s stage) provide(ctx context.Context, trees string) (tree, error) {
	if err := os.MkdirAll(trees, 0o755); err != nil {
		return tree{}, err
	}
	dir := filepath.Join(trees, s.name+"-"+digest(s.recipe))
	l, err := take(dir+".lock", syscall.LOCK_SH)
	if err != nil {
		return tree{}, err
	}
	for {
		_, err := os.Stat(dir)
		if err == nil {
			return tree{dir, l}, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = s.make(ctx, dir, l)
		}
		if err != nil {
			l.release()
			return tree{}, fmt.Errorf("make the tree %s: %w", dir, err)
		}
	}
}

// make makes the tree unless another process was faster. It returns with a shared lock,
// under which the caller looks again.
func (s stage) make(ctx context.Context, dir string, l *lock) error {
	if err := l.change(syscall.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(dir); err == nil {
		return l.change(syscall.LOCK_SH)
	}
	// The lock is this process's, so whoever began the tree before has died; what it
	// started may live, and would write into the new one.
	g, err := groupOf("build-" + digest(dir))
	if err != nil {
		return err
	}
	part := dir + ".part"
	if err := errors.Join(g.remove(ctx), removeTree(part)); err != nil {
		return err
	}
	if err := errors.Join(os.Mkdir(part, 0o755), g.create()); err != nil {
		return err
	}
	if err := s.fill(ctx, part, g); err != nil {
		// The folder stays for who wants to know why; the next attempt clears it.
		return errors.Join(err, g.remove(context.WithoutCancel(ctx)), unmountBelow(part))
	}
	if err := errors.Join(g.remove(ctx), os.Rename(part, dir)); err != nil {
		return err
	}
	if err := s.prune(filepath.Dir(dir), dir); err != nil {
		return err
	}
	return l.change(syscall.LOCK_SH)
}

// prune removes the trees of other recipes of the stage that nobody uses: each costs
// hundreds of megabytes.
func (s stage) prune(trees, keep string) error {
	locks, err := filepath.Glob(filepath.Join(trees, s.name+"-*.lock"))
	if err != nil {
		return err
	}
	for _, name := range locks {
		dir := strings.TrimSuffix(name, ".lock")
		if dir == keep {
			continue
		}
		l, err := take(name, syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, errHeld) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(removeTree(dir), removeTree(dir+".part"), l.remove()); err != nil {
			return err
		}
	}
	return nil
}
