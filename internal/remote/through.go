package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Through connects to places that are seen from some hosts, from whichever of them can be reached: the one that did
// it last, else the next one. Connections to hosts stay, as long as they live. It is safe for concurrent use.
type Through struct {
	hosts []*Dialer
	mu    sync.Mutex
	last  int // the host that connected last
	conns map[int]*Conn

	avoid sync.Mutex     // of busy: nobody who begins to work on a host waits for a connection
	busy  map[string]int // hosts that are worked on, by name, and by how many
}

// NewThrough connects from these hosts. Close must be called.
func NewThrough(hosts []*Dialer) *Through {
	return &Through{hosts: hosts, conns: map[int]*Conn{}, busy: map[string]int{}}
}

// Avoid has a host asked last until the function is called that it returns: what connects from it may be restarted
// meanwhile. Connections that there are stay.
func (t *Through) Avoid(host string) (end func()) {
	add := func(n int) {
		t.avoid.Lock()
		defer t.avoid.Unlock()
		t.busy[host] += n
	}
	add(1)
	return func() { add(-1) }
}

// order is in which order the hosts are asked.
func (t *Through) order() []int {
	t.avoid.Lock()
	defer t.avoid.Unlock()
	var out, last []int
	for n := range t.hosts {
		i := (t.last + n) % len(t.hosts)
		if t.busy[t.hosts[i].ep.name] > 0 {
			last = append(last, i)
		} else {
			out = append(out, i)
		}
	}
	return append(out, last...)
}

// DialContext connects to an address as the hosts see it. The error names what is wrong with each of them; it is a
// *net.OpError, as of all dialling: nothing was sent.
func (t *Through) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var wrong []string
	for _, i := range t.order() {
		c, err := t.from(ctx, i, network, addr)
		if err == nil {
			t.last = i
			return c, nil
		}
		wrong = append(wrong, fmt.Sprintf("%s: %v", t.hosts[i].ep.name, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("no connection to %s through SSH: %s", addr, strings.Join(wrong, "; "))}
}

// from connects from one host. A connection that ended is made anew, once; one that lives stays, whatever it was
// asked to connect to.
func (t *Through) from(ctx context.Context, i int, network, addr string) (net.Conn, error) {
	if c := t.conns[i]; c != nil {
		nc, err := c.DialContext(ctx, network, addr)
		if err == nil || lives(err) {
			return nc, t.explained(ctx, c, addr, err)
		}
		t.drop(i)
	}
	c, err := t.hosts[i].Dial(ctx)
	if err != nil {
		return nil, err
	}
	t.conns[i] = c
	nc, err := c.DialContext(ctx, network, addr)
	if err != nil && !lives(err) {
		t.drop(i)
	}
	return nc, t.explained(ctx, c, addr, err)
}

func (t *Through) drop(i int) {
	_ = t.conns[i].Close()
	delete(t.conns, i)
}

// lives reports whether it is the host that said no, so that the connection to it is well.
func lives(err error) bool {
	var refused *ssh.OpenChannelError
	return errors.As(err, &refused)
}

// explained says what to do about a host that does not connect.
func (t *Through) explained(ctx context.Context, c *Conn, addr string, err error) error {
	if err == nil {
		return nil
	}
	to := c.link.ep
	to.addr = addr
	e := forwardError(ctx, to, c.link, err)
	e.Msg = strings.Replace(e.Msg, "jump host ", "host ", 1)
	e.Hint = strings.Replace(e.Hint, "is sshd running there", "is Marathon running there", 1)
	return e
}

// Close closes the connections to the hosts.
func (t *Through) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, c := range t.conns {
		errs = append(errs, c.Close())
	}
	t.conns = map[int]*Conn{}
	return errors.Join(errs...)
}
