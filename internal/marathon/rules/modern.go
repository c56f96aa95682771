package rules

import (
	"maps"
	"net/url"
	"strings"
)

// Modern is a definition with deprecated forms in the form of Marathon 1.5: the fields to
// write, in place of those of the same names; nil says that the field goes. It translates
// what Marathon itself does (uris, ports, ipAddress, container.docker.network and
// portMappings), and what it did no more when 0.6 and Deimos had gone. There is none, and ok
// is false, of a definition that is modern. def is not modified.
func Modern(def map[string]any) (fields map[string]any, ok bool) {
	m := modernizer{app: maps.Clone(def), fields: map[string]any{}}
	m.seedEra()
	m.artifacts()
	m.network()
	for _, name := range []string{"storeUrls", "taskRateLimit"} {
		m.leaveOut(name)
	}
	return m.fields, len(m.fields) > 0
}

// A modernizer holds the definition as it becomes, and which fields it has changed.
type modernizer struct{ app, fields map[string]any }

func (m modernizer) write(name string, v any) { m.app[name], m.fields[name] = v, v }

func (m modernizer) leaveOut(name string) {
	if m.app[name] != nil {
		m.fields[name] = nil
	}
	delete(m.app, name)
}

// artifacts makes fetch of uris. An archive by the name of its path was unpacked, no other.
func (m modernizer) artifacts() {
	uris, _ := listIn(m.app, "uris")
	fetch, _ := listIn(m.app, "fetch")
	m.leaveOut("uris")
	known := map[string]bool{}
	for _, v := range fetch {
		o, _ := v.(map[string]any)
		uri, _ := textIn(o, "uri")
		known[uri] = true
	}
	added := append([]any{}, fetch...)
	for _, v := range uris {
		uri, _ := v.(string)
		if uri != "" && !known[uri] { // fetch takes no empty one
			added = append(added, artifact(uri))
		}
	}
	if len(added) > len(fetch) {
		m.write("fetch", added)
	}
}

func artifact(uri string) map[string]any {
	if isArchive(uri) {
		return map[string]any{"uri": uri} // which fetch unpacks as well
	}
	return map[string]any{"uri": uri, "extract": false}
}

// isArchive looks at the decoded path of a URI; query and fragment do not count, and what
// has no path, such as mailto:, is none.
func isArchive(uri string) bool {
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	if scheme, rest, ok := strings.Cut(uri, ":"); ok && !strings.Contains(scheme, "/") {
		if !strings.HasPrefix(rest, "/") {
			return false
		}
		uri = rest
	}
	if rest, ok := strings.CutPrefix(uri, "//"); ok {
		_, path, _ := strings.Cut(rest, "/")
		uri = "/" + path
	}
	name, err := url.PathUnescape(uri)
	if err != nil {
		return false
	}
	for _, end := range []string{".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".gz", ".tgz", ".tbz2", ".txz", ".zip"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// network makes networks, port definitions and port mappings of their deprecated forms.
func (m modernizer) network() {
	w := wiringOf(m.app)
	if w.noSuchNetwork() {
		return // it has no modern form
	}
	if w.docker["network"] != nil || w.ip != nil {
		m.networks(w)
	}
	m.container(w)
	ports, given := listIn(m.app, "ports")
	m.leaveOut("ports")
	m.leaveOut("ipAddress")
	if given && !w.ownNetwork() && m.app["portDefinitions"] == nil {
		m.write("portDefinitions", definitionsOf(ports))
	}
}

func (m modernizer) networks(w wiring) {
	if given, _ := listIn(m.app, "networks"); len(given) > 0 {
		return
	}
	var out []any
	for _, n := range w.networks {
		o := map[string]any{"mode": n.mode}
		if n.named {
			o["name"] = n.name
		}
		if n.labelled {
			o["labels"] = w.ip["labels"]
		}
		out = append(out, o)
	}
	if len(out) > 0 {
		m.write("networks", out)
	}
}

// container writes the container without what is deprecated in it, and the one that an
// ipAddress implies.
func (m modernizer) container(w wiring) {
	container := maps.Clone(w.container)
	changed := false
	if container == nil && w.ip != nil {
		container, changed = map[string]any{"type": engineMesos}, true
	}
	if container == nil {
		return
	}
	if w.docker["network"] != nil || w.docker["portMappings"] != nil {
		docker := maps.Clone(w.docker)
		delete(docker, "network")
		delete(docker, "portMappings")
		container["docker"], changed = docker, true
	}
	if list, moved := m.mappings(w); moved {
		container["portMappings"], changed = list, true
	}
	if changed {
		m.write("container", container)
	}
}

// mappings are the port mappings of an app on a network of its own, and whether they are
// others than its container has: those of deprecated places, made longer by ports.
func (m modernizer) mappings(w wiring) (list []any, moved bool) {
	if !w.ownNetwork() {
		return nil, false
	}
	list, given := listIn(w.container, "portMappings")
	old, deprecated := listIn(w.docker, "portMappings")
	switch {
	case deprecated && len(list) == 0:
		list, given, moved = old, true, true
	case len(list) == 0 && len(w.discovered()) > 0:
		list, given, moved = mappingsOfDiscovery(w.discovered()), true, true
	}
	ports, _ := listIn(m.app, "ports")
	if m.app["portDefinitions"] != nil || len(ports) <= len(list) || !given && len(ports) == 1 {
		return list, moved
	}
	list = append([]any{}, list...)
	if !given {
		list = append(list, map[string]any{"containerPort": zero, "name": "default"})
	}
	for len(list) < len(ports) {
		list = append(list, map[string]any{"containerPort": zero})
	}
	return list, true
}

func mappingsOfDiscovery(ports []any) []any {
	var out []any
	for _, p := range portsOf(ports) {
		o := map[string]any{"containerPort": zero}
		for from, to := range map[string]string{"number": "containerPort", "name": "name", "protocol": "protocol", "labels": "labels"} {
			if v := p.fields[from]; v != nil {
				o[to] = v
			}
		}
		out = append(out, o)
	}
	return out
}

func definitionsOf(ports []any) []any {
	out := []any{}
	for _, p := range ports {
		out = append(out, map[string]any{"port": p})
	}
	return out
}
