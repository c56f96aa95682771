package main

import (
	"context"
	"net"
	"net/netip"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
)

// agents knows where agents are by the names that tasks have for them. HAProxy is given addresses only: a
// name that cannot be resolved would keep it from reading any of its files.
type agents struct {
	hosts  map[string]string // addresses of the mesh's hosts, by name
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	now    func() time.Time
	found  map[string]foundAgent
}

// foundAgent is the last answer about a name.
type foundAgent struct {
	addr netip.Addr
	at   time.Time
}

const (
	agentFresh  = time.Minute // a name is asked for again after
	agentWithin = 5 * time.Second
)

func newAgents(hosts []mesh.HostSpec, now func() time.Time) *agents {
	a := &agents{hosts: map[string]string{}, found: map[string]foundAgent{}, now: now}
	a.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	for _, h := range hosts {
		a.hosts[h.Name] = h.Address
	}
	return a
}

// addresses are those of all agents on which tasks run. Of a name that cannot be resolved now the last address holds.
func (a *agents) addresses(ctx context.Context, apps []mesh.RunningApp) map[string]netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, agentWithin)
	defer cancel()
	out := map[string]netip.Addr{}
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(16)
	for host := range a.named(apps) {
		all.Go(func() error {
			addr, ok := a.ask(ctx, host)
			mu.Lock()
			defer mu.Unlock()
			if ok {
				a.found[host] = foundAgent{addr, a.now()}
			}
			out[host] = a.found[host].addr
			return nil
		})
	}
	_ = all.Wait() // the functions return no error
	for host, f := range a.found {
		out[host] = f.addr
	}
	return out
}

// named are the names of agents that are to be asked for.
func (a *agents) named(apps []mesh.RunningApp) map[string]bool {
	const longest = 253
	out := map[string]bool{}
	for _, app := range apps {
		for _, t := range app.Tasks {
			_, notIP := netip.ParseAddr(t.Host)
			f, known := a.found[t.Host]
			if t.Running && notIP != nil && len(t.Host) <= longest && (!known || a.now().Sub(f.at) >= agentFresh) {
				out[t.Host] = true
			}
		}
	}
	return out
}

func (a *agents) ask(ctx context.Context, host string) (netip.Addr, bool) {
	name := host
	if of := a.hosts[host]; of != "" {
		name = of
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr, true
	}
	all, err := a.lookup(ctx, name)
	if err != nil || len(all) == 0 {
		return netip.Addr{}, false
	}
	for _, addr := range all {
		if addr.Unmap().Is4() {
			return addr.Unmap(), true
		}
	}
	return all[0], true
}

// runProgram runs a program that a person typed, and returns what it said.
func runProgram(ctx context.Context, argv []string) (string, error) {
	const within = time.Minute
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	out := bounded{left: 64 << 10}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // a child that it left behind may hold the pipe
	err := cmd.Run()
	return out.String(), err
}
