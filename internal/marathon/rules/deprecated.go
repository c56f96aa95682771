package rules

import (
	"fmt"
	"slices"
	"strings"
)

// deprecated refuses the deprecated forms where Marathon does not take them, or not beside
// the modern ones, and tells what to write in their place. It comes after the other rules.
func (c *checker) deprecated() {
	w := wiringOf(c.def)
	c.portsBesideDefinitions()
	c.urisBesideFetch()
	if !c.version.Before(1, 5) {
		c.oldNetworks(w)
		c.oldMappings(w)
	}
	c.answers(w)
}

func (c *checker) mixed(path []string, msg, hint string) {
	c.refuse(Finding{Path: path, Rule: "deprecated-mixed", Msg: msg, Hint: hint})
}

func (c *checker) portsBesideDefinitions() {
	ports, old := listIn(c.def, "ports")
	definitions, given := listIn(c.def, "portDefinitions")
	if !old || !given {
		return
	}
	same := len(ports) == len(definitions)
	for i := 0; same && i < len(ports); i++ {
		o, _ := definitions[i].(map[string]any)
		old, _ := whole(ports[i])
		port, _ := wholeIn(o, "port")
		same = old == port
	}
	if !same {
		c.mixed(pathTo("ports"), "has ports and portDefinitions, which name other ports", "leave ports out: portDefinitions say it all")
	}
}

func (c *checker) urisBesideFetch() {
	uris, _ := listIn(c.def, "uris")
	fetch, _ := listIn(c.def, "fetch")
	if len(uris) > 0 && len(fetch) > 0 && !c.echoes(uris, fetch) {
		c.mixed(pathTo("uris"), "has uris and fetch", "leave uris out, and write in fetch what it lacks")
	}
}

// echoes reports whether uris repeat fetch, as a Marathon from 0.15 to 1.4 shows both: it is sent fetch alone.
func (c *checker) echoes(uris, fetch []any) bool {
	return c.version.Before(1, 5) && !c.version.Before(0, 15) && slices.EqualFunc(uris, fetch, func(u, f any) bool {
		o, _ := f.(map[string]any)
		return o["uri"] == u
	})
}

// oldNetworks are container.docker.network and ipAddress.
func (c *checker) oldNetworks(w wiring) {
	place := pathTo("container", "docker", "network")
	old := w.docker["network"] != nil
	networks, _ := listIn(c.def, "networks")
	switch {
	case old && w.engine == engineMesos:
		c.mixed(place, "has container.docker.network in a container of type MESOS", "leave it out, and write networks")
	case old && len(networks) > 0:
		c.mixed(place, "has container.docker.network and networks", "leave the former out: networks say it all")
	case old && !slices.Contains([]string{"HOST", "BRIDGE", "USER"}, w.dockerNetwork()):
		c.refuse(Finding{
			Path: place, Rule: "network-modes",
			Msg:  fmt.Sprintf("has the Docker network %q, which Marathon does not have", w.docker["network"]),
			Hint: `write networks with mode "host", "container/bridge" or "container"`,
		})
	}
	if w.ip == nil {
		return
	}
	if len(networks) > 0 {
		c.mixed(pathTo("ipAddress"), "has ipAddress and networks", "leave ipAddress out: networks say it all")
	}
	ports, _ := listIn(c.def, "ports")
	definitions, _ := listIn(c.def, "portDefinitions")
	if len(ports)+len(definitions) > 0 {
		c.mixed(pathTo("ipAddress"), "has ipAddress and ports of the host", "write networks in place of ipAddress, and the ports in container: portMappings")
	}
}

