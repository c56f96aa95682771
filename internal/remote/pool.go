// Package remote runs scripts on hosts over SSH. It knows nothing of what the scripts
// do. With the sandbox it is the only importer of golang.org/x/crypto/ssh. Nothing is
// read from the environment: all comes in Options.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"meshsync.dev/meshsync/internal/mesh"
)

// Options say how hosts are reached beyond what the mesh says of each.
type Options struct {
	User          string   // for hosts for which neither the mesh nor ssh_config names one
	LocalUser     string   // the last resort for the user, and %u in ssh_config
	Home          string   // for ~ and the default keys; "" for none
	IdentityFiles []string // private keys; when empty, ssh_config's and ~/.ssh/id_* are tried
	AgentSocket   string   // of ssh-agent; "" for none
	KnownHosts    []string // files; missing ones are skipped
	ConfigFile    string   // ssh_config; "" or a missing file for none
	Timeout       time.Duration
}

// Pool makes connections with the same options. It is safe for concurrent use.
type Pool struct {
	o      Options
	config *ssh_config.Config
	known  *knownKeys
	agent  net.Conn

	mu      sync.Mutex
	signers []ssh.Signer
	loaded  bool
	keysErr error
	jumps   map[string]*jump
	sem     chan struct{}
}

// jump is one connection to a jump host, shared by all hosts behind it.
type jump struct {
	once   sync.Once
	client *ssh.Client
	err    error
}

// maxDials is how many handshakes run at once: a bastion's sshd drops new connections
// beyond MaxStartups, 10 by default.
const maxDials = 64

// NewPool reads ssh_config and known_hosts. Keys are read when they are first needed.
func NewPool(o Options) (*Pool, error) {
	p := &Pool{o: o, jumps: map[string]*jump{}, sem: make(chan struct{}, maxDials)}
	if o.ConfigFile != "" {
		f, err := os.Open(o.ConfigFile)
		if err == nil {
			defer f.Close()
			if p.config, err = ssh_config.Decode(f); err != nil {
				return nil, fmt.Errorf("%s: %w", o.ConfigFile, err)
			}
		} else if !os.IsNotExist(err) {
			return nil, err
		}
	}
	known, err := readKnownHosts(o.KnownHosts)
	if err != nil {
		return nil, err
	}
	p.known = known
	return p, nil
}

// Close closes the connections to jump hosts and the agent.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, j := range p.jumps {
		if j.client != nil {
			errs = append(errs, j.client.Close())
		}
	}
	if p.agent != nil {
		errs = append(errs, p.agent.Close())
	}
	return errors.Join(errs...)
}

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

// Host returns how to dial one host.
func (p *Pool) Host(h mesh.HostSpec) *Dialer { return &Dialer{pool: p, ep: p.resolve(h)} }

// Dialer dials one host.
type Dialer struct {
	pool *Pool
	ep   endpoint
}

// User is who the host is reached as.
func (d *Dialer) User() string { return d.ep.user }

// tries is how often a connection is tried when the server drops it before SSH is
// agreed upon, as sshd does with bursts.
const tries = 4

// Dial connects and authenticates. The error is an *Error. ctx bounds it all, the
// handshake too.
func (d *Dialer) Dial(ctx context.Context) (*Conn, error) {
	select {
	case d.pool.sem <- struct{}{}:
		defer func() { <-d.pool.sem }()
	case <-ctx.Done():
		return nil, &Error{Outcome: mesh.Timeout, Host: d.ep.name, Err: ctx.Err(), Msg: "no time was left to connect to " + d.ep.addr}
	}
	via, err := d.pool.jumpTo(ctx, d.ep)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		c, err := d.pool.connect(ctx, d.ep, via)
		var e *Error
		if err == nil {
			return newConn(d.ep.name, c), nil
		}
		if n == tries || !errors.As(err, &e) || e.Outcome != mesh.ConnectionLost {
			return nil, err
		}
		pause := time.Duration(50+rand.IntN(200)) * time.Millisecond * time.Duration(n)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// connect makes one connection.
func (p *Pool) connect(ctx context.Context, ep endpoint, via *ssh.Client) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	var nc net.Conn
	var err error
	if via != nil {
		nc, err = via.DialContext(ctx, "tcp", ep.addr)
	} else {
		nc, err = new(net.Dialer).DialContext(ctx, "tcp", ep.addr)
	}
	if err != nil {
		return nil, dialError(ep, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	counted := &countingConn{Conn: nc}
	c, chans, reqs, err := ssh.NewClientConn(counted, ep.addr, p.clientConfig(ctx, ep))
	if !stop() && err == nil {
		_ = c.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w (deadline exceeded)", os.ErrDeadlineExceeded)
		} else if counted.notSSH() {
			return nil, &Error{Outcome: mesh.NoSSH, Host: ep.name, Err: err, Msg: "what answers on " + ep.addr + " does not speak SSH", Hint: "is the port right?"}
		}
		return nil, handshakeError(ep, err)
	}
	return ssh.NewClient(c, chans, reqs), nil
}

// countingConn remembers the first bytes that the server sent, to tell what is no SSH.
type countingConn struct {
	net.Conn
	mu    sync.Mutex
	start []byte
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	if room := 1024 - len(c.start); room > 0 && n > 0 {
		c.start = append(c.start, b[:min(n, room)]...)
	}
	c.mu.Unlock()
	return n, err
}

// notSSH reports whether the server said something in which no line begins with SSH-.
func (c *countingConn) notSSH() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.start) > 0 && !strings.Contains("\n"+string(c.start), "\nSSH-")
}

