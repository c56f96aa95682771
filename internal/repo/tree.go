package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"meshsync.dev/meshsync/internal/mesh"
)

// Tree is what was read of one revision or of the work tree.
type Tree struct {
	Source     mesh.Source
	Files      map[string][]byte // .cue files: path relative to the CUE module's root → content
	Dir        string            // the folder that was asked for, relative to the module's root; "." for the root
	Module     string            // the module's root, relative to the repository's
	DirtyFiles []string          // files of the module that differ from the commit, sorted; for At(HEAD) and Worktree
}

// Limits of what is read. A mesh of 10,000 apps is far below them.
const (
	maxFile  = 4 << 20
	maxTotal = 256 << 20
	maxCount = 100_000
)

// At reads the CUE module around dir from a revision. dir is a folder on disk in the
// work tree; in a bare repository, a path from the root of the tree below the
// repository's folder.
func (r *Repo) At(rev, dir string) (Tree, error) {
	if r.git == nil {
		return Tree{}, r.why
	}
	commit, err := r.commit(rev)
	if err != nil {
		return Tree{}, err
	}
	root, err := commit.Tree()
	if err != nil {
		return Tree{}, r.objectError(rev, err)
	}
	rel, err := r.relative(dir)
	if err != nil {
		return Tree{}, err
	}
	mod, err := moduleRoot(rel, func(p string) bool { return hasModule(root, p) }, func() []string { return modulesIn(root) })
	if err != nil {
		return Tree{}, fmt.Errorf("in commit %.12s: %w", commit.Hash.String(), err)
	}
	t := Tree{Source: r.source(rev, commit), Module: mod, Dir: relativeTo(mod, rel)}
	sub := root
	if mod != "." {
		if sub, err = root.Tree(mod); err != nil {
			return Tree{}, r.objectError(rev, err)
		}
	}
	if t.Files, err = readTree(sub); err != nil {
		return Tree{}, fmt.Errorf("commit %.12s: %w", commit.Hash.String(), err)
	}
	if rev == "HEAD" && !r.bare {
		t.DirtyFiles = r.dirty(mod, t.Files)
		t.Source.Dirty = len(t.DirtyFiles) > 0
	}
	return t, nil
}

func (r *Repo) commit(rev string) (*object.Commit, error) {
	h, err := r.git.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		if rev == "HEAD" {
			return nil, fmt.Errorf("%s has no commit yet: commit the mesh, or read the files with --worktree", r.root)
		}
		return nil, fmt.Errorf("there is no revision %q in %s: fetch it first (CI clones often have one branch and one commit only)", rev, r.root)
	}
	c, err := r.git.CommitObject(*h)
	if err != nil {
		return nil, r.objectError(rev, err)
	}
	return c, nil
}

// objectError explains an object that cannot be read: a partial clone leaves blobs
// out, and only git itself can fetch them.
func (r *Repo) objectError(rev string, err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%s: an object of %s is missing: in a partial clone run `git checkout %s` once, which fetches it; otherwise the repository is damaged (git fsck)", r.root, rev, rev)
	}
	return fmt.Errorf("%s: read %s: %w", r.root, rev, err)
}

// relative is dir as a path within the repository.
func (r *Repo) relative(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if there := existing(abs); there != "" {
		if target, err := filepath.EvalSymlinks(there); err == nil {
			abs = filepath.Join(target, strings.TrimPrefix(abs, there))
		}
	}
	rel, err := filepath.Rel(r.root, abs)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("%s is not in the repository %s", dir, r.root)
	}
	return filepath.ToSlash(rel), nil
}

// moduleRoot finds the folder with cue.mod/module.cue around dir, else the only one below it.
func moduleRoot(dir string, has func(string) bool, all func() []string) (string, error) {
	for p := dir; ; p = path.Dir(p) {
		if has(p) {
			return p, nil
		}
		if p == "." || p == "/" {
			break
		}
	}
	var below []string
	for _, m := range all() {
		if dir == "." || m == dir || strings.HasPrefix(m, dir+"/") {
			below = append(below, m)
		}
	}
	switch len(below) {
	case 1:
		return below[0], nil
	case 0:
		return "", fmt.Errorf("there is no CUE module (cue.mod/module.cue) in or around %s", dir)
	default:
		return "", fmt.Errorf("there are %d CUE modules below %s: %s; name one with -C", len(below), dir, strings.Join(below, ", "))
	}
}

func relativeTo(mod, dir string) string {
	switch {
	case mod == dir || len(dir) < len(mod) && mod != ".":
		return "."
	case mod == ".":
		return dir
	default:
		return strings.TrimPrefix(dir, mod+"/")
	}
}

func hasModule(root *object.Tree, dir string) bool {
	_, err := root.FindEntry(path.Join(dir, "cue.mod/module.cue"))
	return err == nil
}

func modulesIn(root *object.Tree) []string {
	var out []string
	w := object.NewTreeWalker(root, true, nil)
	defer w.Close()
	for {
		name, _, err := w.Next()
		if err != nil {
			return out
		}
		if m, ok := strings.CutSuffix("/"+name, "/cue.mod/module.cue"); ok {
			out = append(out, path.Clean("./"+m))
		}
	}
}

