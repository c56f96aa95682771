package definition

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// An app of a newer Marathon, in which something is unknown at every depth.
const newerApp = `{
	"id": "/x", "cmd": "run", "future": 1, "role": "*",
	"env": {"A": "b", "S": {"secret": "s", "future": "env"}}, "secrets": {"s": {"source": "x", "future": "secret"}},
	"upgradeStrategy": {"minimumHealthCapacity": 1, "maximumOverCapacity": 1, "future": "upgrade"},
	"container": {
		"type": "MESOS", "future": "container", "docker": {"image": "i", "future": {"a": [1, null]}},
		"portMappings": [{"containerPort": 80, "servicePort": 10001}, {"containerPort": 81, "servicePort": 10002, "future": "port"}],
		"volumes": [{"containerPath": "a", "hostPath": "/a", "mode": "RO", "future": "volume"}]
	},
	"networks": [{"mode": "container", "name": "n", "future": "network"}],
	"healthChecks": [{"protocol": "MESOS_TCP", "portIndex": 1, "future": "second"}, {"protocol": "COMMAND", "command": {"value": "true", "future": "command"}}]
}`

func TestWhatIsNotKnownIsShownAtEveryDepth(t *testing.T) {
	t.Parallel()
	_, foreign, err := Canonical(parsed(t, newerApp), submitted{}.info())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"container.docker.future", "container.future", "container.portMappings[1].future", "container.volumes[0].future",
		"env.S.future", "future", "healthChecks[0].future", "healthChecks[1].command.future", "networks[0].future",
		"secrets.s.future", "upgradeStrategy.future",
	}
	if got := slices.Sorted(maps.Keys(foreign)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWhatIsNotKnownIsSentBackWhereItWas(t *testing.T) {
	t.Parallel()
	info := submitted{}.info()
	echo := parsed(t, newerApp)
	form, had, err := Canonical(echo, info)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		edit func(form mesh.Tree)
		gone []string
		at   map[string]string // where a path has moved
	}{
		{name: "a scaled app", edit: func(f mesh.Tree) { f["instances"] = int64(3) }},
		{
			name: "a mapping less",
			edit: func(f mesh.Tree) {
				con, _ := f["container"].(object)
				con["portMappings"] = list(con["portMappings"])[1:]
			},
			at: map[string]string{"container.portMappings[1].future": "container.portMappings[0].future"},
		},
		{name: "a mapping changed", edit: func(f mesh.Tree) {
			con, _ := f["container"].(object)
			m, _ := list(con["portMappings"])[1].(object)
			m["containerPort"] = int64(82)
		}},
		{
			name: "no container", edit: func(f mesh.Tree) { delete(f, "container") },
			gone: []string{"container.docker.future", "container.future", "container.portMappings[1].future", "container.volumes[0].future"},
		},
	} {
		want := form.Clone()
		x.edit(want)
		body, err := Body(want, echo, info)
		if err != nil {
			t.Fatal(err)
		}
		_, has, err := Canonical(body, info)
		if err != nil {
			t.Fatal(err)
		}
		for path, v := range had {
			to := path
			if moved, ok := x.at[path]; ok {
				to = moved
			}
			// Checks are a set: the form has them in an order of its own.
			to = strings.NewReplacer("healthChecks[0]", "healthChecks[1]", "healthChecks[1]", "healthChecks[0]").Replace(to)
			if got, ok := has[to]; ok == slices.Contains(x.gone, path) || ok && fmt.Sprint(got) != fmt.Sprint(v) {
				t.Errorf("%s: %s is %v, want %v: %v", x.name, to, got, v, has)
			}
		}
	}
}
