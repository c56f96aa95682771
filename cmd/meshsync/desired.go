package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"meshsync.dev/meshsync/internal/config"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/repo"
)

// desired is what the repository wants, with where it was read.
type desired struct {
	mesh   *mesh.Mesh
	source mesh.Source
	repo   *repo.Repo // nil for a work tree without git
	dir    string     // folder on disk that the mesh was asked for by
	dirty  []string   // files of the mesh that differ from the commit
	// before is the mesh as it is before some hosts have a role, by role.
	before func(later map[string][]string) (*mesh.Mesh, error)
}

func (d *desired) close() {
	if d.repo != nil {
		_ = d.repo.Close()
	}
}

// loadDesired reads the mesh that the flags name, from a commit or the work tree.
func loadDesired(e *environment, g *globals) (*desired, error) {
	if g.worktree && g.ref != "" {
		return nil, usage("--worktree reads the files as they are, so --ref %s has no meaning with it", g.ref)
	}
	dir := filepath.Join(e.wd, g.dir)
	if filepath.IsAbs(g.dir) {
		dir = g.dir
	}
	r, err := repo.Open(dir)
	if err != nil {
		return nil, err
	}
	tree, err := readTree(r, g, dir)
	if err != nil {
		_ = r.Close()
		if _, serr := os.Stat(dir); os.IsNotExist(serr) {
			err = fmt.Errorf("there is no folder %s: %w", g.dir, err)
		}
		return nil, err
	}
	meshDir, err := chooseMesh(tree)
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	tree.Source.Dir = meshDir
	e.collectAt(whileEvaluating)
	m, err := config.Load(tree.Files, meshDir)
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	e.relaxCollector()
	before := func(later map[string][]string) (*mesh.Mesh, error) {
		return config.LoadLater(tree.Files, meshDir, later)
	}
	return &desired{mesh: m, source: tree.Source, repo: r, dir: dir, dirty: tree.DirtyFiles, before: before}, nil
}

func readTree(r *repo.Repo, g *globals, dir string) (repo.Tree, error) {
	if g.worktree {
		return r.Worktree(dir)
	}
	tree, err := r.At(cmp.Or(g.ref, "HEAD"), dir)
	if errors.Is(err, repo.ErrNoRepository) {
		return tree, &failure{
			exit: exitError, code: "no_repository", err: err,
			hint: "meshsync reads commits; to read the files as they are, add --worktree",
		}
	}
	return tree, err
}

// chooseMesh is the mesh folder that was asked for, else the only one below it.
func chooseMesh(t repo.Tree) (string, error) {
	all := config.Meshes(t.Files)
	for _, m := range all {
		if m == t.Dir {
			return m, nil
		}
	}
	below := []string{}
	for _, m := range all {
		if t.Dir == "." || len(m) > len(t.Dir) && m[:len(t.Dir)+1] == t.Dir+"/" {
			below = append(below, m)
		}
	}
	switch len(below) {
	case 1:
		return below[0], nil
	case 0:
		return "", &failure{
			exit: exitError, code: "no_mesh", err: fmt.Errorf("no mesh in %s: a mesh is a folder with a mesh.cue", t.Dir),
			hint: "meshsync init makes a repository to start from",
		}
	default:
		return "", &failure{
			exit: exitError, code: "several_meshes", err: fmt.Errorf("%d meshes in %s: %s", len(below), t.Dir, joined(below)),
			hint: "name one with -C " + below[0],
		}
	}
}

// base is what a commit cannot allow itself to leave: the revision that --policy-ref or the CI system names,
// else this commit. Its policy limits a plan, and it says where credentials go.
type base struct {
	mesh *mesh.Mesh
	from string // in words
	own  bool   // it is this commit
	lost string // the revision that should be it, and cannot be read; then this commit's policy holds
}

func baseOf(e *environment, d *desired, ref string) (base, error) {
	asked := ref
	if ref == "" {
		ref = ciBase(e)
	}
	if ref == "" || d.source.Worktree && asked == "" {
		return base{mesh: d.mesh, from: "this commit", own: true}, nil
	}
	tree, err := d.repo.At(ref, d.dir)
	if err != nil {
		if asked == "" {
			return base{mesh: d.mesh, from: "this commit (the base " + ref + " cannot be read: fetch it to have its policy hold)", own: true, lost: ref}, nil
		}
		return base{}, fmt.Errorf("--policy-ref %s: %w", ref, err)
	}
	m, err := config.Load(tree.Files, d.source.Dir)
	if err != nil {
		return base{}, fmt.Errorf("policy of %s: %w", ref, err)
	}
	return base{mesh: m, from: fmt.Sprintf("%s (%.12s)", ref, tree.Source.Commit)}, nil
}

// ciBase is the branch that a pull or merge request goes to, as CI systems say it.
func ciBase(e *environment) string {
	branch := cmp.Or(e.getenv("GITHUB_BASE_REF"), e.getenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"))
	if branch == "" {
		return ""
	}
	return "origin/" + branch
}

func joined(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}
