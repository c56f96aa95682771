package sandbox

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/hostd"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// off as the argument of a fault ends it.
const off = hostd.Off

// Faults lists what can be made to fail, a line each: how it is written, what it does.
func Faults() []string {
	out := []string{"On a host:"}
	out = append(out, indented(hostd.Faults())...)
	out = append(out, "On a Marathon:")
	all := append(marathond.New(marathond.Options{}).Faults(), faultDown+"              connections break at once")
	slices.Sort(all)
	return append(out, indented(all)...)
}

func indented(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "  " + l
	}
	return out
}

// Fault makes a fault on a host or Marathon; arg "off" ends it. Of a target with a * or ? it
// is made on all hosts that match.
func (c *Cluster) Fault(target, name, arg string) error {
	if !strings.ContainsAny(target, "*?") {
		return c.fault(target, name, arg)
	}
	found := false
	for _, host := range c.world.Names() {
		if ok, _ := path.Match(target, host); !ok {
			continue
		}
		found = true
		if err := c.fault(host, name, arg); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("the sandbox has no host that matches %q", target)
	}
	return nil
}

func (c *Cluster) fault(target, name, arg string) error {
	if h := c.world.Host(target); h != nil {
		return h.Fault(name, arg)
	}
	if m := c.marathons[target]; m != nil {
		if err := m.fault(name, arg); err != nil {
			return fmt.Errorf("marathon %s: fault %s: %w", target, name, err)
		}
		return nil
	}
	return fmt.Errorf("the sandbox has no host and no Marathon called %q", target)
}
