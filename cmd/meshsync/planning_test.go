package main

import (
	"slices"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

func TestAnAppThatMarathonRewritesRestartsAndItIsSaidWhy(t *testing.T) {
	t.Parallel()
	c := diff.Change{
		Before: mesh.Tree{"instances": int64(2)}, After: mesh.Tree{"instances": int64(3)},
		App: &mesh.AppState{TasksRunning: 2, Rewritten: []string{"healthChecks"}},
	}
	e := appEffects(mesh.Observed{})(c)
	want := []string{"healthChecks (Marathon adds a port index with any write)", "instances"}
	if e.Restarts != 2 || e.Starts != 1 || !slices.Equal(e.Because, want) {
		t.Errorf("%+v", e)
	}
	c.App.Rewritten = nil
	if e := appEffects(mesh.Observed{})(c); e.Restarts != 0 || e.Starts != 1 || !slices.Equal(e.Because, []string{"instances"}) {
		t.Errorf("%+v", e)
	}
}
