package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/marathon"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/observe"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
	"meshsync.dev/meshsync/internal/sandbox"
)

// targets are the connections to all that a mesh declares. They dial when they are first used.
type targets struct {
	hosts     map[string]*host.Host
	marathons map[string]*marathon.Marathon
	pool      *remote.Pool
	via       map[string]*remote.Through // by role, and whether it is that of the base
	sandbox   bool
}

// targetOptions vary what is asked of the targets.
type targetOptions struct {
	texts   bool // all file contents, for a snapshot
	leases  bool // who holds those of hosts
	apps    mesh.AppPolicy
	noSudo  bool         // read all hosts as the plain user
	secrets host.Secrets // nil where nothing is written
	access  access
	poll    time.Duration // between two looks at a Marathon; 0: its default
}

// newTargets prepares the targets of a mesh. Nothing is dialled yet; a person may be asked
// for the passphrases of keys.
func newTargets(e *environment, g *globals, m *mesh.Mesh, o targetOptions) (*targets, error) {
	t := &targets{hosts: map[string]*host.Host{}, marathons: map[string]*marathon.Marathon{}, via: map[string]*remote.Through{}}
	ssh := g.ssh.options(e, g.timeout)
	var box *sandbox.Connect
	if g.connect != "" {
		file := g.connect
		if !filepath.IsAbs(file) {
			file = filepath.Join(e.wd, file)
		}
		c, err := sandbox.ReadConnect(file)
		if err != nil {
			return nil, err
		}
		box, t.sandbox = &c, true
		ssh.IdentityFiles, ssh.AgentSocket, ssh.ConfigFile, ssh.Passphrase = []string{c.Identity}, "", "", nil
	}
	pool, err := remote.NewPool(ssh)
	if err != nil {
		return nil, err
	}
	t.pool = pool
	var hosts []mesh.HostSpec
	for _, h := range m.Hosts {
		if o.noSudo {
			h.Sudo = mesh.SudoNone
		}
		if box != nil {
			if h, err = redirected(h, box); err != nil {
				return nil, err
			}
		}
		hosts = append(hosts, h)
		t.hosts[h.Name] = t.newHost(g, m, h, o)
	}
	// Now and here: later, hosts are dialled at once, and each within a time of its own.
	if err := pool.Unlock(hosts); err != nil {
		_ = pool.Close()
		return nil, err
	}
	for _, x := range m.Marathons {
		if box != nil {
			url, ok := box.Marathons[x.Name]
			if !ok {
				return nil, fmt.Errorf("%s does not say where the Marathon %s is", g.connect, x.Name)
			}
			x = mesh.MarathonSpec{Name: x.Name, URLs: []string{url}, Version: x.Version, Via: x.Via} // the sandbox gets no credentials
		}
		x, credentials, ofBase := o.access.to(m, x)
		from := hosts
		if ofBase {
			from = o.access.base.mesh.Hosts
		}
		t.marathons[x.Name] = marathon.New(marathon.Options{
			Spec: x, Mesh: m.Name, HTTP: &http.Client{Timeout: g.timeout}, SecretNames: m.Policy.Secrets(),
			Now: e.now, Timeout: o.apps.Timeout, OnDeadline: o.apps.OnDeadline, Credentials: credentials, Dial: t.dialVia(from, x.Via, ofBase),
			Poll: o.poll,
		})
	}
	return t, nil
}

// redirected is the host as the connect file places it.
func redirected(h mesh.HostSpec, box *sandbox.Connect) (mesh.HostSpec, error) {
	c, ok := box.Hosts[h.Name]
	if !ok {
		return h, &failure{
			exit: exitError, code: "connect", err: fmt.Errorf("the connect file does not name the host %s", h.Name),
			hint: "the sandbox was started for another mesh or an older commit: sandbox down, then up again",
		}
	}
	h.Address, h.Port, h.User, h.HostKeys, h.ProxyJump = c.Address, c.Port, c.User, []string{c.HostKey}, ""
	return h, nil
}

