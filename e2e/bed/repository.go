//go:build linux

package bed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// newRepository makes a flat apt repository in dir: the pool's packages, which hosts find
// mounted in it, and room for packages of its own.
func newRepository(dir, pool string) error {
	for _, name := range []string{poolDir, ownDir} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	return copyFile(filepath.Join(dir, indexFile), filepath.Join(pool, indexFile), 0o644)
}

// publish adds a package file that lies in the folder of own packages to the index.
func publish(ctx context.Context, dir, file string) error {
	name, err := filepath.Rel(dir, file)
	if err != nil {
		return err
	}
	entry, err := indexEntry(ctx, dir, name)
	if err != nil {
		return err
	}
	index := filepath.Join(dir, indexFile)
	text, err := os.ReadFile(index)
	if err != nil {
		return err
	}
	return replaceFile(index, string(text)+entry)
}

// Publish puts a Mesos package into the repository of all hosts of the bed, beside the one
// of MesosVersion that is there. Hosts see it after their next apt-get update.
func (b *Bed) Publish(t testing.TB, m Mesos) {
	t.Helper()
	file, err := m.build(t.Context(), filepath.Join(b.trees.Full, standinFile), filepath.Join(b.repo(), ownDir))
	if err == nil {
		err = publish(t.Context(), b.repo(), file)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("publish mesos %s: %w", m.Version, err))
	}
}

func (b *Bed) repo() string { return filepath.Join(b.dir, "repo") }
