package marathonsim

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
)

type object = map[string]any

// problem is one thing that 422 names.
type problem struct{ path, text string }

// double is a number that Marathon prints with a fraction: 1.0.
type double float64

// MarshalJSON prints it so.
func (d double) MarshalJSON() ([]byte, error) {
	if f := float64(d); f == math.Trunc(f) && math.Abs(f) < 1e7 {
		return fmt.Appendf(nil, "%.1f", f), nil
	}
	return json.Marshal(float64(d))
}

var idExpr = regexp.MustCompile(`^(/[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)+$`)

// normalise turns what was submitted into what GET shows, as a POST and a full PUT do.
func normalise(id string, body object) (object, []problem) {
	n := &normaliser{out: object{"id": id}, in: body}
	if !idExpr.MatchString(id) {
		n.bad("/id", "must fully match regular expression")
	}
	n.scalars()
	n.plainLists()
	n.networks()
	n.container()
	n.healthChecks()
	n.strategies()
	n.command()
	n.refuseUnsimulated()
	return n.out, n.problems
}

type normaliser struct {
	in, out  object
	mode     string // of the network: host, container, container/bridge
	problems []problem
}

func (n *normaliser) bad(path, text string) { n.problems = append(n.problems, problem{path, text}) }

// refuseUnsimulated refuses what the real one would take and this one does not know.
func (n *normaliser) refuseUnsimulated() {
	if intOf(n.in["gpus"]) > 0 {
		n.bad("/gpus", "the sandbox does not simulate GPUs")
	}
	for _, f := range []string{"uris", "ipAddress", "ports", "check", "residency", "resourceLimits", "secrets"} {
		if v, ok := n.in[f]; ok {
			n.bad("/"+f, fmt.Sprintf("the sandbox does not simulate this field (%T)", v))
		}
	}
}

// number reads a JSON number; a string in its place is refused, never converted.
func (n *normaliser) number(field string, standard float64) float64 {
	v, ok := n.in[field]
	if !ok || v == nil {
		return standard
	}
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err == nil && f >= 0 {
			return f
		}
		n.bad("/"+field, "error.min")
	case double:
		return float64(v)
	case float64:
		return v
	case int:
		return float64(v)
	default:
		n.bad("/"+field, "error.expected.jsnumber")
	}
	return standard
}

func (n *normaliser) integer(field string, standard int) int {
	f := n.number(field, float64(standard))
	if f != math.Trunc(f) {
		n.bad("/"+field, "error.expected.int")
	}
	return int(f)
}

func (n *normaliser) scalars() {
	o := n.out
	o["instances"] = n.integer("instances", 1)
	o["cpus"] = double(n.number("cpus", 1))
	o["mem"] = double(n.number("mem", 128))
	o["disk"] = double(n.number("disk", 0))
	o["gpus"] = n.integer("gpus", 0)
	o["backoffSeconds"] = n.integer("backoffSeconds", 1)
	o["backoffFactor"] = double(n.number("backoffFactor", 1.15))
	o["maxLaunchDelaySeconds"] = n.integer("maxLaunchDelaySeconds", 300)
	o["executor"] = orDefault(n.in["executor"], "")
	o["killSelection"] = orDefault(n.in["killSelection"], "YOUNGEST_FIRST")
	o["role"] = orDefault(n.in["role"], "*")
	o["labels"] = orDefault(n.in["labels"], object{})
	if labels, ok := o["labels"].(object); ok {
		for k, v := range labels {
			if _, isText := v.(string); !isText {
				n.bad("/labels("+k+")", "error.expected.jsstring")
			}
		}
	} else {
		n.bad("/labels", "error.expected.jsobject")
	}
	for _, f := range []string{"cmd", "user"} {
		if v, ok := n.in[f]; ok && v != nil {
			if _, isText := v.(string); !isText {
				n.bad("/"+f, "error.expected.jsstring")
			}
			o[f] = v
		}
	}
	if v, ok := n.in["taskKillGracePeriodSeconds"]; ok && v != nil {
		o["taskKillGracePeriodSeconds"] = n.integer("taskKillGracePeriodSeconds", 0)
	}
	if v, ok := n.in["tty"].(bool); ok {
		o["tty"] = v // false stays, too, until a leader change
	}
}

func orDefault(v, standard any) any {
	if v == nil {
		return standard
	}
	return v
}

