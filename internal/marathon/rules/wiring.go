package rules

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// The modes of a network.
const (
	modeHost      = "host"
	modeBridge    = "container/bridge"
	modeContainer = "container"
)

// The engines of a container.
const (
	engineDocker = "DOCKER"
	engineMesos  = "MESOS"
)

// standardBridge is the network of an ipAddress that means the bridge: what Marathon's
// --mesos_bridge_name is where nobody sets it.
const standardBridge = "mesos-bridge"

// wiring is what a definition says of networks, ports and container, wherever it says so:
// the deprecated places count where Marathon reads them.
type wiring struct {
	container map[string]any // nil: there is none
	docker    map[string]any // nil: there is none
	ip        map[string]any // the deprecated ipAddress; nil: there is none
	engine    string         // "" without a container
	networks  []network      // none is the host's
	mappings  []port         // of container.portMappings, or of the deprecated place
}

// A network is one that an app is on.
type network struct {
	mode, name      string
	named, labelled bool
	path            []string
}

// A port is a port mapping or definition, and where it stands.
type port struct {
	fields map[string]any
	path   []string
}

func wiringOf(def map[string]any) wiring {
	w := wiring{}
	w.container, _ = objectIn(def, "container")
	w.docker, _ = objectIn(w.container, "docker")
	w.ip, _ = objectIn(def, "ipAddress")
	if w.container != nil {
		w.engine = engineDocker
		if s, ok := textIn(w.container, "type"); ok {
			w.engine = strings.ToUpper(s)
		}
	}
	if given, _ := listIn(def, "networks"); len(given) > 0 {
		w.networks = givenNetworks(given)
	} else {
		w.networks = w.impliedNetworks()
	}
	w.mappings = w.allMappings()
	return w
}

func givenNetworks(given []any) []network {
	var out []network
	for i, v := range given {
		o, _ := v.(map[string]any)
		n := network{mode: modeContainer, path: pathTo("networks", i)}
		if s, ok := textIn(o, "mode"); ok {
			n.mode = strings.ToLower(s)
		}
		n.name, n.named = textIn(o, "name")
		labels, _ := objectIn(o, "labels")
		n.labelled = len(labels) > 0
		out = append(out, n)
	}
	return out
}

// impliedNetworks are those of the deprecated fields.
func (w wiring) impliedNetworks() []network {
	n := network{mode: modeContainer, path: pathTo("ipAddress")}
	n.name, n.named = textIn(w.ip, "networkName")
	labels, _ := objectIn(w.ip, "labels")
	n.labelled = len(labels) > 0
	if _, ok := textIn(w.docker, "network"); ok {
		n.path = pathTo("container", "docker", "network")
	}
	switch w.dockerNetwork() {
	case "HOST":
		return []network{{mode: modeHost, path: n.path}}
	case "BRIDGE":
		n.mode, n.name, n.named = modeBridge, "", false
	case "USER":
	case "":
		if w.ip == nil {
			return nil
		}
		if n.name == standardBridge {
			n.mode, n.name, n.named = modeBridge, "", false
		}
	default:
		return nil // refused
	}
	return []network{n}
}

// dockerNetwork is the deprecated container.docker.network, in capitals.
func (w wiring) dockerNetwork() string {
	s, _ := textIn(w.docker, "network")
	return strings.ToUpper(s)
}

// noSuchNetwork reports whether the app asks for a network that Marathon does not have: NONE,
// or a word of nobody's.
func (w wiring) noSuchNetwork() bool { return w.dockerNetwork() != "" && len(w.networks) == 0 }

// ownNetwork reports whether the app is on another network than the host's.
func (w wiring) ownNetwork() bool {
	for _, n := range w.networks {
		if n.mode != modeHost {
			return true
		}
	}
	return false
}

func (w wiring) allMappings() []port {
	if l, ok := listIn(w.container, "portMappings"); ok {
		return portsOf(l, "container", "portMappings")
	}
	if l, ok := listIn(w.docker, "portMappings"); ok {
		return portsOf(l, "container", "docker", "portMappings")
	}
	return portsOf(w.discovered(), "ipAddress", "discovery", "ports")
}

// discovered are the ports of the deprecated ipAddress.discovery.
func (w wiring) discovered() []any {
	d, _ := objectIn(w.ip, "discovery")
	l, _ := listIn(d, "ports")
	return l
}

func portsOf(list []any, place ...any) []port {
	var out []port
	for i, v := range list {
		o, _ := v.(map[string]any)
		out = append(out, port{fields: o, path: append(pathTo(place...), strconv.Itoa(i))})
	}
	return out
}

// pathTo is a finding's path, of names and indices.
func pathTo(parts ...any) []string {
	var out []string
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p)
		case int:
			out = append(out, strconv.Itoa(p))
		}
	}
	return out
}

// below is a path with more at its end; the path given stays as it is.
func below(path []string, parts ...any) []string {
	return append(append([]string{}, path...), pathTo(parts...)...)
}

// objectIn is a member that is an object. null is no member, and what is no object reads as
// an empty one: so does Marathon.
func objectIn(o map[string]any, name string) (map[string]any, bool) {
	v, ok := o[name]
	if !ok || v == nil {
		return nil, false
	}
	if m, ok := v.(map[string]any); ok {
		return m, true
	}
	return map[string]any{}, true
}

func listIn(o map[string]any, name string) ([]any, bool) {
	l, ok := o[name].([]any)
	return l, ok
}

func textIn(o map[string]any, name string) (string, bool) {
	s, ok := o[name].(string)
	return s, ok
}

func wholeIn(o map[string]any, name string) (int64, bool) { return whole(o[name]) }

// whole reads a whole number, which may be written 2.0 or 2e0.
func whole(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}
