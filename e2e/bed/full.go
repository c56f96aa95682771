//go:build linux

package bed

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
)

// fill installs the services of a cluster, by the host's own apt, and leaves them off.
//
//go:embed fill.sh
var fillScript string

// Where things lie in the tree of a full.
const (
	upperDir    = "upper"
	standinFile = "mesos-standin"
	ownDir      = "own"
)

// fullStage is a layer over the base, and the repository's own packages.
func fullStage(base, pool, program string) stage {
	sum, err := fileDigest(program)
	return stage{
		name:   "full",
		recipe: strings.Join([]string{"1", filepath.Base(base), filepath.Base(pool), sum, fillScript, mesosRecipe()}, "\n"),
		fill: func(ctx context.Context, dir string, g group) error {
			if err != nil {
				return err
			}
			standin := filepath.Join(dir, standinFile)
			if err := copyFile(standin, program, 0o755); err != nil {
				return err
			}
			repo := filepath.Join(dir, "repo")
			if err := newRepository(repo, pool); err != nil {
				return err
			}
			file, err := Mesos{Version: MesosVersion}.build(ctx, standin, filepath.Join(repo, ownDir))
			if err != nil {
				return err
			}
			if err := publish(ctx, repo, file); err != nil {
				return err
			}
			root := filepath.Join(dir, rootDir)
			if err := overlay(root, filepath.Join(dir, upperDir), filepath.Join(dir, "work"), filepath.Join(base, rootDir)); err != nil {
				return err
			}
			cmd := nspawn(ctx, machine{name: "build", root: root, repo: repo, pool: pool},
				"--private-network", "--pipe", "--", "sh", "-eu", "-s")
			cmd.Stdin = strings.NewReader(fillScript)
			if err := g.run(cmd); err != nil {
				return err
			}
			if err := g.kill(ctx); err != nil {
				return err
			}
			for _, name := range []string{root, filepath.Join(dir, "work")} {
				if err := removeTree(name); err != nil {
					return err
				}
			}
			if err := os.Rename(filepath.Join(repo, ownDir), filepath.Join(dir, ownDir)); err != nil {
				return err
			}
			return os.RemoveAll(repo)
		},
	}
}
