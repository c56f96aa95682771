package remote

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// endpoint is where and as whom one host is reached, once all sources are merged.
type endpoint struct {
	name   string // in the mesh
	addr   string // host:port
	user   string
	pinned []string
	jump   string
	keys   []string // files
}

// resolve merges what the mesh, the flags and ssh_config say of a host.
func (p *Pool) resolve(h mesh.HostSpec) endpoint {
	alias := h.Address
	host := first(p.get(alias, "HostName"), h.Address)
	host = strings.ReplaceAll(host, "%h", h.Address)
	port := strconv.Itoa(h.Port)
	if h.Port == 0 {
		port = first(p.get(alias, "Port"), "22")
	}
	ep := endpoint{
		name: h.Name, addr: net.JoinHostPort(host, port), pinned: h.HostKeys,
		user: first(h.User, p.get(alias, "User"), p.o.User, p.o.LocalUser, "root"),
		jump: first(h.ProxyJump, p.get(alias, "ProxyJump")),
	}
	if ep.jump == "none" {
		ep.jump = ""
	}
	if p.config != nil {
		files, _ := p.config.GetAll(alias, "IdentityFile")
		for _, f := range files {
			ep.keys = append(ep.keys, p.expand(f, ep))
		}
	}
	return ep
}

func (p *Pool) get(alias, key string) string {
	if p.config == nil {
		return ""
	}
	v, err := p.config.Get(alias, key)
	if err != nil {
		return ""
	}
	return v
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// expand replaces ~ and the tokens %d, %u, %h, %r of ssh_config.
func (p *Pool) expand(name string, ep endpoint) string {
	host, _, _ := net.SplitHostPort(ep.addr)
	name = strings.NewReplacer("%d", p.o.Home, "%u", p.o.LocalUser, "%h", host, "%r", ep.user, "%%", "%").Replace(name)
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		name = filepath.Join(p.o.Home, rest)
	}
	return name
}
