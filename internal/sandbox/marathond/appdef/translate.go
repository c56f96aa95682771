package appdef

import (
	"net/url"
	"strings"
)

func nonHost(networks []any) bool {
	for _, n := range networks {
		if Map(n)["mode"] != "host" {
			return true
		}
	}
	return false
}

func isBridge(networks []any) bool {
	return len(networks) == 1 && Map(networks[0])["mode"] == "container/bridge"
}

// translate turns deprecated fields into those of the canonical form, in place.
func (r *Reader) translate(app Object) *Refusal {
	translateURIs(app)
	if refusal := r.translateNetworks(app); refusal != nil {
		return refusal
	}
	had := len(List(app["portDefinitions"])) > 0 // as it came in: not ports, not the implicit default
	ports := translatePorts(app)
	nets := List(app["networks"])
	if c, ok := app["container"].(Object); ok {
		if !nonHost(nets) {
			delete(c, "portMappings") // silently
		} else {
			if c["portMappings"] == nil {
				c["portMappings"] = []any{mapping("default")}
			}
			for len(List(c["portMappings"])) < len(ports) {
				c["portMappings"] = append(List(c["portMappings"]), mapping(""))
			}
		}
		had = had || c["portMappings"] != nil
	}
	if nonHost(nets) {
		delete(app, "portDefinitions")
	}
	if had {
		indexChecks(app)
	}
	return nil
}

// translateUpdate does what can be done without the app that the update is laid over.
func (r *Reader) translateUpdate(update Object) *Refusal {
	translateURIs(update)
	if refusal := r.translateNetworks(update); refusal != nil {
		return refusal
	}
	if update["ports"] != nil {
		translatePorts(update)
	}
	if nonHost(List(update["networks"])) && update["container"] == nil {
		update["container"] = Object{"type": "MESOS", "volumes": []any{}, "portMappings": []any{mapping("default")}}
	}
	indexChecks(update)
	return nil
}

// indexChecks gives port index 0 to every check that names no port.
func indexChecks(app Object) {
	for _, x := range List(app["healthChecks"]) {
		h := Map(x)
		if h["protocol"] != "COMMAND" && h["port"] == nil && h["portIndex"] == nil {
			h["portIndex"] = 0
		}
	}
}

func mapping(name string) Object {
	m := Object{"containerPort": 0, "servicePort": 0, "protocol": "tcp", "labels": Object{}}
	if name != "" {
		m["name"] = name
	}
	return m
}

func translateURIs(app Object) {
	if len(List(app["uris"])) > 0 {
		var fetch []any
		for _, u := range List(app["uris"]) {
			fetch = append(fetch, Object{"uri": u, "extract": isArchive(Text(u)), "executable": false, "cache": false})
		}
		app["fetch"] = fetch
	}
	delete(app, "uris")
}

// isArchive reports whether the decoded path ends as an archive's does. An opaque URI has no path.
func isArchive(uri string) bool {
	rest, _, _ := strings.Cut(uri, "#")
	rest, _, _ = strings.Cut(rest, "?")
	if i := strings.IndexAny(rest, ":/"); i >= 0 && rest[i] == ':' {
		if rest = rest[i+1:]; !strings.HasPrefix(rest, "/") {
			return false
		}
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		i := strings.IndexByte(after, '/')
		if i < 0 {
			return false
		}
		rest = after[i:]
	}
	if decoded, err := url.PathUnescape(rest); err == nil {
		rest = decoded
	}
	for _, end := range []string{".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".gz", ".tgz", ".tbz2", ".txz", ".zip"} {
		if strings.HasSuffix(rest, end) {
			return true
		}
	}
	return false
}

// translateNetworks makes networks of docker.network and ipAddress, and port mappings of
// docker.portMappings and ipAddress.discovery.
func (r *Reader) translateNetworks(app Object) *Refusal {
	ip, hasIP := app["ipAddress"].(Object)
	c, hasContainer := app["container"].(Object)
	docker := Map(c["docker"])
	dnet := Text(docker["network"])
	if dnet == "NONE" {
		return refuse500("unsupported docker network type NONE")
	}
	if nets := r.legacyNetworks(ip, hasIP, dnet); nets != nil {
		app["networks"] = nets
	}
	if !hasContainer && hasIP {
		c = Object{"type": "MESOS", "volumes": []any{}}
		app["container"] = c
	}
	if maps, ok := docker["portMappings"].([]any); ok {
		switch {
		case c["portMappings"] == nil:
			c["portMappings"] = maps
		case len(maps) > 0:
			return refuse500("cannot specify both portMappings and docker.portMappings")
		}
	}
	delete(docker, "portMappings")
	delete(docker, "network")
	delete(app, "ipAddress")
	return discoveryPorts(c, ip)
}

