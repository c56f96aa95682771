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
	l, err := d.pool.persist(ctx, d.ep, func(ctx context.Context) (*link, error) {
		if via != nil && via.ended() {
			if via, err = d.pool.jumpTo(ctx, d.ep); err != nil {
				return nil, err
			}
		}
		return d.pool.connect(ctx, d.ep, via)
	})
	if err != nil {
		return nil, err
	}
	return &Conn{link: l}, nil
}

// persist connects, and again after a pause for as long as the server turns us away
// before the login and the pool's timeout lasts: sshd does that by chance with those who
// come in a crowd (MaxStartups), so that the same ones must not come again together.
func (p *Pool) persist(ctx context.Context, ep endpoint, connect func(context.Context) (*link, error)) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	var last *Error // how it turned us away
	for n := 1; ; n++ {
		l, err := connect(ctx)
		var e *Error
		if err == nil || !errors.As(err, &e) {
			return l, err
		}
		if !e.again {
			if last != nil && e.Outcome == mesh.Timeout { // the time ran out amid a further try
				return nil, last.after(n)
			}
			return nil, err
		}
		last = e
		if !pause(ctx, 100*time.Millisecond, n) {
			return nil, last.after(n)
		}
	}
}

// pause waits for a random time about unit, doubled with each try up to five times. It is
// false when ctx ended before.
func pause(ctx context.Context, unit time.Duration, try int) bool {
	mean := unit << min(try-1, 5)
	t := time.NewTimer(mean/2 + rand.N(mean))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect makes one connection, through via unless it is nil.
func (p *Pool) connect(ctx context.Context, ep endpoint, via *link) (*link, error) {
	var nc net.Conn
	var err error
	if via != nil {
		nc, err = via.client.DialContext(ctx, "tcp", ep.addr)
	} else {
		nc, err = new(net.Dialer).DialContext(ctx, "tcp", ep.addr)
	}
	switch {
	case err != nil && via != nil:
		return nil, forwardError(ctx, ep, via, err)
	case err != nil:
		return nil, dialError(ep, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	w := &wire{Conn: nc}
	check, algorithms := p.known.forHost(ep)
	var o offer
	var shown mesh.HostKey
	c, chans, reqs, err := ssh.NewClientConn(w, ep.addr, &ssh.ClientConfig{
		User: ep.user, HostKeyCallback: noting(&shown, check), HostKeyAlgorithms: algorithms,
		Auth: []ssh.AuthMethod{ssh.PublicKeysCallback(func() (_ []ssh.Signer, err error) {
			o, err = p.offer(ctx, ep)
			return o.signers(), err
		})},
	})
	if !stop() && err == nil {
		_ = c.Close()
		err = context.Cause(ctx)
	}
	if err == nil {
		return newLink(ep, shown, ssh.NewClient(c, chans, reqs), w, p.o.KeepAlive), nil
	}
	_ = nc.Close()
	if ctx.Err() != nil {
		err = fmt.Errorf("%w (deadline exceeded)", os.ErrDeadlineExceeded)
	}
	return nil, handshakeError(ep, w, algorithms, o, err)
}
