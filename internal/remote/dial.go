package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

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
	config := p.clientConfig(ctx, ep)
	c, chans, reqs, err := ssh.NewClientConn(counted, ep.addr, config)
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
		return nil, handshakeError(ep, config.HostKeyAlgorithms, err)
	}
	return ssh.NewClient(c, chans, reqs), nil
}

func (p *Pool) clientConfig(ctx context.Context, ep endpoint) *ssh.ClientConfig {
	check, algorithms := p.known.forHost(ep)
	return &ssh.ClientConfig{
		User: ep.user, Timeout: p.o.Timeout, HostKeyCallback: check, HostKeyAlgorithms: algorithms,
		Auth: []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return p.keys(ctx, ep) })},
	}
}
