package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

// jump is a chain of connections to jump hosts, shared by all hosts behind it.
type jump struct {
	ready chan struct{} // closed when what follows is set
	links []*link       // the last one is the way to the hosts
	err   error
	at    time.Time // of err
}

// jumpAgain is how long a jump host that failed is not tried again: long enough for all
// hosts of one look to share the answer, short enough for the next look to ask anew.
const jumpAgain = 10 * time.Second

// spent reports whether the chain has to be made anew.
func (j *jump) spent() bool {
	select {
	case <-j.ready:
	default:
		return false
	}
	if j.err != nil {
		return time.Since(j.at) > jumpAgain
	}
	return slices.ContainsFunc(j.links, (*link).ended)
}

func (j *jump) close() error {
	var errs []error
	for _, l := range slices.Backward(j.links) {
		if !l.ended() {
			errs = append(errs, l.client.Close())
		}
	}
	return errors.Join(errs...)
}

// jumpTo returns the connection to the jump host before ep, or nil. A jump host is dialled
// once for all, and again after it was lost; its key is verified as any other's.
func (p *Pool) jumpTo(ctx context.Context, ep endpoint) (*link, error) {
	hops, err := p.hops(ep)
	if err != nil || len(hops) == 0 {
		return nil, err
	}
	key := chain(hops)
	p.mu.Lock()
	j := p.jumps[key]
	if j == nil || j.spent() {
		if j != nil {
			_ = j.close()
		}
		j = &jump{ready: make(chan struct{})}
		p.jumps[key] = j
		go p.open(j, hops)
	}
	p.mu.Unlock()
	select {
	case <-j.ready:
	case <-ctx.Done():
		return nil, &Error{Outcome: mesh.Timeout, Host: ep.name, Err: ctx.Err(), Msg: "jump host " + key + ": it could not be reached in time"}
	}
	if j.err == nil {
		return j.links[len(j.links)-1], nil
	}
	out := &Error{Outcome: mesh.NoConnection, Host: ep.name, Err: j.err, Msg: j.err.Error()}
	var e *Error
	if errors.As(j.err, &e) {
		out.Outcome, out.Msg, out.Hint = e.Outcome, e.Msg, e.Hint
		if !strings.HasPrefix(e.Msg, "jump host ") {
			out.Msg = "jump host " + e.Host + ": " + e.Msg
		}
	}
	return nil, out
}

// open dials the hops one through the other.
func (p *Pool) open(j *jump, hops []endpoint) {
	defer close(j.ready)
	var via *link
	for _, hop := range hops {
		l, err := p.persist(p.life, hop, func(ctx context.Context) (*link, error) { return p.connect(ctx, hop, via) })
		if err != nil {
			j.err, j.at = err, time.Now()
			_ = j.close()
			return
		}
		j.links = append(j.links, l)
		via = l
	}
}

// chain names hops in the order in which they are passed.
func chain(hops []endpoint) string {
	names := make([]string, len(hops))
	for i, h := range hops {
		names[i] = h.name
	}
	return strings.Join(names, ",")
}

// hops lists the jump hosts before ep, the nearest to us first. Before the first one of
// ProxyJump stand those that ssh_config names for it. A host that is among its own jump
// hosts, as with `Host *`, is reached from the one before.
func (p *Pool) hops(ep endpoint) ([]endpoint, error) {
	var out []endpoint
	for at := ep; at.jump != ""; at = out[0] {
		var before []endpoint
		for _, text := range strings.Split(at.jump, ",") {
			hop := p.resolve(parseHop(text))
			if hop.addr == at.addr {
				break
			}
			before = append(before, hop)
		}
		if len(before) == 0 {
			break
		}
		if slices.ContainsFunc(out, func(h endpoint) bool { return h.addr == before[0].addr }) || before[0].addr == ep.addr {
			return nil, &Error{
				Outcome: mesh.NoConnection, Host: ep.name, Msg: fmt.Sprintf("the jump hosts go in a circle: %s", chain(append(before, out...))),
				Hint: "give the first one ProxyJump none in ssh_config",
			}
		}
		out = append(before, out...)
	}
	return out, nil
}

// parseHop reads one part of ProxyJump: [ssh://][USER@]HOST[:PORT].
func parseHop(text string) mesh.HostSpec {
	text = strings.TrimSpace(text)
	h := mesh.HostSpec{Name: text, Address: strings.TrimSuffix(strings.TrimPrefix(text, "ssh://"), "/")}
	if i := strings.LastIndexByte(h.Address, '@'); i >= 0 {
		h.User, h.Address = h.Address[:i], h.Address[i+1:]
	}
	if host, port, err := net.SplitHostPort(h.Address); err == nil {
		h.Address = host
		h.Port, _ = strconv.Atoi(port)
	}
	h.Address = strings.TrimSuffix(strings.TrimPrefix(h.Address, "["), "]")
	return h
}

// forwardError names why a jump host gave no connection to ep.
func forwardError(ctx context.Context, ep endpoint, via *link, err error) *Error {
	e := &Error{Outcome: mesh.NoConnection, Host: ep.name, Err: err}
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &refused) && refused.Reason == ssh.Prohibited:
		e.Msg = fmt.Sprintf("jump host %s forbids us to go on to %s", via.ep.name, ep.addr)
		e.Hint = "its sshd allows no forwarding (AllowTcpForwarding, DisableForwarding, PermitOpen), or the key does not (no-port-forwarding, restrict in authorized_keys)"
	case errors.As(err, &refused):
		e.Msg = fmt.Sprintf("jump host %s does not reach %s: %s", via.ep.name, ep.addr, refused.Message)
		e.Hint = "is sshd running there, and is the address right as seen from there?"
	case ctx.Err() != nil || isTimeout(err):
		e.Outcome, e.Msg = mesh.Timeout, fmt.Sprintf("jump host %s got no answer from %s in time", via.ep.name, ep.addr)
		e.Hint = "is the host up, and the address right as seen from there?"
	default:
		e.Outcome, e.again = mesh.ConnectionLost, true
		e.Msg = fmt.Sprintf("the connection to the jump host %s broke: %s", via.ep.name, reason(err))
	}
	return e
}
