package remote

import (
	"context"
	"fmt"
	"io"
	"net"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"meshsync.dev/meshsync/internal/mesh"
)

// agentKeys are the keys and certificates that one agent holds.
type agentKeys struct {
	conn    net.Conn
	signers []ssh.Signer
	note    string // why there are none
}

// agentAt asks the agent at a socket for its keys, once. The caller holds Pool.mu.
func (p *Pool) agentAt(ctx context.Context, socket string) *agentKeys {
	if socket == "" {
		return &agentKeys{}
	}
	if a, ok := p.agents[socket]; ok {
		return a
	}
	a := &agentKeys{}
	limited, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	if err := a.read(limited, socket); err != nil {
		a.note = fmt.Sprintf("the agent at %s does not answer: %s", socket, reason(err))
	} else if len(a.signers) == 0 {
		a.note = fmt.Sprintf("the agent at %s holds no key, or is locked: ssh-add", socket)
	}
	if ctx.Err() == nil { // else it was not the agent's fault
		p.agents[socket] = a
	} else {
		_ = a.close()
	}
	return a
}

func (a *agentKeys) read(ctx context.Context, socket string) error {
	c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	a.conn = c
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	keys, err := agent.NewClient(c).Signers()
	if err != nil {
		return err
	}
	for _, k := range keys {
		pub, err := ssh.ParsePublicKey(k.PublicKey().Marshal())
		s, ok := k.(ssh.AlgorithmSigner)
		if err != nil || !ok {
			continue // of a kind that SSH in Go does not know
		}
		a.signers = append(a.signers, agentSigner{s, pub})
	}
	return nil
}

func (a *agentKeys) close() error {
	if a.conn == nil {
		return nil
	}
	return a.conn.Close()
}

// agentSigner is a key of an agent. When it does not sign, that is the agent's doing and
// not the host's: it was locked meanwhile, or a person did not confirm the use.
type agentSigner struct {
	ssh.AlgorithmSigner
	pub ssh.PublicKey
}

func (s agentSigner) PublicKey() ssh.PublicKey { return s.pub }

func (s agentSigner) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	sig, err := s.AlgorithmSigner.Sign(r, data)
	return sig, s.explain(err)
}

func (s agentSigner) SignWithAlgorithm(r io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	sig, err := s.AlgorithmSigner.SignWithAlgorithm(r, data, algorithm)
	return sig, s.explain(err)
}

func (s agentSigner) explain(err error) error {
	if err == nil {
		return nil
	}
	return &Error{
		Outcome: mesh.AuthRefused, Err: err, Msg: fmt.Sprintf("the agent does not sign with the key %s: %v", ssh.FingerprintSHA256(s.pub), err),
		Hint: "is the agent locked, or was the use of the key not confirmed?",
	}
}
