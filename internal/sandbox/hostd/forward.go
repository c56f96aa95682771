package hostd

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"
)

// forward serves a direct-tcpip channel: from this host to itself, to another host of the
// sandbox, or to a port of the sandbox on the machine's loopback. Nothing else is reached.
func (h *Host) forward(ch ssh.NewChannel) {
	var p struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(ch.ExtraData(), &p); err != nil || p.Port > 65535 {
		_ = ch.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	to, err := h.dial(p.Host, int(p.Port))
	if err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer to.Close()
	c, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(to, c)
		_ = to.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(c, to)
	_ = c.CloseWrite()
	both.Wait()
}

// dial connects to what a name or address means on this host.
func (h *Host) dial(name string, port int) (net.Conn, error) {
	if name == "localhost" || name == "127.0.0.1" || name == "::1" {
		if c, err := h.dialInside(port); err == nil {
			return c, nil
		}
		if h.world.owns(port) {
			return dialLoopback(port)
		}
		return nil, fmt.Errorf("connect to %s port %d failed: Connection refused", name, port)
	}
	for _, other := range h.world.hosts {
		if other.name != name && (other.address == "" || other.address != name) {
			continue
		}
		if port == 22 || port == other.port {
			return dialLoopback(other.port)
		}
		return other.dialInside(port)
	}
	return nil, fmt.Errorf("connect to %s port %d failed: No route to host", name, port)
}

// Show lets hosts connect to a port of the machine's loopback, on which something else of the sandbox listens.
func (w *World) Show(port int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[int]bool{}
	}
	w.seen[port] = true
}

// owns reports whether a port of the machine's loopback is of the sandbox.
func (w *World) owns(port int) bool {
	w.mu.Lock()
	shown := w.seen[port]
	w.mu.Unlock()
	if shown {
		return true
	}
	for _, h := range w.hosts {
		if h.port == port {
			return true
		}
	}
	return false
}

func dialLoopback(port int) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// dialInside connects to a port of the host's own loopback.
func (h *Host) dialInside(port int) (c net.Conn, err error) {
	if !h.cage.private() {
		if port = h.redirected(port); port == 0 {
			return nil, fmt.Errorf("nothing listens")
		}
	}
	err = h.cage.do(func() error {
		c, err = dialLoopback(port)
		return err
	})
	return c, err
}
