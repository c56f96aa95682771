package rules

import (
	"fmt"
	"regexp"
)

// networks holds the networks of an app to what can stand together, and to their names.
func (c *checker) networks() {
	if c.version.Before(1, 5) && c.def["networks"] == nil {
		return // there were none before
	}
	w := wiringOf(c.def)
	c.networkModes(w)
	seen := map[string]bool{}
	for _, n := range w.networks {
		switch n.mode {
		case modeHost:
			c.hostNetwork(n)
		case modeBridge:
			c.namelessNetwork(n, "a bridge")
		case modeContainer:
			c.containerNetwork(n, seen)
		}
	}
}

// networkModes: the host's network alone, one bridge alone, or container networks.
func (c *checker) networkModes(w wiring) {
	count := map[string]int{}
	for _, n := range w.networks {
		count[n.mode]++
	}
	hosts, bridges, own := count[modeHost], count[modeBridge], count[modeContainer]
	refuse := func(rule, hint, msg string, args ...any) {
		c.refuse(Finding{Path: pathTo("networks"), Rule: rule, Msg: fmt.Sprintf(msg, args...), Hint: hint})
	}
	const alone = "an app is on the host's network alone, on one bridge alone, or on container networks"
	switch {
	case hosts > 0 && bridges+own > 0:
		refuse("network-modes", alone, "is on the host's network and on others")
	case bridges > 0 && own > 0:
		refuse("network-modes", alone, "is on a bridge and on container networks")
	case hosts > 1:
		refuse("network-modes", alone, "names the host's network %d times", hosts)
	case bridges > 1:
		refuse("network-modes", alone, "is on %d bridges", bridges)
	}
	if own > 1 && w.engine == engineDocker {
		refuse("network-count", `keep one of them, or write container: type: "MESOS"`, "is on %d container networks, and a Docker container can be on one", own)
	}
}

func (c *checker) hostNetwork(n network) {
	c.namelessNetwork(n, "the host's network")
	if n.labelled {
		c.refuse(Finding{Path: below(n.path, "labels"), Rule: "network-labels", Msg: "gives labels to the host's network", Hint: "leave labels out"})
	}
}

func (c *checker) namelessNetwork(n network, what string) {
	if n.named {
		c.refuse(Finding{
			Path: below(n.path, "name"), Rule: "network-name", Msg: "gives a name to " + what,
			Hint: `leave name out, or write mode: "container" for the network of that name`,
		})
	}
}

// containerNetwork holds one to its name; seen are the names before it.
// Marathon takes more for the name of an ipAddress, and refuses it in networks, where it goes.
func (c *checker) containerNetwork(n network, seen map[string]bool) {
	refuse := func(path []string, rule, msg, hint string) {
		c.refuse(Finding{Path: path, Rule: rule, Msg: msg, Hint: hint})
	}
	at, name := below(n.path, "name"), n.name
	if !n.inNetworks() {
		at = n.path
	}
	if !n.named {
		name = c.marathon.DefaultNetwork
	}
	switch {
	case !n.named && name == "":
		c.unnamedNetwork(n)
	case !networkNameExpr.MatchString(name):
		refuse(at, "network-name", fmt.Sprintf("is on the network %q, which is no name for one", name),
			"a name has lower-case letters, digits, dashes and underscores, with a letter or digit at both ends")
	case len(name) > 63:
		refuse(at, "network-name", fmt.Sprintf("is on a network whose name has %d characters", len(name)), "at most 63")
	case seen[name]:
		refuse(n.path, "network-twice", fmt.Sprintf("is on the network %s twice", name), "name each network once")
	}
	seen[name] = true
}

var networkNameExpr = regexp.MustCompile(`^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$`)

// unnamedNetwork: only a Marathon with --default_network_name knows which one is meant.
func (c *checker) unnamedNetwork(n network) {
	hint := `write its name, such as name: "overlay"`
	if !n.inNetworks() {
		hint = `write "networks": [{"mode": "container", "name": "NAME"}] in its place`
	}
	if ip, _ := objectIn(c.def, "ipAddress"); ip["name"] != nil {
		hint += "; in ipAddress the name is networkName, and name is not read"
	}
	f := Finding{Path: n.path, Rule: "network-name", Msg: "is on a container network without a name", Hint: hint}
	if c.marathon.Asked {
		f.Msg += ", and this Marathon has no --default_network_name"
		c.refuse(f)
		return
	}
	f.Msg += ": a Marathon without --default_network_name refuses it"
	c.warn(f)
}

// inNetworks reports whether the network stands in networks, and not in a deprecated place.
func (n network) inNetworks() bool { return n.path[0] == "networks" }

// ownNames are the names of the container networks that an app is on.
func (w wiring) ownNames() []string {
	var out []string
	for _, n := range w.networks {
		if n.mode == modeContainer && n.named {
			out = append(out, n.name)
		}
	}
	return out
}