func (p *Pool) clientConfig(ctx context.Context, ep endpoint) *ssh.ClientConfig {
	check, algorithms := p.known.forHost(ep)
	return &ssh.ClientConfig{
		User: ep.user, Timeout: p.o.Timeout, HostKeyCallback: check, HostKeyAlgorithms: algorithms,
		Auth: []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return p.keys(ctx, ep) })},
	}
}

// keys lists the keys to offer: those of files named for this host, then the agent's, then the defaults.
func (p *Pool) keys(ctx context.Context, ep endpoint) ([]ssh.Signer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		p.loaded, p.keysErr = true, p.loadKeys(ctx)
	}
	if p.keysErr != nil {
		return nil, keyError(ep, p.keysErr) // for every host, not only for the first
	}
	out := slices.Clone(p.signers)
	for _, f := range ep.keys {
		s, err := readKey(f)
		if os.IsNotExist(errors.Unwrap(err)) {
			continue
		}
		if err != nil {
			return nil, keyError(ep, err)
		}
		out = append([]ssh.Signer{s}, out...)
	}
	return out, nil
}

// keyError says that a key of ours is at fault, and not the host.
func keyError(ep endpoint, err error) *Error {
	return &Error{Outcome: mesh.AuthRefused, Host: ep.name, Err: err, Msg: err.Error()}
}

func (p *Pool) loadKeys(ctx context.Context) error {
	for _, f := range p.o.IdentityFiles {
		s, err := readKey(f)
		if err != nil {
			return err
		}
		p.signers = append(p.signers, s)
	}
	if p.o.AgentSocket != "" {
		if c, err := new(net.Dialer).DialContext(ctx, "unix", p.o.AgentSocket); err == nil {
			p.agent = c
			if s, err := agent.NewClient(c).Signers(); err == nil {
				p.signers = append(p.signers, s...)
			}
		}
	}
	if len(p.o.IdentityFiles) > 0 || p.o.Home == "" {
		return nil
	}
	for _, n := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		if s, err := readKey(filepath.Join(p.o.Home, ".ssh", n)); err == nil {
			p.signers = append(p.signers, s)
		}
	}
	return nil
}

func readKey(name string) (ssh.Signer, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	s, err := ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, fmt.Errorf("key file %s has a passphrase: add it to ssh-agent (ssh-add %s)", name, name)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s is no private key that SSH knows: %w", name, err)
	}
	return s, nil
}

// jumpTo returns the client of the jump host before ep, or nil. The jump host is
// dialled once, its key is verified as any other's.
func (p *Pool) jumpTo(ctx context.Context, ep endpoint) (*ssh.Client, error) {
	if ep.jump == "" {
		return nil, nil //nolint:nilnil // no jump host is an ordinary case
	}
	p.mu.Lock()
	j, ok := p.jumps[ep.jump]
	if !ok {
		j = &jump{}
		p.jumps[ep.jump] = j
	}
	p.mu.Unlock()
	j.once.Do(func() { j.client, j.err = p.dialJump(ctx, ep.jump) })
	if j.err != nil {
		var e *Error
		out := &Error{Outcome: mesh.NoConnection, Host: ep.name, Err: j.err, Msg: "jump host " + ep.jump + ": " + j.err.Error()}
		if errors.As(j.err, &e) {
			out.Outcome = e.Outcome
		}
		return nil, out
	}
	return j.client, nil
}

// dialJump connects to the last host of a chain such as "ops@bastion:2222,inner".
func (p *Pool) dialJump(ctx context.Context, spec string) (*ssh.Client, error) {
	var via *ssh.Client
	for _, hop := range strings.Split(spec, ",") {
		h := mesh.HostSpec{Name: hop, Address: strings.TrimSpace(hop)}
		if user, rest, ok := strings.Cut(h.Address, "@"); ok {
			h.User, h.Address = user, rest
		}
		if host, port, err := net.SplitHostPort(h.Address); err == nil {
			h.Address = host
			h.Port, _ = strconv.Atoi(port)
		}
		ep := p.resolve(h)
		c, err := p.connect(ctx, ep, via)
		if err != nil {
			return nil, err
		}
		via = c
	}
	return via, nil
}

var _ io.Closer = (*Pool)(nil)