func (r *Reader) legacyNetworks(ip Object, hasIP bool, dnet string) []any {
	named := func(mode string) Object {
		n := Object{"mode": mode}
		if l := Map(ip["labels"]); len(l) > 0 {
			n["labels"] = l
		}
		if name := Text(ip["networkName"]); name != "" && mode == "container" {
			n["name"] = name
		}
		return n
	}
	switch {
	case dnet == "HOST":
		return []any{Object{"mode": "host"}}
	case dnet == "BRIDGE":
		return []any{named("container/bridge")}
	case dnet == "USER":
		return []any{named("container")}
	case hasIP && Text(ip["networkName"]) == r.settings.BridgeName:
		return []any{named("container/bridge")}
	case hasIP:
		return []any{named("container")}
	}
	return nil
}

func discoveryPorts(c, ip Object) *Refusal {
	ports := List(Map(ip["discovery"])["ports"])
	if len(ports) == 0 {
		return nil
	}
	if c["portMappings"] != nil {
		return refuse500("container.portMappings and ipAddress.discovery.ports must not both be set")
	}
	var maps []any
	for _, x := range ports {
		p := Map(x)
		maps = append(maps, Object{"containerPort": p["number"], "servicePort": 0, "name": p["name"], "protocol": p["protocol"], "labels": p["labels"]})
	}
	c["portMappings"] = maps
	return nil
}

// translatePorts makes portDefinitions of ports, or the default one where neither is
// given, and returns those that were given.
func translatePorts(app Object) []any {
	defs, ok := app["portDefinitions"].([]any)
	if ports, has := app["ports"].([]any); has && !ok {
		defs, ok = []any{}, true
		for _, p := range ports {
			defs = append(defs, Object{"port": p, "protocol": "tcp"})
		}
	}
	delete(app, "ports")
	if !ok {
		app["portDefinitions"] = []any{Object{"port": 0, "protocol": "tcp", "name": "default"}}
		return nil
	}
	app["portDefinitions"] = defs
	return defs
}

// defaults fills in what an app has after the rules were checked.
func (r *Reader) defaults(app Object) {
	nets := List(app["networks"])
	if len(nets) == 0 {
		nets = []any{Object{"mode": "host"}}
	}
	for _, x := range nets {
		if n := Map(x); n["mode"] == "container" && n["name"] == nil {
			n["name"] = r.settings.DefaultNetwork
		}
	}
	app["networks"] = nets
	c, has := app["container"].(Object)
	if nonHost(nets) {
		app["requirePorts"] = false
		if !has {
			c = Object{"type": "MESOS", "volumes": []any{}, "portMappings": []any{mapping("default")}}
			app["container"] = c
		}
	}
	if isBridge(nets) {
		for _, x := range List(c["portMappings"]) {
			if m := Map(x); m["hostPort"] == nil {
				m["hostPort"] = 0
			}
		}
	}
	strategyDefaults(app)
}

func strategyDefaults(app Object) {
	if app["upgradeStrategy"] == nil {
		app["upgradeStrategy"] = Object{"minimumHealthCapacity": Double(1), "maximumOverCapacity": Double(1)}
		if hasVolume(app, "persistent") || hasVolume(app, "external") {
			app["upgradeStrategy"] = Object{"minimumHealthCapacity": Double(0.5), "maximumOverCapacity": Double(0)}
		}
	}
	if app["unreachableStrategy"] == nil {
		app["unreachableStrategy"] = Object{"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}
		if hasVolume(app, "persistent") {
			app["unreachableStrategy"] = "disabled"
		}
	}
}

func hasVolume(app Object, kind string) bool {
	for _, v := range List(Map(app["container"])["volumes"]) {
		if Map(v)[kind] != nil {
			return true
		}
	}
	return false
}
