package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ports holds port definitions and mappings to their bounds, names and networks, and tells
// which of them Marathon drops.
func (c *checker) ports() {
	w := wiringOf(c.def)
	list, _ := listIn(c.def, "portDefinitions")
	definitions := portsOf(list, "portDefinitions")
	c.portNames(definitions)
	c.portNames(w.mappings)
	c.oldPorts(w)
	if !w.ownNetwork() {
		c.distinctPorts(definitions)
		c.droppedMappings(w)
		return
	}
	c.distinctNames(w.mappings)
	c.servicePorts(w.mappings)
	for _, m := range w.mappings {
		c.mapping(m, w)
	}
	c.droppedDefinitions(definitions)
}

var portNameExpr = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// portNames holds names to their form, also where Marathon drops the ports.
func (c *checker) portNames(ports []port) {
	for _, p := range ports {
		if name, ok := textIn(p.fields, "name"); ok && !portNameExpr.MatchString(name) {
			c.refuse(Finding{
				Path: below(p.path, "name"), Rule: "port-name",
				Msg:  fmt.Sprintf("names a port %q, which is no name for one", name),
				Hint: "a name has lower-case letters, digits and dashes, with a letter or digit at both ends",
			})
		}
	}
}

func (c *checker) distinctNames(ports []port) {
	seen := map[string]bool{}
	for _, p := range ports {
		name, ok := textIn(p.fields, "name")
		if ok && seen[name] {
			c.refuse(Finding{
				Path: below(p.path, "name"), Rule: "port-name",
				Msg:  fmt.Sprintf("names two ports %q", name),
				Hint: "give each a name of its own, or none",
			})
		}
		seen[name] = true
	}
}

// distinctPorts holds port definitions, which are ports of the host, to be unlike each other.
func (c *checker) distinctPorts(definitions []port) {
	c.distinctNames(definitions)
	seen := map[int64]bool{}
	for _, p := range definitions {
		n, _ := wholeIn(p.fields, "port")
		if n != 0 && seen[n] {
			c.refuse(Finding{
				Path: below(p.path, "port"), Rule: "port-twice",
				Msg:  fmt.Sprintf("has the port %d twice", n),
				Hint: `write protocol: "udp,tcp" for one port with both, or 0 for any free port`,
			})
		}
		seen[n] = true
	}
}

// mapping holds one to the networks that the app is on.
func (c *checker) mapping(m port, w wiring) {
	names, known := m.networkNames(), w.ownNames()
	own := 0
	for _, n := range w.networks {
		if n.mode == modeContainer {
			own++
		}
	}
	hint := "it is on " + strings.Join(known, ", ")
	if len(known) == 0 {
		hint = "leave networkNames out: it is on no container network with a name"
	}
	for i, name := range names {
		if !slices.Contains(known, name) {
			c.refuse(Finding{
				Path: below(m.path, "networkNames", i), Rule: "port-network",
				Msg: fmt.Sprintf("has a port on the network %q, and is not on it itself", name), Hint: hint,
			})
		}
	}
	if m.fields["hostPort"] != nil && own > 1 && len(names) != 1 {
		c.refuse(Finding{
			Path: m.path, Rule: "port-network",
			Msg:  fmt.Sprintf("gives a port of the host to a port on %d networks", own),
			Hint: "write in networkNames which one: " + strings.Join(known, ", "),
		})
	}
}

func (p port) networkNames() []string {
	var out []string
	list, _ := listIn(p.fields, "networkNames")
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

// servicePorts tells of ports that a load balancer cannot tell apart.
func (c *checker) servicePorts(mappings []port) {
	seen := map[int64]int{}
	for i, p := range mappings {
		n, _ := wholeIn(p.fields, "servicePort")
		if before, twice := seen[n]; n != 0 && twice {
			c.warn(Finding{
				Path: below(p.path, "servicePort"), Rule: "duplicate-port",
				Msg:  fmt.Sprintf("has the service port %d for the ports %d and %d", n, before, i),
				Hint: "a load balancer cannot tell them apart; 0 lets Marathon choose a free one",
			})
		}
		seen[n] = i
	}
}

// droppedMappings tells of mappings on the host's network, which Marathon drops without a word.
func (c *checker) droppedMappings(w wiring) {
	if len(w.mappings) == 0 || w.noSuchNetwork() || c.version.Before(1, 5) {
		return
	}
	at := w.mappings[0].path
	c.warn(Finding{
		Path: at[:len(at)-1], Rule: "port-dropped",
		Msg:  "has port mappings, which Marathon drops: it is on the host's network",
		Hint: `write networks: [{mode: "container/bridge"}] for them to count, or portDefinitions in their place`,
	})
}

// droppedDefinitions tells of what only counts on the host's network.
func (c *checker) droppedDefinitions(definitions []port) {
	if c.version.Before(1, 5) {
		return
	}
	if len(definitions) > 0 {
		c.warn(Finding{
			Path: pathTo("portDefinitions"), Rule: "port-dropped",
			Msg:  "has portDefinitions, of which Marathon only keeps how many there are: it is not on the host's network",
			Hint: "write the ports in container: portMappings",
		})
	}
	if c.def["requirePorts"] == true {
		c.warn(Finding{
			Path: pathTo("requirePorts"), Rule: "port-dropped",
			Msg:  "has requirePorts, which Marathon drops: it is not on the host's network",
			Hint: "write the port as hostPort in container: portMappings",
		})
	}
}

// oldPorts holds the deprecated ports to what Marathon takes of them.
func (c *checker) oldPorts(w wiring) {
	list, _ := listIn(c.def, "ports")
	seen := map[int64]bool{}
	for i, v := range list {
		n, ok := whole(v)
		at := pathTo("ports", i)
		switch {
		case !ok || n != int64(int32(n)):
			c.refuse(Finding{Path: at, Rule: "port-range", Msg: fmt.Sprintf("has the port %v", v), Hint: "a port is a number from 0 to 65535"})
		case n != 0 && seen[n]:
			c.refuse(Finding{Path: at, Rule: "port-twice", Msg: fmt.Sprintf("has the port %d twice", n), Hint: "0 is any free port"})
		case n < 0 && !w.ownNetwork() && c.def["portDefinitions"] == nil:
			c.refuse(Finding{Path: at, Rule: "port-range", Msg: "has the port " + strconv.FormatInt(n, 10), Hint: "a port is a number from 0 to 65535"})
		case n > 65535 && !w.ownNetwork() && c.def["portDefinitions"] == nil:
			c.refuse(Finding{
				Path: at, Rule: "port-sent",
				Msg:  fmt.Sprintf("has the port %d: Marathon takes it in ports, and refuses it in portDefinitions, as which it is sent", n),
				Hint: "a port is a number from 0 to 65535",
			})
		case n < 0 || n > 65535:
			c.warn(Finding{Path: at, Rule: "port-range", Msg: fmt.Sprintf("has the port %d, which no host has", n), Hint: "off the host's network only their number counts: leave ports out, and write container: portMappings"})
		}
		seen[n] = true
	}
}
