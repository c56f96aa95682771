package definition

import (
	"errors"
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// The canonical form is that of Marathon 1.5 and newer. An older one ignores networks and
// container.portMappings without a word, so it is sent what it has in their place.

// older brings a form into that of a Marathon before 1.5, in place. Where two spellings mean
// the same it takes that of the live app, whose echo is nil for a new one and whose form is live.
func older(app, live, echo object, info mesh.MarathonInfo, r mesh.Release) error {
	if !r.Before(1, 5) {
		return nil
	}
	o := aging{app: app, echo: echo, bridge: bridgeName(info)}
	container := o.network
	if r.Before(0, 7) {
		container = func() error { return o.deimos(live) }
	}
	if err := container(); err != nil {
		return fmt.Errorf("not for Marathon %s: %w", info.Version, err)
	}
	o.residency()
	if r.Before(1, 0) {
		o.ports()
	}
	if r.Before(0, 15) {
		o.uris()
	}
	return nil
}

func bridgeName(info mesh.MarathonInfo) string {
	if info.MesosBridgeName != "" {
		return info.MesosBridgeName
	}
	return "mesos-bridge"
}

// aging carries one definition back.
type aging struct {
	app, echo object
	bridge    string
}

func (o aging) network() error {
	nets := list(o.app["networks"])
	delete(o.app, "networks")
	con, _ := o.app["container"].(object)
	mappings := list(con["portMappings"])
	delete(con, "portMappings")
	if len(nets) > 1 {
		return errors.New("it is on several networks, which Marathon has since 1.5")
	}
	var net object
	if len(nets) == 1 {
		net, _ = nets[0].(object)
	}
	if docker, ok := con["docker"].(object); ok && con["type"] == "DOCKER" {
		return o.docker(docker, net, mappings)
	}
	if net == nil || net["mode"] == "host" {
		return nil
	}
	return o.address(con, net, mappings)
}

// docker says network and ports in container.docker; what else a network has is in ipAddress.
func (o aging) docker(docker, net object, mappings []any) error {
	live, _ := o.liveContainer()["docker"].(object)
	switch net["mode"] {
	case "container/bridge":
		docker["network"] = "BRIDGE"
	case "container":
		docker["network"] = "USER"
	default:
		if live["network"] == "HOST" {
			docker["network"] = "HOST" // which it is without, too
		}
		return nil
	}
	if ip := o.addressOf(net); len(ip) > 0 {
		o.app["ipAddress"] = ip
	}
	if !isDefaultMapping(mappings) || live["portMappings"] != nil {
		docker["portMappings"] = mappings
	}
	return nil
}

// address says the network of what Docker does not run in ipAddress, and its ports as those that
// are discovered.
func (o aging) address(con, net object, mappings []any) error {
	ip := o.addressOf(net)
	if net["mode"] == "container/bridge" {
		ip["networkName"] = o.bridge
	}
	was, _ := o.echo["ipAddress"].(object)
	discovery, _ := was["discovery"].(object)
	if !isDefaultMapping(mappings) || len(list(discovery["ports"])) > 0 {
		ports, err := discovered(mappings)
		if err != nil {
			return err
		}
		ip["discovery"] = object{"ports": ports}
	}
	o.app["ipAddress"] = ip
	if len(con) == 2 && len(list(con["volumes"])) == 0 && o.liveContainer() == nil {
		delete(o.app, "container") // it is there for its ports only
	}
	return nil
}

// addressOf is what ipAddress says of a network. Its groups have no modern form: they stay.
func (o aging) addressOf(net object) object {
	ip := object{}
	if name, ok := net["name"]; ok {
		ip["networkName"] = name
	}
	if labels, ok := net["labels"]; ok {
		ip["labels"] = labels
	}
	was, _ := o.echo["ipAddress"].(object)
	if groups := list(was["groups"]); len(groups) > 0 {
		ip["groups"] = groups
	}
	return ip
}

func (o aging) liveContainer() object {
	con, _ := o.echo["container"].(object)
	return con
}

// discovered are port mappings as ipAddress.discovery has them.
func discovered(mappings []any) ([]any, error) {
	if len(mappings) == 0 {
		return nil, errors.New("its portMappings are empty: leave them out")
	}
	out := []any{}
	for _, x := range mappings {
		m, _ := x.(object)
		host, hasHost := m["hostPort"]
		if m["name"] == nil || m["servicePort"] != int64(0) || hasHost && host != int64(0) {
			return nil, errors.New("outside Docker a port has a name, and no port of the host and no service port, before 1.5")
		}
		p := object{"number": m["containerPort"], "name": m["name"], "protocol": m["protocol"]}
		if labels, _ := m["labels"].(object); len(labels) > 0 {
			p["labels"] = labels
		}
		out = append(out, p)
	}
	return out, nil
}

// isDefaultMapping reports whether mappings are the one that an app has which names none.
func isDefaultMapping(mappings []any) bool {
	if len(mappings) != 1 {
		return false
	}
	m, _ := mappings[0].(object)
	labels, _ := m["labels"].(object)
	host, hasHost := m["hostPort"]
	return m["name"] == "default" && m["containerPort"] == int64(0) && m["protocol"] == "tcp" && len(labels) == 0 &&
		(!hasHost || host == int64(0))
}

// residency is what an app with persistent volumes has; the canonical form leaves it out, because
// newer releases know by the volumes.
func (o aging) residency() {
	con, _ := o.app["container"].(object)
	for _, v := range list(con["volumes"]) {
		if x, _ := v.(object); x["persistent"] == nil {
			continue
		}
		o.app["residency"] = object{"relaunchEscalationTimeoutSeconds": int64(3600), "taskLostBehavior": "WAIT_FOREVER"}
		if live, ok := o.echo["residency"].(object); ok {
			o.app["residency"] = live
		}
	}
}

// ports are the port definitions of a Marathon before 1.0.
func (o aging) ports() {
	defs, ok := o.app["portDefinitions"]
	if !ok {
		return
	}
	delete(o.app, "portDefinitions")
	ports := []any{}
	for _, d := range list(defs) {
		def, _ := d.(object)
		ports = append(ports, def["port"])
	}
	o.app["ports"] = ports
}

// uris are what a Marathon before 0.15 fetches.
func (o aging) uris() {
	fetch := list(o.app["fetch"])
	delete(o.app, "fetch")
	var uris []any
	for _, f := range fetch {
		artifact, _ := f.(object)
		uris = append(uris, artifact["uri"])
	}
	if len(uris) > 0 {
		o.app["uris"] = uris
	}
}
