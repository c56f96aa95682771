// Package remote runs scripts on hosts over SSH. It knows nothing of what the scripts
// do. With the sandbox it is the only importer of golang.org/x/crypto/ssh. Nothing is
// read from the environment: all comes in Options.
package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"

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

// Host returns how to dial one host.
func (p *Pool) Host(h mesh.HostSpec) *Dialer { return &Dialer{pool: p, ep: p.resolve(h)} }

var _ io.Closer = (*Pool)(nil)
