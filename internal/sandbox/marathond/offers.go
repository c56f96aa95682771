package marathond

import (
	"regexp"
	"strconv"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// What one agent offers. What tasks take is not added up: the agents never get full.
const (
	agentCPUs     = 32
	agentMem      = 128 * 1024
	agentDisk     = 1 << 20
	agentPortLow  = 31000
	agentPortHigh = 32000
)

// match finds an agent for an instance, or -1 and why none fits.
func (s *Server) match(i *instance) (agent int, reason string) {
	a := s.root.apps[i.app]
	switch {
	case a == nil, s.poisoned, s.leaderless:
		return -1, ""
	case s.hit("no-offers", i.app):
		return -1, "InsufficientCpus"
	}
	for k := range s.o.Agents {
		n := (s.ports + k) % len(s.o.Agents)
		if reason = s.declines(a, i, n); reason == "" {
			return n, ""
		}
	}
	return -1, reason
}

// declines says why an agent's offer does not fit, in the order of the real funnel; "" is a fit.
func (s *Server) declines(a *app, i *instance, agent int) string {
	for _, c := range appdef.List(a.def["constraints"]) {
		if !s.holds(appdef.List(c), i, agent) {
			return "UnfulfilledConstraint"
		}
	}
	switch {
	case appdef.Number(a.def["cpus"]) > agentCPUs:
		return "InsufficientCpus"
	case appdef.Number(a.def["mem"]) > agentMem:
		return "InsufficientMemory"
	case appdef.Number(a.def["disk"]) > agentDisk:
		return "InsufficientDisk"
	case appdef.Int(a.def["gpus"]) > s.o.GPUs:
		return "InsufficientGpus"
	}
	for _, p := range fixedPorts(a.def) {
		if p != 0 && (p < agentPortLow || p > agentPortHigh) {
			return "InsufficientPorts"
		}
	}
	return ""
}

// holds reports whether a constraint lets an instance go to an agent. Agents have a
// hostname and no attributes; what is asked of an attribute that is missing holds only
// for UNLIKE.
func (s *Server) holds(c []any, i *instance, agent int) bool {
	field, operator, value := appdef.Text(c[0]), appdef.Text(c[1]), ""
	if len(c) > 2 {
		value = appdef.Text(c[2])
	}
	if field != "hostname" && field != "@hostname" {
		return operator == "UNLIKE"
	}
	host, here, elsewhere := s.o.Agents[agent], 0, 0
	for _, other := range s.instances[i.app] {
		switch {
		case other == i || !other.staged:
		case other.agent == agent:
			here++
		default:
			elsewhere++
		}
	}
	switch operator {
	case "UNIQUE":
		return here == 0
	case "CLUSTER":
		return value == host || value == "" && elsewhere == 0
	case "MAX_PER":
		n, err := strconv.Atoi(value)
		return err == nil && here < n
	case "IS":
		return value == host
	case "LIKE", "UNLIKE":
		r, err := regexp.Compile("^(?:" + value + ")$")
		return err == nil && r.MatchString(host) == (operator == "LIKE")
	}
	return true // GROUP_BY spreads; any agent will do
}

// fixedPorts are the host ports that the definition asks for; 0 is any.
func fixedPorts(def object) []int {
	var out []int
	for _, x := range appdef.List(appdef.Map(def["container"])["portMappings"]) {
		if p := appdef.Map(x)["hostPort"]; p != nil {
			out = append(out, appdef.Int(p))
		}
	}
	for _, x := range appdef.List(def["portDefinitions"]) {
		p := 0
		if def["requirePorts"] == true {
			p = appdef.Int(appdef.Map(x)["port"])
		}
		out = append(out, p)
	}
	return out
}

// taskPorts gives a task its ports on the host.
func (s *Server) taskPorts(i *instance) []int {
	s.ports++
	var out []int
	for _, p := range fixedPorts(s.root.apps[i.app].def) {
		if p == 0 {
			s.ports++
			p = agentPortLow + s.ports%(agentPortHigh-agentPortLow)
		}
		out = append(out, p)
	}
	return out
}

// unreachable reports whether a check of Marathon's own asks where no task listens: a port
// that the task has not got, or none at all.
func unreachable(h object, i *instance) bool {
	if !appdef.HasMarathonCheck(object{"healthChecks": []any{h}}) {
		return false
	}
	if h["portIndex"] != nil {
		return appdef.Int(h["portIndex"]) >= len(i.ports)
	}
	if h["port"] == nil {
		return true
	}
	for _, p := range i.ports {
		if p == appdef.Int(h["port"]) {
			return false
		}
	}
	return true
}