// readTree reads the .cue files of a module. What CUE would follow out of the commit, a
// symlink or a submodule, is an error.
func readTree(tree *object.Tree) (map[string][]byte, error) {
	files := map[string][]byte{}
	total := int64(0)
	w := object.NewTreeWalker(tree, true, nil)
	defer w.Close()
	for {
		name, e, err := w.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		switch {
		case e.Mode == filemode.Symlink:
			return nil, fmt.Errorf("%s is a symbolic link: it could lead out of the commit, so none is read", name)
		case e.Mode == filemode.Submodule:
			return nil, fmt.Errorf("%s is a submodule, which a commit does not contain: vendor the files instead", name)
		case !e.Mode.IsFile() || !strings.HasSuffix(name, ".cue"):
			continue
		case len(files) >= maxCount:
			return nil, fmt.Errorf("the module has more than %d CUE files", maxCount)
		}
		data, err := readBlob(tree, name, e.Hash)
		if err != nil {
			return nil, err
		}
		if total += int64(len(data)); total > maxTotal {
			return nil, fmt.Errorf("the module's CUE files have more than %d MiB", maxTotal>>20)
		}
		files[name] = data
	}
}

func readBlob(tree *object.Tree, name string, h plumbing.Hash) ([]byte, error) {
	f, err := tree.TreeEntryFile(&object.TreeEntry{Name: name, Mode: filemode.Regular, Hash: h})
	if err != nil {
		return nil, fmt.Errorf("%s: %w: in a partial clone run `git checkout` once, which fetches it", name, err)
	}
	if f.Size > maxFile {
		return nil, fmt.Errorf("%s has %d bytes: more than %d MiB are not read", name, f.Size, maxFile>>20)
	}
	rd, err := f.Reader()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer rd.Close()
	data := make([]byte, f.Size)
	if _, err := io.ReadFull(rd, data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

func (r *Repo) source(rev string, c *object.Commit) mesh.Source {
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	s := mesh.Source{
		Commit: c.Hash.String(), Ref: rev, Subject: subject, Author: c.Author.Name,
		Time: c.Committer.When.UTC().Format(time.RFC3339), Shallow: r.shallow(),
	}
	if rev == "HEAD" {
		s.Ref = ""
		if head, err := r.git.Head(); err == nil && head.Name().IsBranch() {
			s.Ref = head.Name().Short()
		}
	}
	return s
}

func (r *Repo) shallow() bool {
	cut, err := r.git.Storer.Shallow()
	return err == nil && len(cut) > 0
}

// dirty lists the module's .cue files that differ between the commit and the work tree.
func (r *Repo) dirty(mod string, files map[string][]byte) []string {
	now, err := readDir(filepath.Join(r.root, filepath.FromSlash(mod)))
	if err != nil {
		return nil // the work tree may lack the module altogether; then there is nothing to confuse
	}
	var out []string
	for name, data := range now {
		if old, ok := files[name]; !ok || !bytes.Equal(old, data) {
			out = append(out, name)
		}
	}
	for name := range files {
		if _, ok := now[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Worktree reads the module around dir from the files as they are.
func (r *Repo) Worktree(dir string) (Tree, error) {
	if r.bare {
		return Tree{}, fmt.Errorf("%s is a bare repository: it has no work tree", r.root)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Tree{}, err
	}
	mod, err := moduleOnDisk(abs)
	if err != nil {
		return Tree{}, err
	}
	files, err := readDir(mod)
	if err != nil {
		return Tree{}, err
	}
	rel, err := filepath.Rel(mod, abs)
	if err != nil {
		return Tree{}, err
	}
	if strings.HasPrefix(rel, "..") {
		rel = "."
	}
	t := Tree{Files: files, Dir: filepath.ToSlash(rel), Module: ".", Source: mesh.Source{Worktree: true}}
	if r.git == nil {
		return t, nil
	}
	if head, err := r.At("HEAD", mod); err == nil {
		t.Source, t.Module, t.DirtyFiles = head.Source, head.Module, head.DirtyFiles
		t.Source.Worktree = true
	}
	return t, nil
}

func moduleOnDisk(dir string) (string, error) {
	for p := dir; ; p = filepath.Dir(p) {
		if exists(filepath.Join(p, "cue.mod", "module.cue")) {
			return p, nil
		}
		if p == filepath.Dir(p) {
			break
		}
	}
	var below []string
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(filepath.ToSlash(name), "/cue.mod/module.cue") {
			below = append(below, filepath.Dir(filepath.Dir(name)))
		}
		return nil
	})
	switch len(below) {
	case 1:
		return below[0], nil
	case 0:
		return "", fmt.Errorf("there is no CUE module (cue.mod/module.cue) in or around %s", dir)
	default:
		return "", fmt.Errorf("there are %d CUE modules below %s: %s; name one with -C", len(below), dir, strings.Join(below, ", "))
	}
}

// readDir reads the .cue files below a folder with the same rules as readTree.
func readDir(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	total := int64(0)
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.Type()&os.ModeSymlink != 0:
			return fmt.Errorf("%s is a symbolic link: it could lead out of the module, so none is read", rel)
		case d.IsDir() || !strings.HasSuffix(name, ".cue") || !d.Type().IsRegular():
			return nil
		case len(files) >= maxCount:
			return fmt.Errorf("the module has more than %d CUE files", maxCount)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxFile {
			return fmt.Errorf("%s has %d bytes: more than %d MiB are not read", rel, info.Size(), maxFile>>20)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if total += int64(len(data)); total > maxTotal {
			return fmt.Errorf("the module's CUE files have more than %d MiB", maxTotal>>20)
		}
		files[rel] = data
		return nil
	})
	return files, err
}
