package host

import (
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// site is some servers that ssh_config names s0, s1, …, all of them known.
type site struct {
	t       *testing.T
	servers []*openSSH
	more    map[int]string // further lines of ssh_config by server
}

func newSite(t *testing.T, n int, config ...string) *site {
	t.Helper()
	x := &site{t: t, more: map[int]string{}}
	for range n {
		x.servers = append(x.servers, newOpenSSH(t, newBox(t), config...))
	}
	return x
}

func (x *site) options() remote.Options {
	x.t.Helper()
	var known, config strings.Builder
	for i, s := range x.servers {
		known.WriteString(s.known())
		fmt.Fprintf(&config, "Host s%d\n  HostName 127.0.0.1\n  Port %d\n  User root\n  IdentityFile %s\n%s", i, s.port, s.identity, x.more[i])
	}
	return with(func(o *remote.Options) {
		o.KnownHosts = []string{written(x.t, "known_hosts", known.String())}
		o.ConfigFile = written(x.t, "config", config.String())
	})
}

// passed reports whether a connection to one server went through another.
func (x *site) passed(through, to int) {
	x.t.Helper()
	if want := fmt.Sprintf("to 127.0.0.1 port %d", x.servers[to].port); !strings.Contains(x.servers[through].log(), want) {
		x.t.Errorf("s%d did not lead to s%d", through, to)
	}
}

func jumpSituations() []situation {
	return []situation{
		{"a chain of jump hosts", mesh.OK, nil, func(t *testing.T) error {
			x := newSite(t, 3)
			err := connects(t, x.options(), mesh.HostSpec{Name: "h", Address: "s2", ProxyJump: "s0,s1"})
			x.passed(0, 1)
			x.passed(1, 2)
			return err
		}},
		{"a jump host behind a jump host of its own", mesh.OK, nil, func(t *testing.T) error {
			x := newSite(t, 3)
			x.more[1], x.more[2] = "  ProxyJump s0\n", "  ProxyJump ssh://root@s1\n"
			err := connects(t, x.options(), mesh.HostSpec{Name: "h", Address: "s2"})
			x.passed(0, 1)
			x.passed(1, 2)
			return err
		}},
		{"one jump host for all, and itself", mesh.OK, nil, func(t *testing.T) error {
			x := newSite(t, 1)
			x.more[0] = "Host *\n  ProxyJump s0\n"
			return connects(t, x.options(), mesh.HostSpec{Name: "h", Address: "s0"})
		}},
		{"jump hosts in a circle", mesh.NoConnection, []string{"in a circle", "s0", "s1"}, func(t *testing.T) error {
			x := newSite(t, 3)
			x.more[0], x.more[1], x.more[2] = "  ProxyJump s1\n", "  ProxyJump s0\n", "  ProxyJump s1\n"
			return connects(t, x.options(), mesh.HostSpec{Name: "h", Address: "s2"})
		}},
		{"a jump host that forbids forwarding", mesh.NoConnection, []string{"jump host s0 forbids", "AllowTcpForwarding"}, func(t *testing.T) error {
			return connects(t, newSite(t, 2, "AllowTcpForwarding no").options(), mesh.HostSpec{Name: "h", Address: "s1", ProxyJump: "s0"})
		}},
		{"a key that may not be used for forwarding", mesh.NoConnection, []string{"jump host s0 forbids", "no-port-forwarding"}, func(t *testing.T) error {
			x := newSite(t, 2)
			x.servers[0].authorize("no-port-forwarding " + x.servers[0].user)
			return connects(t, x.options(), mesh.HostSpec{Name: "h", Address: "s1", ProxyJump: "s0"})
		}},
		{"a jump host that cannot reach the host", mesh.NoConnection, []string{"jump host s0 does not reach 127.0.0.1:", "from there"}, func(t *testing.T) error {
			_, port := bound(t)
			return connects(t, newSite(t, 2).options(), mesh.HostSpec{Name: "h", Address: "127.0.0.1", Port: port, ProxyJump: "s0"})
		}},
		{"a jump host that refuses our key", mesh.AuthRefused, []string{"jump host s0", "accepts none of our keys"}, func(t *testing.T) error {
			x := newSite(t, 2)
			x.servers[0].authorize("")
			return connects(t, x.options(), mesh.HostSpec{Name: "h", Address: "s1", ProxyJump: "s0"})
		}},
		{"a jump host whose connection broke in between", mesh.OK, nil, func(t *testing.T) error {
			x := newSite(t, 2)
			way := newRelay(t, x.servers[0].addr())
			jump := *x.servers[0]
			jump.port = way.port
			x.servers[0] = &jump
			p, err := remote.NewPool(x.options())
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			h := mesh.HostSpec{Name: "h", Address: "s1", ProxyJump: "s0"}
			if err := connectsIn(t, p, h); err != nil {
				return err
			}
			way.cut()
			return connectsIn(t, p, h)
		}},
		{"a host and a jump host at IPv6 addresses", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "ListenAddress ::1")
			o, h := s.options(), s.spec()
			o.KnownHosts = []string{written(t, "known_hosts", strings.Replace(s.known(), "127.0.0.1", "::1", 1))}
			h.Address, h.HostKeys = "::1", nil
			if err := connects(t, o, h); err != nil {
				return err
			}
			h.ProxyJump = fmt.Sprintf("root@[::1]:%d", s.port)
			h.Address = "localhost"
			o.KnownHosts = append(o.KnownHosts, written(t, "known_hosts", strings.Replace(s.known(), "127.0.0.1", "localhost", 1)))
			err := connects(t, o, h)
			if !strings.Contains(s.log(), fmt.Sprintf("to localhost port %d", s.port)) {
				t.Error("the jump host was not used")
			}
			return err
		}},
		{"a port that ssh_config names", mesh.OK, nil, func(t *testing.T) error {
			return connects(t, newSite(t, 1).options(), mesh.HostSpec{Name: "h", Address: "s0"})
		}},
	}
}
