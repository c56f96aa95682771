//go:build linux

package bed

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// bridge is the switch that all hosts hang on. It is in the control namespace, which has
// an address on it and no route to anywhere else.
const (
	bridge  = "br0"
	gateway = "10.213.0.1"
)

// control and hostSpace name the namespaces of a scope.
func control(scope string) string { return prefix + scope }

func hostSpace(scope, host string) string { return prefix + scope + "." + host }

func namespacePath(name string) string { return filepath.Join("/run/netns", name) }

// batch lets one ip run several of its commands, in the namespace ns when it is not empty.
func batch(ctx context.Context, ns string, lines ...string) error {
	args := []string{"-batch", "-"}
	if ns != "" {
		args = append([]string{"-netns", ns}, args...)
	}
	cmd := command(ctx, "ip", args...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if _, err := run(cmd); err != nil {
		return fmt.Errorf("%w (of %q)", err, lines)
	}
	return nil
}

// makeControl makes the control namespace of a scope, with the bridge.
func makeControl(ctx context.Context, scope string) error {
	ns := control(scope)
	if err := batch(ctx, "", "netns add "+ns); err != nil {
		return err
	}
	return batch(ctx, ns,
		"link set lo up",
		"link add "+bridge+" address "+hardware(gateway)+" type bridge",
		"addr add "+gateway+"/24 dev "+bridge,
		"link set "+bridge+" up")
}

// plug makes the namespace of a host and its cable to the bridge. The bridge's end has the
// host's name, the host's end is host0. Both ends know the other's hardware address for good:
// a host that falls silent is not given up, and is reached at once when its cable is back.
func plug(ctx context.Context, scope, host, address string) error {
	ns, ctl := hostSpace(scope, host), control(scope)
	if err := batch(ctx, "", "netns add "+ns); err != nil {
		return err
	}
	if err := batch(ctx, ctl,
		"link add "+host+" type veth peer name host0 address "+hardware(address)+" netns "+ns,
		"link set "+host+" master "+bridge+" up",
		neighbour(address, bridge)); err != nil {
		return err
	}
	return batch(ctx, ns,
		"link set lo up",
		"addr add "+address+"/24 dev host0",
		"link set host0 up",
		neighbour(gateway, "host0"))
}

// hardware makes the hardware address, of those that anybody may use, that goes with an address.
func hardware(address string) string {
	b := netip.MustParseAddr(address).As4()
	return fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
}

// neighbour is ip's command that notes for good how a device reaches an address.
func neighbour(address, dev string) string {
	return "neigh replace " + address + " lladdr " + hardware(address) + " nud permanent dev " + dev
}

// unplug removes both. The cable goes first and by name: the kernel takes its time with
// what is in a namespace that was removed, and the name may be wanted again at once.
func unplug(ctx context.Context, scope, host string) error {
	var failed error
	if _, err := os.Stat(namespacePath(hostSpace(scope, host))); err != nil {
		return nil
	}
	if _, err := run(command(ctx, "ip", "-netns", control(scope), "link", "show", "dev", host)); err == nil {
		failed = batch(ctx, control(scope), "link delete "+host)
	}
	return errors.Join(failed, batch(ctx, "", "netns delete "+hostSpace(scope, host)))
}

// dropNamespaces removes a scope's namespaces, its hosts' first.
func dropNamespaces(ctx context.Context, name string) error {
	hosts, err := filepath.Glob(namespacePath(name + ".*"))
	if err != nil {
		return err
	}
	var failed error
	for _, file := range append(hosts, namespacePath(name)) {
		if _, err := os.Stat(file); err == nil {
			failed = errors.Join(failed, batch(ctx, "", "netns delete "+filepath.Base(file)))
		}
	}
	return failed
}
