//go:build linux

package bed

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// poolPackages can be installed on hosts, with all that they need. Real ones: their
// scripts, their files and their dependencies are what a real cluster has.
const poolPackages = "zookeeper zookeeperd default-jre-headless haproxy docker.io busybox-static"

// Where things lie in the tree of a pool.
const (
	poolDir   = "pool"
	indexFile = "Packages"
)

func poolStage(base string) stage {
	return stage{
		name:   "pool",
		recipe: strings.Join([]string{"1", filepath.Base(base), poolPackages}, "\n"),
		fill: func(ctx context.Context, dir string, _ group) error {
			a, err := openArchive(ctx, filepath.Join(dir, "apt"))
			if err != nil {
				return err
			}
			if err := a.download(ctx, filepath.Join(base, rootDir), strings.Fields(poolPackages)...); err != nil {
				return err
			}
			files, err := filepath.Glob(filepath.Join(a.dir, "cache/archives/*.deb"))
			if err != nil {
				return err
			}
			if err := os.Mkdir(filepath.Join(dir, poolDir), 0o755); err != nil {
				return err
			}
			var index strings.Builder
			for _, file := range files {
				name := filepath.Join(poolDir, filepath.Base(file))
				if err := os.Rename(file, filepath.Join(dir, name)); err != nil {
					return err
				}
				entry, err := indexEntry(ctx, dir, name)
				if err != nil {
					return err
				}
				index.WriteString(entry)
			}
			if err := os.WriteFile(filepath.Join(dir, indexFile), []byte(index.String()), 0o644); err != nil {
				return err
			}
			return os.RemoveAll(a.dir)
		},
	}
}
