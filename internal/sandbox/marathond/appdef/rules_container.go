package appdef

import (
	"fmt"
	"slices"
	"strings"
)

func (c *ruleCheck) networks() {
	nets := List(c.app["networks"])
	hosts, bridges, containers := 0, 0, 0
	var names []string
	for _, x := range nets {
		n := Map(x)
		switch n["mode"] {
		case "host":
			hosts++
			if n["name"] != nil || len(Map(n["labels"])) > 0 {
				c.bad("/networks", "Host networks may not have names or labels")
			}
		case "container/bridge":
			bridges++
			if n["name"] != nil {
				c.bad("/networks", "Bridge networks may not have names")
			}
		default:
			containers++
			name := Text(n["name"])
			if name == "" {
				name = c.reader.settings.DefaultNetwork
			}
			if name == "" {
				c.bad("/networks", "Network name must be specified when container network is selected.")
			} else if slices.Contains(names, name) {
				c.bad("/networks", "Duplicate networks are not allowed")
			}
			names = append(names, name)
		}
	}
	if len(nets) > 0 && len(nets) != containers && (hosts != 1 || len(nets) != 1) && (bridges != 1 || len(nets) != 1) {
		c.bad("/networks", "May specify a single host network, single bridge network, or else 1-to-n container networks")
	}
	if containers > 1 && Map(c.app["container"])["type"] == "DOCKER" {
		c.bad("/", "may only specify a single container network when using the Docker container engine")
	}
}

func (c *ruleCheck) container() {
	ct, ok := c.app["container"].(Object)
	if !ok {
		return
	}
	docker := Map(ct["docker"])
	isDocker := ct["type"] == "DOCKER"
	if docker["credential"] != nil {
		c.bad("/container/docker/credential", "must be empty")
	}
	if !isDocker && len(List(docker["parameters"])) > 0 {
		c.bad("/container/docker/parameters", "must be empty")
	}
	if pull, ok := docker["pullConfig"].(Object); ok {
		switch {
		case isDocker:
			c.bad("/container/docker/pullConfig", "pullConfig is not supported with Docker containerizer")
		case !c.reader.has("secrets"):
			c.bad("/container/docker/pullConfig", "must be empty")
			c.bad("/container/docker/pullConfig", needsSecrets)
		case Map(c.app["secrets"])[Text(pull["secret"])] == nil:
			c.bad("/container/docker/pullConfig", "pullConfig.secret must refer to an existing secret")
		}
	}
	if seccomp, ok := Map(ct["linuxInfo"])["seccomp"].(Object); ok && !isDocker {
		switch unconfined := seccomp["unconfined"] == true; {
		case seccomp["profileName"] == nil && !unconfined:
			c.bad("/container/linuxInfo/seccomp", "Seccomp unconfined must be true when Profile is NOT defined")
		case seccomp["profileName"] != nil && unconfined:
			c.bad("/container/linuxInfo/seccomp", "Seccomp unconfined must be false when Profile is defined")
		}
	}
	if ipc, ok := Map(ct["linuxInfo"])["ipcInfo"].(Object); ok && !isDocker && ipc["mode"] == "SHARE_PARENT" && ipc["shmSize"] != nil {
		c.bad("/container/linuxInfo/ipcInfo", "ipcInfo shmSize must NOT be set when mode is SHARE_PARENT")
	}
	c.volumes(List(ct["volumes"]))
}

// portCount is how many ports there are for checks to name.
func portCount(app Object) int {
	if nonHost(List(app["networks"])) {
		return len(List(Map(app["container"])["portMappings"]))
	}
	return len(List(app["portDefinitions"]))
}