func (t *targets) newHost(g *globals, m *mesh.Mesh, h mesh.HostSpec, o targetOptions) *host.Host {
	return host.New(host.Options{
		Mesh: m.Name, Name: h.Name, Resources: m.ResourcesOf(mesh.Host(h.Name)), Checks: checksOf(m, h.Name),
		Texts: o.texts, Lease: o.leases, Secrets: o.secrets, Dialer: sshDialer{t.pool.Host(h)}, Sudo: h.Sudo, Timeout: g.timeout,
	})
}

// checksOf lists what the services of a host are asked: the health checks of them and of
// the ensembles that it is a member of, and what they report of themselves.
func checksOf(m *mesh.Mesh, name string) []mesh.Check {
	var out []mesh.Check
	for _, r := range m.ResourcesOf(mesh.Host(name)) {
		if r.Service != nil && r.Service.Check != nil && !slices.Contains(out, *r.Service.Check) {
			out = append(out, *r.Service.Check)
		}
		if r.Service != nil && r.Service.Reports != nil {
			out = append(out, r.Service.Reports.Question())
		}
	}
	for _, r := range m.Roles {
		if r.Ensemble != nil && slices.Contains(r.Ensemble.Members, name) && !slices.Contains(out, r.Ensemble.Check) {
			out = append(out, r.Ensemble.Check)
		}
	}
	return out
}

// observers lists the targets that a plan that is narrowed so has to see.
func (t *targets) observers(f *plan.Filter, m *mesh.Mesh) []observe.Target {
	var out []observe.Target
	for _, x := range f.Needs(m) {
		if x.Kind == mesh.HostTarget {
			out = append(out, t.hosts[x.Name])
		} else {
			out = append(out, t.marathons[x.Name])
		}
	}
	return out
}

// appliers lists all targets as apply wants them.
func (t *targets) appliers() map[mesh.Target]apply.Target {
	out := map[mesh.Target]apply.Target{}
	for name, h := range t.hosts {
		out[mesh.Host(name)] = avoided{h, name, t.via}
	}
	for name, x := range t.marathons {
		out[mesh.Marathon(name)] = x
	}
	return out
}

// avoided is a host from which no Marathon is asked while it is worked on, as long as there is another one.
type avoided struct {
	apply.Target

	name string
	via  map[string]*remote.Through
}

// Apply does the work of the host.
func (a avoided) Apply(ctx context.Context, w plan.Work, emit func(plan.Outcome)) error {
	for _, v := range a.via {
		defer v.Avoid(a.name)()
	}
	return a.Target.Apply(ctx, w, emit)
}

// leasers lists all targets as leases are taken on them.
func (t *targets) leasers() map[mesh.Target]apply.Leaser {
	out := map[mesh.Target]apply.Leaser{}
	for name, h := range t.hosts {
		out[mesh.Host(name)] = takingOver{h}
	}
	for name, x := range t.marathons {
		out[mesh.Marathon(name)] = takingOver{x}
	}
	return out
}

// probers lists the hosts as apply asks them.
func (t *targets) probers() map[string]apply.Prober {
	out := map[string]apply.Prober{}
	for name, h := range t.hosts {
		out[name] = h
	}
	return out
}

func (t *targets) close() {
	for _, h := range t.hosts {
		_ = h.Close()
	}
	for _, x := range t.marathons {
		_ = x.Close()
	}
	for _, v := range t.via {
		_ = v.Close()
	}
	_ = t.pool.Close()
}

// dialVia connects from the hosts of a role; it is nil for none.
func (t *targets) dialVia(hosts []mesh.HostSpec, role string, ofBase bool) func(context.Context, string, string) (net.Conn, error) {
	if role == "" {
		return nil
	}
	key := role
	if ofBase {
		key += " of the base"
	}
	if t.via[key] == nil {
		var from []*remote.Dialer
		for _, h := range through(hosts, role) {
			from = append(from, t.pool.Host(h))
		}
		t.via[key] = remote.NewThrough(from)
	}
	return t.via[key].DialContext
}

// sshDialer is how a host gets its connection.
type sshDialer struct{ *remote.Dialer }

// Dial connects over SSH.
func (d sshDialer) Dial(ctx context.Context) (host.Conn, error) {
	c, err := d.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}
