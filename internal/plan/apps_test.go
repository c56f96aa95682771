package plan

import (
	"fmt"
	"maps"
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
		for _, x := range deployOrder(in, graph) {
			got = append(got, x.change.Addr.Name)
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
}

func TestLayersAreThoseOfOneDeployment(t *testing.T) {
	t.Parallel()
	change := func(marathon, id string, deps ...any) diff.Change {
		return diff.Change{
			Addr: mesh.Address{Target: mesh.Marathon(marathon), Kind: mesh.App, Name: id}, Action: diff.Update,
			After: mesh.MustTree(map[string]any{"dependencies": append([]any{}, deps...)}),
		}
	}
	gone := change("main", "/old")
	gone.Action, gone.Before, gone.After = diff.Delete, gone.After, nil
	user := change("main", "/old/user", "/old")
	user.Action, user.Before, user.After = diff.Delete, user.After, nil
	got := map[string]string{}
	order := []string{}
	changes := []diff.Change{
		change("main", "/api", "/store", "/nowhere"), change("main", "/cache"), change("main", "/store/db"), change("main", "/store/index", "/store/db"),
		change("main", "/storefront"), change("main", "/web", "/api", "/cache"), change("other", "/web", "/store"), gone, user,
	}
	graph := func(t mesh.Target) *appGraph { return newAppGraph(mesh.TargetState{Target: t}, changes) }
	for _, x := range deployOrder(changes, graph) {
		name := x.change.Addr.Target.Name + x.change.Addr.Name
		got[name] = fmt.Sprint(x.layer, x.uses)
		order = append(order, name)
	}
	want := map[string]string{
		"main/cache": "1 []", "main/store/db": "1 []", "main/storefront": "1 []", "other/web": "1 []", "main/store/index": "2 [/store/db]",
		"main/api": "3 [/store/db /store/index]", "main/web": "4 [/api /cache]", "main/old/user": "5 []", "main/old": "6 []",
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if text := strings.Join(order, " "); text != "main/cache main/store/db main/storefront main/store/index main/api main/web other/web main/old/user main/old" {
		t.Error(text)
	}
}
