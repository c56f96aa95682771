package remote

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"

	"meshsync.dev/meshsync/internal/mesh"
)

// readConfig reads an ssh_config; nil when there is none.
func readConfig(name string) (*ssh_config.Config, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no ssh_config is an ordinary case
	}
	f, err := os.Open(name)
	if os.IsNotExist(err) {
		return nil, nil //nolint:nilnil // no ssh_config is an ordinary case
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := ssh_config.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := readablePatterns(name); err != nil {
		return nil, err
	}
	return c, nil
}

// endpoint is where and as whom one host is reached, once all sources are merged.
type endpoint struct {
	name   string // in the mesh; of a jump host, what ProxyJump says
	addr   string // host:port
	user   string
	pinned []string
	jump   string // what ProxyJump says; "" for none

	identities []string // key files that are named for it, by -i or ssh_config
	named      bool     // identities stand in place of the default keys, even when there are none
	certs      []string // certificate files that are named for it
	only       bool     // IdentitiesOnly: of the agent's keys only those that are in identities, too
	agent      string   // socket; "" for none
}

// resolve merges what the mesh, the flags and ssh_config say of a host.
func (p *Pool) resolve(h mesh.HostSpec) endpoint {
	alias := h.Address
	host := strings.ReplaceAll(p.get(alias, "HostName"), "%h", h.Address)
	port := strconv.Itoa(h.Port)
	if h.Port == 0 {
		port = first(p.get(alias, "Port"), "22")
	}
	ep := endpoint{
		name: h.Name, addr: net.JoinHostPort(first(host, h.Address), port), pinned: h.HostKeys,
		user: first(h.User, p.get(alias, "User"), p.o.User, p.o.LocalUser, "root"),
		jump: first(h.ProxyJump, p.get(alias, "ProxyJump")),
		only: strings.EqualFold(p.get(alias, "IdentitiesOnly"), "yes"),
	}
	if strings.EqualFold(ep.jump, "none") {
		ep.jump = ""
	}
	ep.identities = slices.Clone(p.o.IdentityFiles)
	for _, f := range p.all(alias, "IdentityFile") {
		ep.named = true
		if !strings.EqualFold(f, "none") {
			ep.identities = append(ep.identities, p.expand(f, ep))
		}
	}
	ep.named = ep.named || len(ep.identities) > 0
	for _, f := range p.all(alias, "CertificateFile") {
		ep.certs = append(ep.certs, p.expand(f, ep))
	}
	switch a := p.get(alias, "IdentityAgent"); {
	case a == "", a == "SSH_AUTH_SOCK", a == "$SSH_AUTH_SOCK", a == "${SSH_AUTH_SOCK}":
		ep.agent = p.o.AgentSocket
	case !strings.EqualFold(a, "none"):
		ep.agent = p.expand(a, ep)
	}
	return ep
}

// get is the first value that ssh_config has for a host, "" when it has none.
func (p *Pool) get(alias, key string) string {
	if p.config == nil {
		return ""
	}
	v, err := p.config.Get(alias, key)
	if err != nil {
		return ""
	}
	return unquoted(v)
}

// all are the values of what may be said several times.
func (p *Pool) all(alias, key string) []string {
	if p.config == nil {
		return nil
	}
	values, err := p.config.GetAll(alias, key)
	if err != nil {
		return nil
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = unquoted(v)
	}
	return out
}

// unquoted is a value without the quotes that let it have spaces.
func unquoted(v string) string {
	if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
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