// oldMappings are container.docker.portMappings and ipAddress.discovery.
func (c *checker) oldMappings(w wiring) {
	place := pathTo("container", "docker", "portMappings")
	old, given := listIn(w.docker, "portMappings")
	_, modern := listIn(w.container, "portMappings")
	switch {
	case given && w.engine == engineMesos:
		c.mixed(place, "has container.docker.portMappings in a container of type MESOS", "write them in container: portMappings")
	case len(old) > 0 && modern:
		c.mixed(place, "has container.docker.portMappings and container.portMappings", "keep the latter, with the ports of both")
	}
	discovery, given := objectIn(w.ip, "discovery")
	if !given {
		return
	}
	place = pathTo("ipAddress", "discovery")
	switch ports, _ := listIn(discovery, "ports"); {
	case w.engine == engineDocker:
		c.mixed(place, "has ipAddress.discovery in a container of type DOCKER", "write networks in place of ipAddress, and the ports in container: portMappings")
	case len(ports) > 0 && modern:
		c.mixed(place, "has ipAddress.discovery and container.portMappings", "keep the latter, with the ports of both")
	}
}

// answers tells of the deprecated forms what to write in their place.
func (c *checker) answers(w wiring) {
	modern, ok := Modern(c.def)
	if !ok {
		return
	}
	if c.def["uris"] != nil && !c.version.Before(0, 15) {
		c.answer([][]string{pathTo("uris")}, "has uris, the form of Marathon before 0.15", some(modern, "fetch"), "")
	}
	names := []string{"portDefinitions"}
	if !c.version.Before(1, 5) {
		names = append(names, "networks", "portMappings")
	}
	if w.container == nil {
		names = append(names, "type")
	}
	old := c.oldWiring(w)
	c.answer(old, "has the deprecated "+listed(old), some(modern, names...), "")
	if c.version.Before(1, 5) {
		return
	}
	if image, _ := textIn(w.docker, "image"); image != imageName(image) {
		c.warn(Finding{
			Path: pathTo("container", "docker", "image"), Rule: "deprecated",
			Msg:  "has an image as Deimos wanted it, which Docker does not find",
			Hint: "write image: " + text(imageName(image)),
		})
	}
}

// oldWiring are the places of deprecated networks and ports, where the release has others.
func (c *checker) oldWiring(w wiring) [][]string {
	var out [][]string
	if !c.version.Before(1, 5) {
		for _, name := range []string{"network", "portMappings"} {
			if w.docker[name] != nil {
				out = append(out, pathTo("container", "docker", name))
			}
		}
		if w.ip != nil {
			out = append(out, pathTo("ipAddress"))
		}
	}
	if c.def["ports"] != nil && !c.version.Before(1, 0) && (!w.ownNetwork() || !c.version.Before(1, 5)) {
		out = append(out, pathTo("ports"))
	}
	return out
}

// answer warns of deprecated fields, if they are not refused: then it was said what to write.
func (c *checker) answer(places [][]string, msg string, modern map[string]any, see string) {
	if len(places) == 0 || slices.ContainsFunc(places, c.refusedIn) {
		return
	}
	hint := "leave it out"
	if len(places) > 1 {
		hint = "leave them out"
	}
	switch {
	case len(modern) > 0:
		hint = "write instead: " + Written(modern)
	case see != "":
		hint += "; see " + see
	}
	c.warn(Finding{Path: places[0], Rule: "deprecated", Msg: msg, Hint: hint})
}

// listed are paths in words.
func listed(paths [][]string) string {
	var names []string
	for _, p := range paths {
		names = append(names, strings.Join(p, "."))
	}
	if last := len(names) - 1; last > 0 {
		names = append(names[:last-1], names[last-1]+" and "+names[last])
	}
	return strings.Join(names, ", ")
}

// refusedIn reports whether anything is refused at a path, or below it.
func (c *checker) refusedIn(path []string) bool {
	return slices.ContainsFunc(c.found, func(f Finding) bool {
		return !f.Warning && len(f.Path) >= len(path) && slices.Equal(f.Path[:len(path)], path)
	})
}

// some picks fields of a modern form: of the top, and of the container.
func some(modern map[string]any, names ...string) map[string]any {
	out, inside := map[string]any{}, map[string]any{}
	container, _ := objectIn(modern, "container")
	for _, n := range names {
		if v := modern[n]; v != nil {
			out[n] = v
		}
		if v := container[n]; v != nil {
			inside[n] = v
		}
	}
	if len(inside) > 0 {
		out["container"] = inside
	}
	return out
}
