package remote

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

// jump is one connection to a jump host, shared by all hosts behind it.
type jump struct {
	once   sync.Once
	client *ssh.Client
	err    error
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
