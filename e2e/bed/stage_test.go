//go:build linux

package bed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func TestTwoWhoBuildAtOnceBuildOnce(t *testing.T) {
	setting(t)
	dir := t.TempDir()
	var fills atomic.Int32
	s := stage{name: "x", recipe: "1", fill: func(ctx context.Context, dir string, g group) error {
		fills.Add(1)
		return g.run(command(ctx, "touch", filepath.Join(dir, "whole")))
	}}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			made, err := s.provide(t.Context(), dir)
			if err != nil {
				t.Error(err)
				return
			}
			defer made.held.release()
			if _, err := os.Stat(filepath.Join(made.dir, "whole")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := fills.Load(); n != 1 {
		t.Errorf("the tree was made %d times", n)
	}
}

func TestHalfATreeIsNotUsed(t *testing.T) {
	setting(t)
	dir := t.TempDir()
	failure := errors.New("no luck")
	s := stage{name: "x", recipe: "1"}
	s.fill = func(_ context.Context, dir string, _ group) error {
		return errors.Join(failure, os.WriteFile(filepath.Join(dir, "half"), nil, 0o600))
	}
	if _, err := s.provide(t.Context(), dir); !errors.Is(err, failure) {
		t.Fatalf("a fill that fails: %v", err)
	}
	s.fill = func(_ context.Context, dir string, _ group) error {
		return os.WriteFile(filepath.Join(dir, "whole"), nil, 0o600)
	}
	made, err := s.provide(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer made.held.release()
	entries, err := os.ReadDir(made.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "whole" {
		t.Errorf("the second attempt has %v, %v", entries, err)
	}
}

func TestTreesOfOldRecipesGoWhenNobodyUsesThem(t *testing.T) {
	setting(t)
	dir := t.TempDir()
	provide := func(recipe string) tree {
		s := stage{name: "x", recipe: recipe, fill: func(context.Context, string, group) error { return nil }}
		made, err := s.provide(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first := provide("1")
	second := provide("2")
	second.held.release()
	third := provide("3")
	third.held.release()
	var left []string
	for _, made := range []tree{first, second, third} {
		if _, err := os.Stat(made.dir); err == nil {
			left = append(left, made.dir)
		}
	}
	first.held.release()
	if want := []string{first.dir, third.dir}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want the one in use and the newest: %q", left, want)
	}
}