// plainLists are echoed as they are when they are not empty.
func (n *normaliser) plainLists() {
	for _, f := range []string{"args", "constraints", "dependencies", "acceptedResourceRoles"} {
		if l, ok := n.in[f].([]any); ok && len(l) > 0 {
			if f != "args" {
				l = collapsed(l)
			}
			n.out[f] = l
		}
	}
	if deps, ok := n.out["dependencies"].([]any); ok {
		abs := make([]any, len(deps))
		for i, d := range deps {
			s, _ := d.(string)
			abs[i] = absolute(s)
		}
		n.out["dependencies"] = abs
	}
	if env, ok := n.in["env"].(object); ok && len(env) > 0 {
		n.out["env"] = env
		for k, v := range env {
			if _, isText := v.(string); !isText {
				n.bad("/env("+k+")", "the sandbox does not simulate secrets")
			}
		}
	}
	var fetch []any
	for _, x := range listOf(n.in["fetch"]) {
		f := copyOf(objectOf(x))
		for k, v := range map[string]bool{"extract": true, "executable": false, "cache": false} {
			if _, ok := f[k]; !ok {
				f[k] = v
			}
		}
		fetch = append(fetch, f)
	}
	if len(fetch) > 0 {
		n.out["fetch"] = fetch
	}
	var ready []any
	for _, x := range listOf(n.in["readinessChecks"]) {
		r := object{
			"name": "readinessCheck", "protocol": "HTTP", "path": "/", "portName": "http-api", "intervalSeconds": 30,
			"timeoutSeconds": 10, "httpStatusCodesForReady": []any{200}, "preserveLastResponse": false,
		}
		for k, v := range objectOf(x) {
			r[k] = v
		}
		ready = append(ready, r)
	}
	if len(ready) > 0 {
		n.out["readinessChecks"] = ready
	}
}

func (n *normaliser) networks() {
	var out []any
	for _, x := range listOf(n.in["networks"]) {
		net := object{"mode": "container"}
		for k, v := range objectOf(x) {
			if labels, ok := v.(object); k == "labels" && ok && len(labels) == 0 {
				continue
			}
			net[k] = v
		}
		net["mode"] = strings.ToLower(fmt.Sprint(net["mode"]))
		out = append(out, net)
		n.mode, _ = net["mode"].(string)
		if n.mode == "container" && net["name"] == nil {
			n.bad("/networks", "a network name is required: there is no default network")
		}
	}
	if len(out) == 0 {
		out, n.mode = []any{object{"mode": "host"}}, "host"
	}
	n.out["networks"] = out
	n.out["requirePorts"] = n.mode == "host" && n.in["requirePorts"] == true
	if n.mode != "host" {
		return
	}
	defs := []any{}
	given, ok := n.in["portDefinitions"]
	if !ok {
		given = []any{object{"name": "default"}}
	}
	for _, x := range listOf(given) {
		d := object{"port": 0, "protocol": "tcp"}
		for k, v := range objectOf(x) {
			if labels, isMap := v.(object); k == "labels" && isMap && len(labels) == 0 {
				continue
			}
			d[k] = v
		}
		defs = append(defs, d)
	}
	n.out["portDefinitions"] = defs
}

func (n *normaliser) container() {
	in, ok := n.in["container"].(object)
	if !ok {
		if n.mode != "host" {
			n.out["container"] = object{"type": "MESOS", "volumes": []any{}, "portMappings": []any{n.mapping(object{"name": "default"})}}
		}
		return
	}
	c := object{"type": strings.ToUpper(fmt.Sprint(orDefault(in["type"], "DOCKER")))}
	if d, ok := in["docker"].(object); ok {
		if d["network"] != nil || d["portMappings"] != nil {
			n.bad("/container/docker", "the sandbox does not simulate the deprecated form of networking")
		}
		docker := object{"forcePullImage": false, "privileged": false, "parameters": []any{}}
		for k, v := range d {
			docker[k] = v
		}
		if docker["pullConfig"] != nil || docker["credential"] != nil {
			n.bad("/container/docker", "the sandbox does not simulate registries that want credentials")
		}
		if c["type"] == "MESOS" && len(listOf(docker["parameters"])) > 0 {
			n.bad("/container/docker/parameters", "must be empty")
		}
		if docker["image"] == nil {
			n.bad("/container/docker/image", "undefined")
		}
		c["docker"] = docker
	} else if c["type"] == "DOCKER" {
		n.bad("/container/docker", "not defined")
	}
	c["volumes"] = n.volumes(in["volumes"])
	if n.mode != "host" {
		given, ok := in["portMappings"]
		if !ok {
			given = []any{object{"name": "default"}}
		}
		maps := []any{}
		for _, m := range listOf(given) {
			maps = append(maps, n.mapping(objectOf(m)))
		}
		c["portMappings"] = maps
	}
	n.out["container"] = c
}

