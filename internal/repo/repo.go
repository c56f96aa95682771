// Package repo reads the desired state from git: the .cue files of a commit, from the
// object store into memory, without a checkout. It is the only importer of go-git.
// It evaluates nothing.
package repo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// ErrNoRepository says that there is no git repository around a folder.
var ErrNoRepository = errors.New("there is no git repository here")

// Repo is a git repository, or a plain folder of which only Worktree can be read.
// Its methods are not safe for concurrent use.
type Repo struct {
	git   *git.Repository // nil: no repository
	store *filesystem.Storage
	root  string // of the work tree; of the repository itself when it is bare
	bare  bool
	why   error // why git is nil
}

// Open finds the repository around the folder start: a work tree (also a linked one),
// a shallow clone, or a bare repository. A folder without one opens, too; then At
// returns ErrNoRepository. The folder itself may be missing in the work tree.
func Open(start string) (*Repo, error) {
	start, err := filepath.Abs(start)
	if err != nil {
		return nil, err
	}
	start, err = filepath.EvalSymlinks(existing(start))
	if err != nil {
		return nil, err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		switch {
		case exists(filepath.Join(dir, ".git")):
			return openWorktree(dir)
		case isBare(dir):
			return openBare(dir)
		case dir == filepath.Dir(dir):
			return &Repo{root: start, why: fmt.Errorf("%s: %w", start, ErrNoRepository)}, nil
		}
	}
}

// existing is the deepest part of a path that exists.
func existing(path string) string {
	for !exists(path) && path != filepath.Dir(path) {
		path = filepath.Dir(path)
	}
	return path
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func isBare(dir string) bool {
	return exists(filepath.Join(dir, "HEAD")) && exists(filepath.Join(dir, "objects")) && exists(filepath.Join(dir, "refs"))
}

// objectCache is how much of the object store is kept in memory.
const objectCache = 96 * cache.MiByte

func openWorktree(dir string) (*Repo, error) {
	info, err := os.Stat(filepath.Join(dir, ".git"))
	if err != nil {
		return nil, err
	}
	if !info.IsDir() { // a linked work tree: .git is a file that names the repository
		g, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{EnableDotGitCommonDir: true})
		if err != nil {
			return nil, openError(dir, err)
		}
		return &Repo{git: g, root: dir}, nil
	}
	return openStore(dir, filepath.Join(dir, ".git"), false)
}

func openBare(dir string) (*Repo, error) { return openStore(dir, dir, true) }

// openStore keeps the packs open: reopening them for each object is several times slower.
func openStore(root, gitDir string, bare bool) (*Repo, error) {
	if err := supported(gitDir); err != nil {
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	st := filesystem.NewStorageWithOptions(osfs.New(gitDir), cache.NewObjectLRU(objectCache),
		filesystem.Options{KeepDescriptors: true, ExclusiveAccess: true})
	g, err := git.Open(st, nil)
	if err != nil {
		_ = st.Close()
		return nil, openError(root, err)
	}
	return &Repo{git: g, store: st, root: root, bare: bare}, nil
}

// supported names what this reader of git cannot read.
func supported(gitDir string) error {
	data, err := os.ReadFile(filepath.Join(gitDir, "config"))
	if err != nil {
		return nil //nolint:nilerr // a repository without config is git.Open's to judge
	}
	text := strings.ToLower(strings.ReplaceAll(string(data), " ", ""))
	if strings.Contains(text, "objectformat=sha256") {
		return errors.New("this is a SHA-256 repository, which meshsync cannot read: use a SHA-1 repository, or read the files with --worktree")
	}
	return nil
}

func openError(dir string, err error) error {
	if strings.Contains(err.Error(), "extension") {
		return fmt.Errorf("%s: this repository uses a git extension that meshsync cannot read (%w): read the files with --worktree", dir, err)
	}
	return fmt.Errorf("%s: open the git repository: %w", dir, err)
}

// Close releases the open packs.
func (r *Repo) Close() error {
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}
