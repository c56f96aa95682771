package hostd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxSessions is OpenSSH's default: more channels than that on one connection are refused.
const maxSessions = 10

// loginGrace is how long a client may take to log in; OpenSSH's default.
const loginGrace = 2 * time.Minute

// listen opens the SSH server's port: a free one the first time, then always the same.
func (h *Host) listen() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listener != nil || h.ended {
		return nil
	}
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(h.port)))
	if err != nil {
		return fmt.Errorf("host %s: open its SSH port: %w", h.name, err)
	}
	h.listener, h.port = l, l.Addr().(*net.TCPAddr).Port
	h.serving.Go(func() { h.accept(l) })
	return nil
}

func (h *Host) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors: the listener stays
			continue
		}
		if !h.adopt(c) {
			_ = c.Close()
			continue
		}
		h.serving.Go(func() {
			defer h.release(c)
			h.world.active()
			h.serve(c)
		})
	}
}

// adopt notes a connection, so that it ends with the host.
func (h *Host) adopt(c net.Conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || h.listener == nil {
		return false
	}
	h.conns[c] = struct{}{}
	return true
}

func (h *Host) release(c net.Conn) {
	_ = c.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// serve speaks SSH, or what a fault wants instead.
func (h *Host) serve(c net.Conn) {
	switch {
	case h.faults.on(FaultHang):
		_, _ = io.Copy(io.Discard, c)
		return
	case h.faults.on(FaultNotSSH):
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><h1>400 Bad Request</h1></html>\r\n")
		return
	}
	if ms, ok := h.faults.arg(FaultLatency); ok {
		n, _ := strconv.Atoi(ms) // checked by Fault
		late := newLateConn(c, time.Duration(n)*time.Millisecond, h.serving.Go)
		defer late.end(net.ErrClosed)
		c = late
	}
	_ = c.SetDeadline(time.Now().Add(loginGrace))
	conn, channels, requests, err := ssh.NewServerConn(c, h.sshConfig())
	if err != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	defer conn.Close()
	h.serving.Go(func() { ssh.DiscardRequests(requests) })
	var sessions atomic.Int32
	for ch := range channels {
		h.channel(conn, ch, &sessions)
	}
}

func (h *Host) sshConfig() *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-meshsync_sandbox",
		MaxAuthTries:  6,
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			known := meta.User() == h.user || meta.User() == "root"
			if h.faults.on(FaultRefuseAuth) || !known || !bytes.Equal(key.Marshal(), h.userKey) {
				return nil, fmt.Errorf("user %s is not let in", meta.User())
			}
			return &ssh.Permissions{}, nil
		},
	}
	key := h.key
	if h.faults.on(FaultWrongHostKey) {
		key = h.other
	}
	config.AddHostKey(key)
	return config
}

// channel accepts a channel and serves it in the background.
func (h *Host) channel(conn *ssh.ServerConn, ch ssh.NewChannel, sessions *atomic.Int32) {
	switch ch.ChannelType() {
	case "session":
		if sessions.Add(1) > maxSessions {
			sessions.Add(-1)
			_ = ch.Reject(ssh.ConnectionFailed, "open failed")
			return
		}
		c, requests, err := ch.Accept()
		if err != nil {
			sessions.Add(-1)
			return
		}
		h.serving.Go(func() {
			defer sessions.Add(-1)
			(&session{host: h, conn: conn, channel: c}).serve(requests)
		})
	case "direct-tcpip":
		h.serving.Go(func() { h.forward(ch) })
	default:
		_ = ch.Reject(ssh.ConnectionFailed, "open failed") // what OpenSSH says of a type that it does not know
	}
}
