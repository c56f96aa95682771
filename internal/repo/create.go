package repo

import (
	"fmt"
	"time"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// author signs the commits of the demo and of tests, which own their repositories.
const author = "meshsync demo"

// Init makes a repository of a folder and commits all that is in it, at the given time.
func Init(dir, message string, at time.Time) error {
	_, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")},
	})
	if err != nil {
		return fmt.Errorf("make a git repository of %s: %w", dir, err)
	}
	return CommitAll(dir, message, at)
}

// CommitAll commits all files of a repository as they are.
func CommitAll(dir, message string, at time.Time) error {
	g, err := git.PlainOpen(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	w, err := g.Worktree()
	if err != nil {
		return err
	}
	if err := w.AddWithOptions(&git.AddOptions{All: true}); err != nil {
		return fmt.Errorf("add the files of %s: %w", dir, err)
	}
	who := &object.Signature{Name: author, Email: "demo@example.com", When: at}
	if _, err := w.Commit(message, &git.CommitOptions{Author: who, Committer: who}); err != nil {
		return fmt.Errorf("commit in %s: %w", dir, err)
	}
	return nil
}
