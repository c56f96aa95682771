package definition

import (
	"net/url"
	"strings"
)

// artifacts turns uris into fetch and fills in the defaults of artifacts. An archive
// by the name of its path is extracted.
func (c former) artifacts() {
	uris := list(c.app["uris"])
	delete(c.app, "uris")
	fetch := list(c.app["fetch"])
	if len(fetch) == 0 && len(uris) > 0 {
		for _, u := range uris {
			s, _ := u.(string)
			fetch = append(fetch, object{"uri": s, "extract": isArchive(s)})
		}
		c.app["fetch"] = fetch
	}
	for _, f := range fetch {
		if o, ok := f.(object); ok {
			set(o, "extract", true)
			set(o, "executable", false)
			set(o, "cache", false)
		}
	}
}

// isArchive looks at the decoded path of a URI as java.net.URI divides it, which takes
// more for an authority than net/url does; query and fragment do not count.
func isArchive(uri string) bool {
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	if scheme, rest, ok := strings.Cut(uri, ":"); ok && !strings.Contains(scheme, "/") {
		if !strings.HasPrefix(rest, "/") {
			return false // opaque, such as mailto:
		}
		uri = rest
	}
	if rest, ok := strings.CutPrefix(uri, "//"); ok {
		_, p, _ := strings.Cut(rest, "/")
		uri = "/" + p
	}
	name, err := url.PathUnescape(uri)
	if err != nil {
		return false
	}
	for _, suffix := range []string{".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".gz", ".tgz", ".tbz2", ".txz", ".zip"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// networks translates the deprecated places of networking and fills in defaults. The
// container that they imply is made here, too.
func (c former) networks() {
	ip, hasIP := c.app["ipAddress"].(object)
	delete(c.app, "ipAddress")
	con, hasCon := c.app["container"].(object)
	docker, _ := con["docker"].(object)
	dnet, _ := docker["network"].(string)
	delete(docker, "network")
	nets := list(c.app["networks"])
	if len(nets) == 0 {
		nets = c.impliedNetworks(ip, hasIP, strings.ToUpper(dnet))
	}
	if hasIP && !hasCon {
		con = object{"type": "MESOS"}
		c.app["container"] = con
	}
	c.oldMappings(con, docker, ip)
	c.mappings(nets)
	if len(nets) == 0 {
		nets = []any{object{"mode": "host"}}
	}
	for _, n := range nets {
		c.network(n)
	}
	c.app["networks"] = nets
}

func (c former) impliedNetworks(ip object, hasIP bool, dnet string) []any {
	labelled := func(o object) object {
		if l, ok := ip["labels"].(object); ok && len(l) > 0 {
			o["labels"] = l
		}
		return o
	}
	name, _ := ip["networkName"].(string)
	named := func() object {
		o := object{"mode": "container"}
		if name != "" {
			o["name"] = name
		}
		return labelled(o)
	}
	switch {
	case dnet == "HOST":
		return []any{object{"mode": "host"}}
	case dnet == "BRIDGE":
		return []any{labelled(object{"mode": "container/bridge"})}
	case dnet == "USER" && hasIP:
		return []any{named()}
	case dnet == "USER":
		return []any{object{"mode": "container"}}
	case hasIP && name == bridgeName(c.info):
		return []any{labelled(object{"mode": "container/bridge"})}
	case hasIP:
		return []any{named()}
	default:
		return nil
	}
}

// oldMappings moves port mappings from their deprecated places.
func (c former) oldMappings(con, docker, ip object) {
	if old, ok := docker["portMappings"]; ok {
		if _, has := con["portMappings"]; !has {
			con["portMappings"] = old
		}
		delete(docker, "portMappings")
	}
	discovery, _ := ip["discovery"].(object)
	if ports := list(discovery["ports"]); len(ports) > 0 && con["portMappings"] == nil {
		var out []any
		for _, p := range ports {
			o, _ := p.(object)
			m := object{"containerPort": int64(0)}
			for from, to := range map[string]string{"number": "containerPort", "name": "name", "protocol": "protocol", "labels": "labels"} {
				if v, ok := o[from]; ok {
					m[to] = v
				}
			}
			out = append(out, m)
		}
		con["portMappings"] = out
	}
}

// nonHost reports whether any network is another than the host's.
func nonHost(nets []any) bool {
	for _, n := range nets {
		o, _ := n.(object)
		if mode, _ := o["mode"].(string); !strings.EqualFold(mode, "host") {
			return true
		}
	}
	return false
}

// mappings: on a host network port mappings vanish; on others an app without any gets
// one, named default, and port definitions lengthen the list.
func (c former) mappings(nets []any) {
	con, hasCon := c.app["container"].(object)
	if !nonHost(nets) {
		delete(con, "portMappings")
		return
	}
	if hasCon {
		if _, ok := con["portMappings"]; !ok {
			con["portMappings"] = []any{object{"name": "default"}}
		}
		have := list(con["portMappings"])
		for len(have) < c.definedPorts() {
			have = append(have, object{})
		}
		con["portMappings"] = have
		return
	}
	c.app["container"] = object{"type": "MESOS", "volumes": []any{}, "portMappings": []any{object{"name": "default"}}}
}

func (c former) definedPorts() int {
	if d, ok := c.app["portDefinitions"]; ok {
		return len(list(d))
	}
	return len(list(c.app["ports"]))
}

func (c former) network(n any) {
	o, ok := n.(object)
	if !ok {
		return
	}
	set(o, "mode", "container")
	lower(o, "mode")
	if o["mode"] == "bridge" {
		o["mode"] = "container/bridge"
	}
	if o["mode"] == "container" && c.info.DefaultNetworkName != "" {
		set(o, "name", c.info.DefaultNetworkName)
	}
	dropEmpty(o, "labels")
}

// ports fills in port definitions on a host network and drops them elsewhere.
func (c former) ports() {
	old := list(c.app["ports"])
	_, hadOld := c.app["ports"]
	delete(c.app, "ports")
	if nonHost(list(c.app["networks"])) {
		delete(c.app, "portDefinitions")
		c.app["requirePorts"] = false
		return
	}
	set(c.app, "requirePorts", false)
	defs, ok := c.app["portDefinitions"]
	if !ok {
		out := []any{}
		for _, p := range old {
			out = append(out, object{"port": p})
		}
		if !hadOld {
			out = []any{c.defaultPort()}
		}
		defs = out
	}
	for _, d := range list(defs) {
		if o, ok := d.(object); ok {
			set(o, "port", int64(0))
			protocol(o)
			dropEmpty(o, "labels")
		}
	}
	c.app["portDefinitions"] = defs
}

// defaultPort is that of an app that names none.
func (c former) defaultPort() object {
	o := object{"port": int64(0)}
	if c.does[namesPort] {
		o["name"] = "default"
	}
	return o
}

// protocol fills in tcp; old releases stored "tcp,udp", which is echoed as "udp,tcp".
func protocol(o object) {
	set(o, "protocol", "tcp")
	lower(o, "protocol")
	if o["protocol"] == "tcp,udp" {
		o["protocol"] = "udp,tcp"
	}
}
