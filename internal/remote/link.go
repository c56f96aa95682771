package remote

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

// link is one SSH connection, to a host of the mesh or to a jump host, that is watched.
type link struct {
	ep     endpoint
	key    mesh.HostKey // that the host showed
	client *ssh.Client
	wire   *wire
	every  time.Duration // how often it is asked whether it lives
	gone   chan struct{} // closed when it ended, whoever ended it
	silent atomic.Bool   // it ended because nothing was heard of it
}

// A connection whose other side went away without a word, as when a host loses its power
// or a firewall forgets it, looks like one on which a script is quiet. So it is asked:
// sshd answers at once, whatever the script does. 15 seconds keep the state of common
// firewalls and NAT alive, which drop what is idle for some minutes; three questions in
// a row without an answer bridge a switch-over of a network, and a minute later the run
// goes on without the host.
const (
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 3
)

func newLink(ep endpoint, key mesh.HostKey, c *ssh.Client, w *wire, every time.Duration) *link {
	l := &link{ep: ep, key: key, client: c, wire: w, every: every, gone: make(chan struct{})}
	go func() {
		_ = c.Wait() // how it ended, who uses it is told
		close(l.gone)
	}()
	go l.watch()
	return l
}

// watch ends the connection when nothing at all came in after keepAliveCount questions.
// Whatever comes in counts: a host that is busy sending need not answer in time.
func (l *link) watch() {
	t := time.NewTicker(l.every)
	defer t.Stop()
	asked, heard := 0, l.wire.heard()
	for {
		select {
		case <-l.gone:
			return
		case <-t.C:
		}
		if now := l.wire.heard(); now != heard {
			asked, heard = 0, now
		}
		if asked == keepAliveCount {
			l.silent.Store(true)
			_ = l.client.Close()
			return
		}
		asked++
		// It waits for its answer, and ends with the connection.
		go func() { _, _, _ = l.client.SendRequest("keepalive@openssh.com", true, nil) }()
	}
}

// ended reports whether the connection is no more.
func (l *link) ended() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// lost is the error for a connection that broke while something ran.
func (l *link) lost(err error) *Error {
	if l.silent.Load() {
		return &Error{
			Outcome: mesh.ConnectionLost, Host: l.ep.name, Err: err,
			Msg:  fmt.Sprintf("the connection died while a script ran: %s answered none of %d questions, %s apart", l.ep.addr, keepAliveCount, l.every),
			Hint: "the host or the network between went away: what the script did last is not known",
		}
	}
	return &Error{Outcome: mesh.ConnectionLost, Host: l.ep.name, Err: err, Msg: "the connection broke while a script ran: " + reason(err)}
}
