package route

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Live is what a HAProxy serves at the moment, by backend and server.
type Live map[string]map[string]LiveServer

// LiveServer is one server of a HAProxy.
type LiveServer struct {
	Addr  netip.AddrPort
	Maint bool // nobody is sent there
	Drain bool // only requests that are under way go on
	Used  int  // connections that requests use
}

// Bits of srv_admin_state: set by hand, inherited, by the configuration's resolver, by a host name.
const (
	adminMaint = 0x01 | 0x02 | 0x20 | 0x40
	adminDrain = 0x08 | 0x10
)

// ParseLive reads the answers to "show servers state" and "show servers conn".
func ParseLive(state, conn string) (Live, error) {
	live := Live{}
	err := rows(state, "be_name", func(of func(string) string) error {
		admin, err := strconv.Atoi(of("srv_admin_state"))
		if err != nil {
			return fmt.Errorf("the state %q of a server is no number", of("srv_admin_state"))
		}
		s := LiveServer{Maint: admin&adminMaint != 0, Drain: admin&adminDrain != 0}
		if ip, err := netip.ParseAddr(of("srv_addr")); err == nil { // else it has none yet
			port, _ := strconv.ParseUint(of("srv_port"), 10, 16)
			s.Addr = netip.AddrPortFrom(ip.Unmap(), uint16(port))
		}
		if live[of("be_name")] == nil {
			live[of("be_name")] = map[string]LiveServer{}
		}
		live[of("be_name")][of("srv_name")] = s
		return nil
	})
	if err != nil {
		return nil, err
	}
	return live, rows(conn, "bkname/svname", func(of func(string) string) error {
		backend, name, _ := strings.Cut(of("bkname/svname"), "/")
		if s, ok := live[backend][name]; ok {
			s.Used, _ = strconv.Atoi(of("used_cur"))
			live[backend][name] = s
		}
		return nil
	})
}

// rows reads a table whose line with the names of its columns begins with #. each is given the values by name.
func rows(text, must string, each func(of func(string) string) error) error {
	var columns []string
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || columns == nil && words[0] != "#": // the number of the format
		case words[0] == "#":
			columns = words[1:]
		default:
			err := each(func(name string) string {
				if i := slices.Index(columns, name); i >= 0 && i < len(words) {
					return words[i]
				}
				return ""
			})
			if err != nil {
				return err
			}
		}
	}
	if !slices.Contains(columns, must) {
		return errors.New("what answers is no HAProxy of 2.2 or later")
	}
	return nil
}

// Steps are the commands after which a running HAProxy serves the table. ok is false when it lacks backends or slots of
// it, which only a reload gives it. What ends is drained first, and disabled once no request is under way there.
func (t Table) Steps(live Live) (steps []string, ok bool) {
	for _, b := range t.Backends {
		servers, known := live[b.Name]
		if !known || len(servers) != len(b.Slots) {
			return nil, false
		}
		for i, s := range b.Slots {
			now, known := servers[slotName(i)]
			if !known {
				return nil, false
			}
			steps = append(steps, now.steps(b.Name+"/"+slotName(i), s)...)
		}
	}
	return steps, true
}

// steps bring a server to what its slot is to hold.
func (l LiveServer) steps(server string, to Server) []string {
	var out []string
	switch {
	case to.Addr.IsValid():
		if l.Addr != to.Addr {
			out = append(out, fmt.Sprintf("set server %s addr %s port %d", server, to.Addr.Addr(), to.Addr.Port()))
		}
		if l.Maint || l.Drain {
			out = append(out, "set server "+server+" state ready")
		}
	case l.Maint:
	case !l.Drain:
		out = append(out, "set server "+server+" state drain")
	case l.Used == 0:
		out = append(out, "set server "+server+" state maint")
	}
	return out
}

// Draining reports whether requests are still under way at servers that have left.
func (t Table) Draining(live Live) bool {
	for _, b := range t.Backends {
		for i, s := range b.Slots {
			if now := live[b.Name][slotName(i)]; !s.Addr.IsValid() && now.Drain {
				return true
			}
		}
	}
	return false
}

// SameShape reports whether two tables have the same names, backends and numbers of slots, so that a HAProxy which
// serves the one can be led to the other without a reload.
func (t Table) SameShape(o Table) bool {
	return slices.EqualFunc(t.Backends, o.Backends, func(a, b Backend) bool {
		return a.Name == b.Name && slices.Equal(a.Names, b.Names) && len(a.Slots) == len(b.Slots)
	})
}
