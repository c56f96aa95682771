package appdef

import "fmt"

// checkDeprecated is what is refused before deprecated fields are translated.
func (r *Reader) checkDeprecated(app Object, update bool) *Refusal {
	var out []Problem
	bad := func(path, text string) { out = append(out, Problem{path, text}) }
	c, hasContainer := app["container"].(Object)
	docker, hasDocker := c["docker"].(Object)
	ip, hasIP := app["ipAddress"].(Object)
	if hasContainer && c["type"] == "DOCKER" && !hasDocker {
		bad("/container/docker", "not defined")
	}
	if hasContainer && c["type"] == "MESOS" {
		for _, f := range []string{"network", "portMappings", "credential"} {
			if docker[f] != nil {
				bad("/container/docker/"+f, "must be empty")
			}
		}
	}
	if app["networks"] != nil && len(List(app["networks"])) > 0 {
		if docker["network"] != nil {
			bad("/", "must not specify both container.docker.network and networks")
		}
		if hasIP {
			bad("/", "must not specify both networks and ipAddress")
		}
	}
	if hasIP && ip["discovery"] != nil && hasContainer && c["type"] == "DOCKER" {
		bad("/ipAddress", "ipAddress/discovery is not allowed for Docker containers")
	}
	if hasIP && (len(List(app["ports"])) > 0 || len(List(app["portDefinitions"])) > 0) {
		bad("/", "cannot specify both an IP address and port")
	}
	out = append(out, deprecatedPorts(app)...)
	out = append(out, deprecatedURIs(app)...)
	if !update {
		out = append(out, commandRule(app)...)
	}
	return Invalid(out...)
}

func deprecatedPorts(app Object) []Problem {
	ports, defs := List(app["ports"]), List(app["portDefinitions"])
	var out []Problem
	seen := map[int]bool{}
	for _, p := range ports {
		if n := Int(p); n != 0 && seen[n] {
			out = append(out, Problem{"/", "ports must be unique"})
			break
		}
		seen[Int(p)] = true
	}
	if app["ports"] == nil || app["portDefinitions"] == nil {
		return out
	}
	same := len(ports) == len(defs)
	for i := 0; same && i < len(ports); i++ {
		same = Int(ports[i]) == Int(Map(defs[i])["port"])
	}
	if !same {
		out = append(out, Problem{"/", "cannot specify both ports and port definitions"})
	}
	return out
}

func deprecatedURIs(app Object) []Problem {
	var out []Problem
	if len(List(app["uris"])) > 0 && len(List(app["fetch"])) > 0 {
		out = append(out, Problem{"/uris", "may not be set in conjunction with fetch"})
	}
	for i, u := range List(app["uris"]) {
		if s := Text(u); s != "" && !validURI(s) {
			out = append(out, Problem{fmt.Sprintf("/uris(%d)", i), "URI has invalid syntax."})
		}
	}
	return out
}

// commandRule: something to run, and one way of saying it.
func commandRule(app Object) []Problem {
	cmd, args := app["cmd"] != nil, len(List(app["args"])) > 0
	image := Map(Map(app["container"])["docker"])["image"] != nil
	if cmd && args || !cmd && !args && !image {
		return []Problem{{"/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."}}
	}
	return nil
}
