package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"meshsync.dev/meshsync/internal/mesh"
)

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
