// Package remote runs scripts on hosts over SSH. It knows nothing of what the scripts
// do. With the sandbox it is the only importer of golang.org/x/crypto/ssh. Nothing is
// read from the environment or a terminal: all comes in Options.
package remote

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kevinburke/ssh_config"

	"meshsync.dev/meshsync/internal/mesh"
)

// Options say how hosts are reached beyond what the mesh says of each.
type Options struct {
	User          string   // for hosts for which neither the mesh nor ssh_config names one
	LocalUser     string   // the last resort for the user, and %u in ssh_config
	Home          string   // for ~ and the default keys; "" for none
	IdentityFiles []string // private keys, offered before ssh_config's; ~/.ssh/id_* when neither names one
	AgentSocket   string   // of ssh-agent, for hosts for which ssh_config names none; "" for none
	KnownHosts    []string // files; missing ones are skipped
	ConfigFile    string   // ssh_config; "" or a missing file for none
	// Timeout is for one connection, the tries after being turned away included. A host
	// behind jump hosts may take it once for each of them.
	Timeout time.Duration
	// KeepAlive is how often a connection is asked whether it lives; 0 for keepAliveInterval.
	KeepAlive time.Duration
	// Passphrase asks a person for the passphrase of a key file; empty leaves it locked.
	// Only Unlock calls it. nil when there is nobody to ask.
	Passphrase func(file string) ([]byte, error)
}

// Pool makes connections with the same options. It is safe for concurrent use.
type Pool struct {
	o      Options
	config *ssh_config.Config
	known  *knownKeys
	sem    chan struct{}
	// life ends with Close: a jump host is dialled for all hosts behind it, and so for
	// longer than one of them waits.
	life context.Context
	end  context.CancelFunc

	asking sync.Mutex // held while a person is asked for passphrases
	mu     sync.Mutex
	files  map[string]*keyFile
	agents map[string]*agentKeys // by socket
	jumps  map[string]*jump      // by what ProxyJump says
}

// maxDials is how many hosts are dialled at once: enough to be quick with hundreds, few
// enough for the usual limit of open files.
const maxDials = 64

// NewPool reads ssh_config and known_hosts. Keys are read when they are first needed.
func NewPool(o Options) (*Pool, error) {
	if o.KeepAlive == 0 {
		o.KeepAlive = keepAliveInterval
	}
	config, err := readConfig(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	known, err := readKnownHosts(o.KnownHosts)
	if err != nil {
		return nil, err
	}
	p := &Pool{
		o: o, config: config, known: known, sem: make(chan struct{}, maxDials),
		files: map[string]*keyFile{}, agents: map[string]*agentKeys{}, jumps: map[string]*jump{},
	}
	p.life, p.end = context.WithCancel(context.Background())
	return p, nil
}

// Close closes the connections to jump hosts and agents.
func (p *Pool) Close() error {
	p.end()
	p.mu.Lock()
	jumps, agents := slices.Collect(maps.Values(p.jumps)), slices.Collect(maps.Values(p.agents))
	p.mu.Unlock()
	var errs []error
	for _, j := range jumps {
		<-j.ready
		errs = append(errs, j.close())
	}
	for _, a := range agents {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}

// Host returns how to dial one host.
func (p *Pool) Host(h mesh.HostSpec) *Dialer { return &Dialer{pool: p, ep: p.resolve(h)} }

var _ io.Closer = (*Pool)(nil)