func (n *normaliser) volumes(v any) []any {
	out := []any{}
	for _, x := range listOf(v) {
		o := objectOf(x)
		if o["persistent"] != nil || o["external"] != nil || o["secret"] != nil {
			n.bad("/container/volumes", "the sandbox simulates host volumes only")
		}
		out = append(out, o)
	}
	return out
}

func (n *normaliser) mapping(in object) object {
	m := object{"containerPort": 0, "servicePort": 0, "protocol": "tcp", "labels": object{}}
	if n.mode == "container/bridge" {
		m["hostPort"] = 0
	}
	for k, v := range in {
		if l, ok := v.([]any); k == "networkNames" && ok && len(l) == 0 {
			continue
		}
		m[k] = v
	}
	return m
}

func (n *normaliser) healthChecks() {
	var out []any
	for i, x := range listOf(n.in["healthChecks"]) {
		h := object{
			"protocol": "HTTP", "gracePeriodSeconds": 300, "intervalSeconds": 60, "timeoutSeconds": 20,
			"maxConsecutiveFailures": 3, "delaySeconds": 15, "ipProtocol": "IPv4",
		}
		for k, v := range objectOf(x) {
			h[k] = v
		}
		protocol := strings.ToUpper(fmt.Sprint(h["protocol"]))
		h["protocol"] = protocol
		switch protocol {
		case "HTTP", "HTTPS":
			h["delaySeconds"], h["ignoreHttp1xx"] = 15, false
		case "TCP":
			h["delaySeconds"] = 15
			delete(h, "path")
		case "COMMAND":
			if h["command"] == nil {
				n.bad(fmt.Sprintf("/healthChecks(%d)", i), "a command is required")
			}
		}
		n.portIndex(i, h, protocol)
		out = append(out, h)
	}
	if out = collapsed(out); len(out) > 0 {
		n.out["healthChecks"] = out
	}
}

// portIndex: one that is out of range is refused; one that is missing stays so.
func (n *normaliser) portIndex(i int, h object, protocol string) {
	if protocol == "COMMAND" {
		return
	}
	ports := listOf(n.out["portDefinitions"])
	if c, ok := n.out["container"].(object); ok && n.mode != "host" {
		ports = listOf(c["portMappings"])
	}
	index, given := h["portIndex"]
	if given && intOf(index) >= len(ports) {
		n.bad(fmt.Sprintf("/healthChecks(%d)", i), "Health check port indices must address an element of the ports array or container port mappings.")
	}
}

func (n *normaliser) strategies() {
	up := object{"minimumHealthCapacity": double(1), "maximumOverCapacity": double(1)}
	if u, ok := n.in["upgradeStrategy"].(object); ok {
		for k := range up {
			v, given := u[k]
			if !given {
				n.bad("/upgradeStrategy/"+k, "error.path.missing")
			}
			if f := floatOf(v); f < 0 || f > 1 {
				n.bad("/upgradeStrategy/"+k, "must be between 0.0 and 1.0")
			}
			up[k] = double(floatOf(v))
		}
	}
	n.out["upgradeStrategy"] = up
	switch u := n.in["unreachableStrategy"].(type) {
	case string:
		n.out["unreachableStrategy"] = "disabled"
	case object:
		n.out["unreachableStrategy"] = object{"inactiveAfterSeconds": intOf(u["inactiveAfterSeconds"]), "expungeAfterSeconds": intOf(u["expungeAfterSeconds"])}
	default:
		n.out["unreachableStrategy"] = object{"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}
	}
}

// command: an app needs something to run, and cmd and args exclude each other.
func (n *normaliser) command() {
	cmd, args := n.out["cmd"] != nil, n.out["args"] != nil
	c, _ := n.out["container"].(object)
	docker, _ := c["docker"].(object)
	switch {
	case cmd && args:
		n.bad("/", "AppDefinition must either contain one of 'cmd' or 'args', and not both.")
	case !cmd && !args && docker == nil:
		n.bad("/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.")
	}
	if text, ok := n.out["cmd"].(string); ok && len(text) < 2 {
		n.bad("/cmd", "must have more than one character")
	}
}

// secondPass is what a full PUT does and a POST does not: it normalises twice, and the
// second time it sees the ports, so that a check without a port gets the first.
func secondPass(def object) {
	for _, x := range listOf(def["healthChecks"]) {
		h := objectOf(x)
		_, port := h["port"]
		_, index := h["portIndex"]
		if h["protocol"] != "COMMAND" && !port && !index {
			h["portIndex"] = 0
		}
	}
}

// collapsed is a list without elements that are there twice, for what is a set.
func collapsed(in []any) []any {
	seen := map[string]bool{}
	var out []any
	for _, x := range in {
		if key := text(canonical(x)); !seen[key] {
			seen[key] = true
			out = append(out, x)
		}
	}
	return out
}
