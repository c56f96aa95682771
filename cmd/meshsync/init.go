package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync"
)

func newInit(e *environment, _ *globals) *cobra.Command {
	update := false
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a repository to start from, or update its vendored roles",
		Long: `Write a complete example into an empty folder: a CUE module, the vendored contract
and roles, a production and a staging mesh, an app, CI files. Edit it from there.

With --update only cue.mod/pkg/meshsync.dev is written anew, with the contract and
roles of this program. Review it as a diff: git diff cue.mod/pkg

  meshsync init infra
  meshsync init --update
` + exitCodeHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("one folder at a time: got %s", joined(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir := e.wd
			if len(args) == 1 {
				dir = args[0]
				if !filepath.IsAbs(dir) {
					dir = filepath.Join(e.wd, dir)
				}
			}
			if update {
				return updateRoles(e, dir)
			}
			return initRepo(e, dir)
		},
	}
	c.Flags().BoolVar(&update, "update", false, "write only the vendored contract and roles")
	return c
}

// vendored is the folder that init --update owns.
const vendored = "cue.mod/pkg/meshsync.dev"

// initRepo writes the example into a folder that is empty but for .git.
func initRepo(e *environment, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, x := range entries {
		if x.Name() != ".git" {
			return &failure{
				exit: exitError, code: "not_empty",
				err:  fmt.Errorf("%s is not empty (it has %s): init would mix with what is there", dir, x.Name()),
				hint: "name a new folder, or use --update to renew only the vendored roles",
			}
		}
	}
	if err := writeExample(dir, ""); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, `Wrote an example mesh to %s.
next: edit prod/mesh.cue, then
  cd %s && git init && git add . && git commit -m "first mesh"
  meshsync validate -C prod
`, dir, dir)
	return nil
}

// updateRoles replaces the vendored packages.
func updateRoles(e *environment, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "cue.mod", "module.cue")); err != nil {
		return &failure{
			exit: exitError, code: "no_module", err: fmt.Errorf("%s has no cue.mod/module.cue", dir),
			hint: "run this at the root of the CUE module",
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(vendored))); err != nil {
		return err
	}
	if err := writeExample(dir, vendored); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "Wrote %s of meshsync %s.\nnext: git diff %s\n", vendored, programVersion(), vendored)
	return nil
}

// writeExample writes the embedded example, or only what is below a prefix of it.
func writeExample(dir, below string) error {
	const root = "example-repo"
	return fs.WalkDir(meshsync.ExampleRepo, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, root), "/")
		if d.IsDir() || !strings.HasPrefix(rel, below) {
			return nil
		}
		data, err := fs.ReadFile(meshsync.ExampleRepo, name)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}
