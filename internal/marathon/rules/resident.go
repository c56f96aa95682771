package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// Update returns what Marathon refuses of a change of an app that keeps persistent volumes:
// what was reserved for it cannot become something else, so that only a new app can. live is
// the app as Marathon shows it, want the definition as it is written, or completed by what is
// live; Check holds it to the other rules. Nothing is wrong with a change of any other app.
func Update(id string, live, want map[string]any, m Marathon) []Finding {
	from, to := fields(live), fields(want)
	c := &checker{id: id, def: want, marathon: m, version: mesh.ParseRelease(m.Version)}
	if hasVolume(from, kindPersistent) {
		c.reservations(from, to)
	}
	if hasVolume(to, kindPersistent) {
		c.roleOfResident(from, to)
	}
	return c.found
}

// reservations checks what was reserved: disks, resources and ports.
func (c *checker) reservations(from, to fields) {
	if !sameVolumes(from, to) {
		c.refuseUpdate("its persistent volumes", "container", "volumes")
	}
	for _, r := range []struct {
		name    string
		missing float64
	}{{"cpus", 1}, {"mem", 128}, {"disk", 0}, {"gpus", 0}} {
		if a, b := from.number(r.name, r.missing), to.number(r.name, r.missing); a != b {
			c.refuseUpdate(fmt.Sprintf("its %s from %s to %s", r.name, shown(a), shown(b)), r.name)
		}
	}
	if requiresPorts(from) != requiresPorts(to) {
		c.refuseUpdate("requirePorts", "requirePorts")
	}
	if was, is := hostPorts(from, nil), hostPorts(to, c.marathon.chosen(servicePorts(from))); !maps.Equal(was, is) {
		place := []string{"portDefinitions"}
		if hasOwnNetwork(to) {
			place = []string{"container", "portMappings"}
		}
		c.refuseUpdate(fmt.Sprintf("its host ports from %s to %s", portsText(was), portsText(is)), place...)
	}
}

// portsText names ports of the host in a sentence.
func portsText(ports map[float64]bool) string {
	var out []string
	for _, p := range slices.Sorted(maps.Keys(ports)) {
		switch p {
		case newPort:
			out = append(out, "a new one")
		case 0:
			out = append(out, "any")
		default:
			out = append(out, shown(p))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func (c *checker) refuseUpdate(what string, path ...string) {
	c.refuse(Finding{
		Path: path, Rule: "app-resident-update",
		Msg:  "has persistent volumes, so that Marathon refuses to change " + what + ": the agents hold reservations for what it was",
		Hint: "put back what is live, or make an app of another id and move the data",
	})
}

// roleOfResident: a reservation is for a role. Marathon takes another only by force, which is
// never used: the old instances would keep theirs.
func (c *checker) roleOfResident(from, to fields) {
	was := from.text("role")
	switch {
	case was == "" || to.text("role") == was:
	case to.has("role"):
		c.refuseUpdate(fmt.Sprintf("its role from %s to %s", was, to.text("role")), "role")
	default:
		c.warn(Finding{
			Path: []string{"role"}, Rule: "app-resident-update",
			Msg:  fmt.Sprintf("has persistent volumes and the role %s, and git names none: Marathon refuses it unless that is the role it runs with", was),
			Hint: fmt.Sprintf("write role: %q", was),
		})
	}
}

// sameVolumes reports whether two apps have the same persistent volumes, in whatever order.
func sameVolumes(a, b fields) bool {
	return maps.Equal(countVolumes(a), countVolumes(b))
}

// countVolumes counts the persistent volumes of an app by all that they are.
func countVolumes(def fields) map[string]int {
	out := map[string]int{}
	for _, v := range volumesOf(def) {
		if kindOf(v) == kindPersistent {
			out[volumeText(v)]++
		}
	}
	return out
}

func volumeText(v fields) string {
	p := v.object("persistent")
	kind := "ROOT"
	if p.text("profileName") != "" {
		kind = "MOUNT"
	}
	var constraints []string
	for _, one := range p.list("constraints") {
		text, _ := json.Marshal(one)
		constraints = append(constraints, string(text))
	}
	slices.Sort(constraints)
	return fmt.Sprintf("%q %s %s %v %v %q %q", v.text("containerPath"), v.word("mode", "RW"), p.word("type", kind),
		p.number("size", 0), p.number("maxSize", 0), p.text("profileName"), slices.Compact(constraints))
}

// requiresPorts: outside the network of the host Marathon forgets requirePorts.
func requiresPorts(def fields) bool { return def["requirePorts"] == true && !hasOwnNetwork(def) }

// newPort stands for a port that is yet to be chosen.
const newPort = 1 << 16

// chosen are the service ports of those that a Marathon may have chosen itself: it gives no
// other to an app again.
func (m Marathon) chosen(ports []float64) []float64 {
	low, high := float64(m.PortMin), float64(m.PortMax)
	if low == 0 && high == 0 {
		low, high = 10000, 20000 // Marathon's default range
	}
	return slices.DeleteFunc(ports, func(p float64) bool { return p < low || p > high })
}

// hostPorts returns the set of ports of the host that an app names: in the host's network its
// own ones, with those that are to be chosen taken from spare, in order, as Marathon does.
func hostPorts(def fields, spare []float64) map[float64]bool {
	out := map[float64]bool{}
	if hasOwnNetwork(def) {
		mappings := mappingsOf(def)
		if !def.has("container") && !def.has("ipAddress") {
			mappings = []fields{{}}
		}
		for len(mappings) < definedPorts(def) {
			mappings = append(mappings, fields{})
		}
		for _, m := range mappings {
			if m.has("hostPort") {
				out[m.number("hostPort", 0)] = true
			} else if isBridged(def) {
				out[0] = true
			}
		}
		return out
	}
	named := servicePorts(def)
	spare = slices.DeleteFunc(spare, func(p float64) bool { return p == 0 || slices.Contains(named, p) })
	for _, p := range named {
		switch {
		case p != 0:
		case len(spare) > 0:
			p, spare = spare[0], spare[1:]
		default:
			p = newPort
		}
		out[p] = true
	}
	return out
}

// isBridged reports whether the app is in a bridge, in which each port has one of the host.
func isBridged(def fields) bool {
	for _, n := range def.objects("networks") {
		return n.word("mode", "CONTAINER") == "CONTAINER/BRIDGE"
	}
	return def.object("container").object("docker").word("network", "") == "BRIDGE" ||
		def.object("ipAddress").text("networkName") == "mesos-bridge"
}

// servicePorts returns the service ports of an app in order, 0 for one that is to be chosen.
func servicePorts(def fields) []float64 {
	var out []float64
	list, name := def.objects("portDefinitions"), "port"
	if hasOwnNetwork(def) {
		list, name = mappingsOf(def), "servicePort"
	}
	for _, p := range list {
		out = append(out, p.number(name, 0))
	}
	switch {
	case name == "servicePort" || def.has("portDefinitions"):
	case def.has("ports"):
		for _, p := range def.list("ports") {
			n, _ := asNumber(p)
			out = append(out, n)
		}
	default:
		out = []float64{0}
	}
	return out
}
