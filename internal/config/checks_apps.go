package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkApps checks the apps one by one, and then as Marathon sees them together.
func checkApps(m *mesh.Mesh, c *collector) {
	secrets := secretPattern(m.Policy)
	for _, a := range m.Apps {
		checkAppID(a, c)
		checkEnv(a, secrets, c)
		for _, d := range asList(a.Definition["dependencies"]) {
			if on, _ := d.(string); on != "" && "/"+strings.Trim(on, "/") == a.ID {
				c.add(Error{Pos: fieldPos(a, "dependencies"), Rule: "app-dependency", Msg: fmt.Sprintf("app %s depends on itself", a.ID)})
			}
		}
		if _, cmd := a.Definition["cmd"]; cmd && a.Definition["args"] != nil {
			c.add(Error{Pos: fieldPos(a, "cmd"), Rule: "app-command", Msg: fmt.Sprintf("app %s has both cmd and args: Marathon takes one of them", a.ID)})
		}
		if a.Definition["cmd"] == nil && a.Definition["args"] == nil && a.Definition["container"] == nil {
			c.add(Error{Pos: a.Origin, Rule: "app-command", Msg: fmt.Sprintf("app %s has nothing to run", a.ID), Hint: "set cmd, args, or a container with an image"})
		}
	}
	checkAppTree(m, c)
	checkAppCycles(m, c)
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

// checkAppCycles finds apps that wait for each other: Marathon refuses them.
func checkAppCycles(m *mesh.Mesh, c *collector) {
	byID := map[string]mesh.AppSpec{}
	for _, a := range m.Apps {
		byID[a.Marathon+" "+a.ID] = a
	}
	state := map[string]int{} // 1: on the way, 2: done
	var visit func(a mesh.AppSpec, way []string)
	visit = func(a mesh.AppSpec, way []string) {
		key := a.Marathon + " " + a.ID
		if state[key] == 1 {
			from := slices.Index(way, a.ID)
			if len(way)-from > 1 { // an app that depends on itself has an error of its own
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
			if on, ok := byID[a.Marathon+" "+absoluteID(a.ID, id)]; ok {
				visit(on, append(slices.Clone(way), a.ID))
			}
		}
		state[key] = 2
	}
	for _, a := range m.Apps {
		visit(a, nil)
	}
}

// absoluteID is a dependency as seen from an app: "db" of /shop/web is /shop/db.
func absoluteID(app, id string) string {
	if strings.HasPrefix(id, "/") {
		return path.Clean(id)
	}
	return path.Join(path.Dir(app), id)
}

var appIDExpr = regexp.MustCompile(`^(/[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)+$`)

func checkAppID(a mesh.AppSpec, c *collector) {
	switch {
	case !appIDExpr.MatchString(a.ID):
		c.add(Error{Pos: a.Origin, Rule: "app-id", Msg: fmt.Sprintf("%q is no app id", a.ID), Hint: "parts between slashes have lower-case letters, digits and dashes"})
	case slices.Contains([]string{"restart", "tasks", "versions"}, path.Base(a.ID)):
		c.add(Error{Pos: a.Origin, Rule: "app-id", Msg: fmt.Sprintf("app %s ends in %q, which Marathon's API needs for itself", a.ID, path.Base(a.ID))})
	case a.ID == "/meshsync" || strings.HasPrefix(a.ID, "/meshsync/"):
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

func fieldPos(a mesh.AppSpec, field string) mesh.Pos {
	if p, ok := a.Fields[field]; ok {
		return p
	}
	return a.Origin
}

// checkServicePorts finds two ports with one service port: Marathon accepts it, and the load balancer breaks.
func checkServicePorts(m *mesh.Mesh, c *collector) {
	type owner struct{ app mesh.AppSpec }
	seen := map[string]owner{}
	for _, a := range m.Apps {
		for _, p := range servicePorts(a.Definition) {
			key := a.Marathon + " " + p
			if old, ok := seen[key]; ok {
				msg := fmt.Sprintf("apps %s and %s both claim the service port %s", old.app.ID, a.ID, p)
				if old.app.ID == a.ID {
					msg = fmt.Sprintf("app %s claims the service port %s twice", a.ID, p)
				}
				c.add(Error{Pos: a.Origin, Also: alsoUnless(a.Origin, old.app.Origin), Rule: "duplicate-port", Msg: msg, Hint: "0 lets Marathon choose a free one"})
			}
			seen[key] = owner{a}
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
