package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
)

// checkApps checks the apps one by one, and then as Marathon sees them together.
func checkApps(m *mesh.Mesh, l *loader) {
	c := l.errs
	secrets := secretPattern(m.Policy)
	where := newAppLines(l.mod)
	for _, a := range m.Apps {
		checkAppRules(m, a, where, c)
		checkOwnGroup(a, c)
		checkEnv(a, secrets, c)
	}
	checkAppTree(m, c)
	checkAppCycles(m, c)
}

// checkAppRules holds an app to what its Marathon takes.
func checkAppRules(m *mesh.Mesh, a mesh.AppSpec, where *appLines, c *collector) {
	var marathon rules.Marathon
	for _, x := range m.Marathons {
		if x.Name == a.Marathon {
			marathon.Version = x.Version
		}
	}
	for _, f := range rules.Check(a.ID, a.Definition, marathon) {
		pos, msg := where.of(a, f.Path), "app "+harmless(a.ID)+" "+f.Msg
		if f.Warning {
			m.Warnings = append(m.Warnings, mesh.Warning{Pos: pos, Msg: msg, Hint: f.Hint})
			continue
		}
		c.add(Error{Pos: pos, Rule: f.Rule, Msg: msg, Hint: f.Hint})
	}
}

// harmless is an id that may be none, without what would move a terminal's cursor.
func harmless(id string) string {
	if quoted := strconv.Quote(id); quoted != `"`+id+`"` {
		return quoted
	}
	return id
}

// checkAppTree finds apps that have others below them: for Marathon an id is an app or a
// group, not both.
func checkAppTree(m *mesh.Mesh, c *collector) {
	byID := map[string]mesh.AppSpec{}
	for _, a := range m.Apps {
		byID[a.Marathon+" "+a.ID] = a
	}
	for _, a := range m.Apps {
		for dir := path.Dir(a.ID); dir != "/" && dir != "."; dir = path.Dir(dir) {
			if above, ok := byID[a.Marathon+" "+dir]; ok {
				c.add(Error{
					Pos: a.Origin, Also: alsoUnless(a.Origin, above.Origin), Rule: "app-group",
					Msg:  fmt.Sprintf("app %s lies below the app %s: for Marathon an id is an app or a group, not both", a.ID, dir),
					Hint: "move one of them, for example to " + dir + "/main",
				})
			}
		}
	}
}

// checkAppCycles finds apps that wait for each other: Marathon refuses them. Who depends on
// a group waits for all apps in it.
func checkAppCycles(m *mesh.Mesh, c *collector) {
	at := map[string][]mesh.AppSpec{} // the apps at and below an id
	for _, a := range m.Apps {
		for id := a.ID; id != "/" && id != "."; id = path.Dir(id) {
			at[a.Marathon+" "+id] = append(at[a.Marathon+" "+id], a)
		}
	}
	release := releases(m)
	state := map[string]int{} // 1: on the way, 2: done
	var visit func(a mesh.AppSpec, way []string)
	visit = func(a mesh.AppSpec, way []string) {
		key := a.Marathon + " " + a.ID
		if state[key] == 1 {
			from := slices.Index(way, a.ID)
			if len(way)-from > 1 { // an app that depends on itself is refused alone
				c.add(Error{Pos: fieldPos(a, "dependencies"), Rule: "app-dependency", Msg: "apps depend on each other in a circle: " + strings.Join(append(way[from:], a.ID), " → ")})
			}
			return
		}
		if state[key] == 2 {
			return
		}
		state[key] = 1
		for _, d := range asList(a.Definition["dependencies"]) {
			id, _ := d.(string)
			for _, on := range at[a.Marathon+" "+mesh.Dependency(a.ID, id, release[a.Marathon])] {
				visit(on, append(slices.Clone(way), a.ID))
			}
		}
		state[key] = 2
	}
	for _, a := range m.Apps {
		visit(a, nil)
	}
}

// releases are the declared versions of the Marathons, by name.
func releases(m *mesh.Mesh) map[string]mesh.Release {
	out := map[string]mesh.Release{}
	for _, x := range m.Marathons {
		out[x.Name] = mesh.ParseRelease(x.Version)
	}
	return out
}

// checkOwnGroup keeps apps out of meshsync's own group.
func checkOwnGroup(a mesh.AppSpec, c *collector) {
	if a.ID == "/meshsync" || strings.HasPrefix(a.ID, "/meshsync/") {
		c.add(Error{Pos: a.Origin, Rule: "app-id", Msg: fmt.Sprintf("app %s lies in the group /meshsync, where meshsync keeps its records", a.ID)})
	}
}

func secretPattern(p mesh.Policy) *regexp.Regexp {
	var parts []string
	for _, s := range p.Secrets() {
		if _, err := regexp.Compile(s); err == nil {
			parts = append(parts, "(?:"+s+")")
		}
	}
	return regexp.MustCompile("(?i)" + strings.Join(parts, "|"))
}

// checkEnv refuses secrets in plain text. The value is never shown.
func checkEnv(a mesh.AppSpec, secrets *regexp.Regexp, c *collector) {
	env, _ := a.Definition["env"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if _, plain := env[name].(string); plain && len(secrets.String()) > 4 && secrets.MatchString(name) {
			c.add(Error{
				Pos: fieldPos(a, "env"), Rule: "plain-secret",
				Msg:  fmt.Sprintf("app %s: env %s looks like a secret and is written in plain text", a.ID, name),
				Hint: `use {"secret": "NAME"} with secrets, or narrow policy.secretNames if it is none`,
			})
		}
	}
}

// checkServicePorts finds two apps with one service port: Marathon accepts it, and the load balancer breaks.
func checkServicePorts(m *mesh.Mesh, c *collector) {
	seen := map[string]mesh.AppSpec{}
	for _, a := range m.Apps {
		for _, p := range servicePorts(a.Definition) {
			key := a.Marathon + " " + p
			if old, ok := seen[key]; ok && old.ID != a.ID {
				c.add(Error{
					Pos: a.Origin, Also: alsoUnless(a.Origin, old.Origin), Rule: "duplicate-port",
					Msg: fmt.Sprintf("apps %s and %s both claim the service port %s", old.ID, a.ID, p), Hint: "0 lets Marathon choose a free one",
				})
			}
			seen[key] = a
		}
	}
}

// servicePorts lists the service ports that are written out, without zeros.
func servicePorts(def map[string]any) []string {
	var out []string
	add := func(list any, field string) {
		for _, x := range asList(list) {
			o, _ := x.(map[string]any)
			if n, ok := o[field].(json.Number); ok && n.String() != "0" {
				out = append(out, n.String())
			}
		}
	}
	add(def["portDefinitions"], "port")
	if container, ok := def["container"].(map[string]any); ok {
		add(container["portMappings"], "servicePort")
	}
	return out
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}
