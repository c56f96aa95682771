package plan

import (
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

func TestAppsAreDeployedBehindWhatTheyUseAndDeletedBefore(t *testing.T) {
	t.Parallel()
	app := func(action diff.Action, id string, deps ...any) diff.Change {
		tree := mesh.MustTree(map[string]any{"dependencies": append([]any{}, deps...)})
		c := diff.Change{Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: id}, Action: action}
		if action == diff.Delete || action == diff.Release {
			c.Before = tree
		} else {
			c.After = tree
		}
		return c
	}
	for name, x := range map[string]struct{ in, want []string }{
		"deploy":  {[]string{"create /a /z", "update /m", "create /z /m"}, []string{"/m", "/z", "/a"}},
		"delete":  {[]string{"delete /a", "delete /b /a", "delete /c /b"}, []string{"/c", "/b", "/a"}},
		"both":    {[]string{"delete /a", "create /b /a", "delete /c /a", "update /d"}, []string{"/b", "/d", "/c", "/a"}},
		"a cycle": {[]string{"create /a /b", "create /b /a"}, []string{"/b", "/a"}},
		"nothing": {},
	} {
		var in []diff.Change
		for _, text := range x.in {
			var words []any
			for word := range strings.FieldsSeq(text) {
				words = append(words, word)
			}
			in = append(in, app(diff.Action(words[0].(string)), words[1].(string), words[2:]...))
		}
		graph := func(t mesh.Target) *appGraph { return newAppGraph(mesh.TargetState{Target: t}, in) }
		var got []string
		for _, c := range deployOrder(in, graph) {
			got = append(got, c.Addr.Name)
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
}