func (c *ruleCheck) ports() {
	nets := List(c.app["networks"])
	if !nonHost(nets) {
		c.portDefinitions()
		return
	}
	var names []string
	for _, n := range nets {
		if name := Text(Map(n)["name"]); name != "" {
			names = append(names, name)
		}
	}
	maps := List(Map(c.app["container"])["portMappings"])
	for i, x := range maps {
		m := Map(x)
		given := List(m["networkNames"])
		for j, n := range given {
			if !slices.Contains(names, Text(n)) {
				c.bad(fmt.Sprintf("/container/portMappings(%d)/networkNames(%d)", i, j), "is not one of (%s)", strings.Join(names, ","))
			}
		}
		if m["hostPort"] != nil && len(nets) > 1 && len(given) != 1 {
			c.bad(fmt.Sprintf("/container/portMappings(%d)", i), "networkNames must be a single item list when hostPort is specified and more than 1 container network is defined")
		}
	}
	if repeated(maps, "name") {
		c.bad("/container/portMappings", "Port names must be unique.")
	}
}

func (c *ruleCheck) portDefinitions() {
	defs := List(c.app["portDefinitions"])
	for i, x := range defs {
		if n := Int(Map(x)["port"]); n < 0 {
			c.bad(fmt.Sprintf("/portDefinitions(%d)/port", i), "got %d, expected 0 or more", n)
		}
	}
	if repeated(defs, "name") {
		c.bad("/portDefinitions", "Port names must be unique.")
	}
	if repeated(defs, "port") {
		c.bad("/portDefinitions", "Ports must be unique.")
	}
}

// repeated reports whether a value other than none and 0 is there twice.
func repeated(list []any, key string) bool {
	seen := map[any]bool{}
	for _, x := range list {
		v := Map(x)[key]
		if v == nil || v == 0 {
			continue
		}
		if seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}

const portRule = "Health check port indices must address an element of the ports array or container port mappings."

func kind(h Object) string { return Text(h["protocol"]) }

func isMesosKind(h Object) bool { return strings.HasPrefix(kind(h), "MESOS_") }

func isMarathonKind(h Object) bool { return !isMesosKind(h) && kind(h) != "COMMAND" }

// resolves reports whether a check names a port that is there.
func resolves(h Object, ports int) bool {
	if i, ok := h["portIndex"].(int); ok {
		return i >= 0 && i < ports
	}
	return h["port"] != nil || ports == 1
}

func (c *ruleCheck) healthChecks() {
	checks := distinct(List(c.app["healthChecks"]))
	ofMesos := 0
	for i, x := range checks {
		h := Map(x)
		at := fmt.Sprintf("/healthChecks(%d)", i)
		if isMarathonKind(h) && h["command"] == nil && !resolves(h, portCount(c.app)) {
			c.bad(at, portRule)
		}
		if isMesosKind(h) || kind(h) == "COMMAND" && h["command"] == nil {
			ofMesos++
		}
		if h["ipProtocol"] == "IPv6" && (!isMesosKind(h) || Map(c.app["container"])["type"] != "DOCKER") {
			c.bad(at, "IPv6 can only be used for container type DOCKER and Mesos http/https/tcp health checks")
		}
	}
	if ofMesos > 1 {
		c.bad("/", "AppDefinition can contain at most one Mesos health check")
	}
}

func (c *ruleCheck) readiness() {
	checks := List(c.app["readinessChecks"])
	if len(checks) > 1 {
		c.bad("/readinessChecks/size", "got %d, expected 1 or less", len(checks))
	}
	ports := List(c.app["portDefinitions"])
	if nonHost(List(c.app["networks"])) {
		ports = List(Map(c.app["container"])["portMappings"])
	}
	for i, x := range checks {
		r := Map(x)
		at := fmt.Sprintf("/readinessChecks(%d)", i)
		if !slices.ContainsFunc(ports, func(p any) bool { return Map(p)["name"] == r["portName"] }) {
			c.bad(at+"/portName", "No port definition reference for portName %v", r["portName"])
		}
		if timeout, interval := Int(r["timeoutSeconds"]), Int(r["intervalSeconds"]); timeout >= interval {
			c.bad(at+"/timeoutSeconds", "got %d, expected less than %d", timeout, interval)
		}
	}
}
