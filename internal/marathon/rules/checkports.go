package rules

import (
	"fmt"
	"strings"
)

// checkedPorts are the ports of an app that its checks can be for.
type checkedPorts struct {
	count int
	names []string
	// late: Marathon itself adds a container with one port, and only after it has looked at
	// what its own health checks and the readiness checks are for.
	late bool
	// listed: a check without a port is for the first one. Otherwise it is for the only one.
	listed bool
}

// portsForChecks counts the ports as Marathon does when it reads checks: those of the
// container outside the network of the host, those of the app in it.
func (c *checker) portsForChecks() checkedPorts {
	def := fields(c.def)
	listed := len(def.list("portDefinitions")) > 0
	if !hasOwnNetwork(def) {
		if !def.has("portDefinitions") && !def.has("ports") {
			return checkedPorts{count: 1, names: []string{"default"}}
		}
		return checkedPorts{count: definedPorts(def), names: namesOf(def.objects("portDefinitions")), listed: listed}
	}
	if !def.has("container") && !def.has("ipAddress") {
		return checkedPorts{late: true, listed: listed}
	}
	mappings := mappingsOf(def)
	return checkedPorts{count: max(len(mappings), definedPorts(def)), names: namesOf(mappings), listed: true}
}

// afterwards are the ports that Mesos checks can be for: Marathon looks at them last.
func (p checkedPorts) afterwards() checkedPorts {
	if p.late {
		return checkedPorts{count: 1, names: []string{"default"}, listed: p.listed}
	}
	return p
}

// hasOwnNetwork reports whether the app is in another network than that of the host.
func hasOwnNetwork(def fields) bool {
	for _, n := range def.objects("networks") {
		if n.word("mode", "CONTAINER") != "HOST" {
			return true
		}
	}
	if len(def.list("networks")) > 0 {
		return false
	}
	if mode := def.object("container").object("docker").text("network"); mode != "" {
		return !strings.EqualFold(mode, "HOST")
	}
	return def.has("ipAddress")
}

// mappingsOf returns the port mappings of the container, whichever way they are written.
func mappingsOf(def fields) []fields {
	container := def.object("container")
	docker := container.object("docker")
	discovered := def.object("ipAddress").object("discovery").objects("ports")
	switch {
	case container.has("portMappings"):
		return container.objects("portMappings")
	case docker.has("portMappings"):
		return docker.objects("portMappings")
	case len(discovered) > 0:
		return discovered
	}
	return []fields{{"name": "default"}}
}

func definedPorts(def fields) int {
	if def.has("portDefinitions") {
		return len(def.list("portDefinitions"))
	}
	return len(def.list("ports"))
}

func namesOf(ports []fields) []string {
	var out []string
	for _, p := range ports {
		if name := p.text("name"); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// has reports whether a check is for a port that there is. An index counts even beside a
// fixed port.
func (p checkedPorts) has(check fields) bool {
	if check.has("portIndex") {
		n := check.number("portIndex", -1)
		return n >= 0 && n < float64(p.count)
	}
	return check.has("port") || p.count == 1 || p.listed && p.count > 0
}

// wrongPort says what is wrong with the port of a check; "" when nothing is. what names the
// check, such as "an HTTP health check".
func (p checkedPorts) wrongPort(check fields, what string) (msg, hint string) {
	n, port := check.number("portIndex", 0), check.has("port")
	switch {
	case p.has(check):
		return "", ""
	case p.late:
		return fmt.Sprintf("has %s, and a network of its own but no container: Marathon gives it a port only after it has looked for the one to check", what),
			`give it a container with portMappings: [{name: "default"}], or name a fixed port by "port"`
	case p.count == 0:
		return fmt.Sprintf("has %s, and no port that could be checked", what), `give the app a port, or name a fixed one by "port" alone`
	case !check.has("portIndex"):
		return fmt.Sprintf("has %s that does not say which of the app's %d ports it is for", what, p.count), "write portIndex: 0 for the first of them"
	case p.count == 1:
		return fmt.Sprintf("has %s for the port of index %s, and its only port has index 0", what, shown(n)), fixedPort(port, "write portIndex: 0")
	}
	return fmt.Sprintf("has %s for the port of index %s, and its %d ports have the indices 0 to %d", what, shown(n), p.count, p.count-1),
		fixedPort(port, fmt.Sprintf("write a portIndex from 0 to %d", p.count-1))
}

// fixedPort is what to write instead of a wrong portIndex.
func fixedPort(port bool, hint string) string {
	if port {
		return `leave portIndex out: "port" says which port to check`
	}
	return hint
}
