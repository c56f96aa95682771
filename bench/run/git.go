//go:build linux

package main

import (
	"context"
	"fmt"
)

// commit makes dir a git repository whose one commit holds everything in it.
func commit(ctx context.Context, dir string) error {
	for _, args := range [][]string{
		{"git", "init", "-q", "-b", "main"},
		{"git", "add", "-A"},
		{"git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "bench"},
	} {
		if _, err := measure(ctx, command{dir: dir, args: args}); err != nil {
			return fmt.Errorf("make it a git repository: %w", err)
		}
	}
	return nil
}
