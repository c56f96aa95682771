package route

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// servers are where the tasks are asked that serve a port, sorted by task.
func (m *maker) servers(a mesh.RunningApp, index int, p mesh.AppPort, before Backend) []Server {
	served := map[string]bool{}
	for _, s := range before.Slots {
		served[s.Task] = s.Addr.IsValid()
	}
	var out []Server
	for _, t := range a.Tasks {
		task := taskName(t.ID)
		if !serves(a, t, served[task]) {
			continue
		}
		addr, err := m.address(index, p, t)
		if err != nil {
			m.leave(a, "%v", err)
			continue
		}
		out = append(out, Server{Addr: addr, Task: task})
	}
	slices.SortFunc(out, func(a, b Server) int { return cmp.Or(strings.Compare(a.Task, b.Task), a.Addr.Compare(b.Addr)) })
	return unique(out)
}

// serves reports whether a task is asked: it runs, and its checks find it well. A Marathon that has just begun to lead
// knows nothing of what its own checks found, and a task that served before it did so still.
func serves(a mesh.RunningApp, t mesh.Task, before bool) bool {
	switch {
	case !t.Running:
		return false
	case !a.Checked:
		return true
	case len(t.Health) == 0:
		return before
	default:
		return !slices.Contains(t.Health, false)
	}
}

// unique drops a task, and an address, that comes again.
func unique(servers []Server) []Server {
	tasks, addrs := map[string]bool{}, map[netip.AddrPort]bool{}
	return slices.DeleteFunc(servers, func(s Server) bool {
		again := tasks[s.Task] || addrs[s.Addr]
		tasks[s.Task], addrs[s.Addr] = true, true
		return again
	})
}

// address is where a task is asked for a port.
func (m *maker) address(index int, p mesh.AppPort, t mesh.Task) (netip.AddrPort, error) {
	var at netip.Addr
	number := p.Container
	switch {
	case number != 0:
		if at = ownAddress(t); !at.IsValid() {
			return netip.AddrPort{}, fmt.Errorf("a task that runs has no address of its own, which port %d is asked at", index)
		}
	case p.Host < 0:
		return netip.AddrPort{}, fmt.Errorf("port %d has no number", index)
	case p.Host >= len(t.Ports):
		return netip.AddrPort{}, fmt.Errorf("a task that runs has no port %d", index)
	default:
		number = t.Ports[p.Host]
		if at = m.agent(t.Host); !at.IsValid() {
			return netip.AddrPort{}, fmt.Errorf("the agent %q of a task has no address here: see whether its name can be resolved", t.Host)
		}
	}
	if number < 1 || number > 65535 {
		return netip.AddrPort{}, fmt.Errorf("a task has the port %d, which is none", number)
	}
	return netip.AddrPortFrom(at, uint16(number)), nil
}

// agent is the address of an agent by the name that it has in Marathon.
func (m *maker) agent(host string) netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return usable(a)
	}
	return usable(m.in.Addresses[host])
}

// ownAddress is the first address of a task, one of IPv4 if it has one.
func ownAddress(t mesh.Task) netip.Addr {
	var first netip.Addr
	for _, text := range t.Addresses {
		a, _ := netip.ParseAddr(text)
		if a = usable(a); a.Is4() {
			return a
		}
		if !first.IsValid() {
			first = a
		}
	}
	return first
}

// usable is an address that somebody can be asked at, or none.
func usable(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
		return netip.Addr{}
	}
	return a
}

// plainTask is how Marathon names tasks.
var plainTask = regexp.MustCompile(`^[A-Za-z0-9._-]{1,255}$`)

// taskName is the id of a task, or a digest of one that is not such as Marathon gives.
func taskName(id string) string {
	if plainTask.MatchString(id) {
		return id
	}
	return fmt.Sprintf("sha256-%x", sha256.Sum256([]byte(id)))
}
