package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

// Conn is a connection to one host. Run may be called from one goroutine at a time.
type Conn struct {
	link *link
	idle *shell // waits for scripts; may be nil
}

// Result is what a command said.
type Result struct {
	Stdout []byte
	Stderr string // at most 64 KiB
	Exit   int    // exit status; 255 when a signal ended the command
}

// HostKey is the key that the host showed when the connection was made.
func (c *Conn) HostKey() mesh.HostKey { return c.link.key }

// Close closes the connection.
func (c *Conn) Close() error { return c.link.client.Close() }

// DialContext opens a connection from the host to addr.
func (c *Conn) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.link.client.DialContext(ctx, network, addr)
}

// maxStderr is how much of a command's error output is kept.
const maxStderr = 64 << 10

// Run runs a command with stdin and returns what it said. Of a script, which is a command
// that ends in "/bin/sh -s" or has "/bin/sh -c '", what the login says before is dropped. When lines is not nil, it is called with each complete line of the output as
// it arrives, and the output is not kept. The error is an *Error: the connection broke,
// ctx ended (mesh.Timeout), the output passed limit bytes (mesh.TooLarge), and in each of
// these cases the connection is closed, because a command whose output nobody reads cannot
// be told to end otherwise; or the host ran something in place of a script
// (mesh.ScriptFailed, mesh.NoSudo). A command that ends with a status other than 0 is no error.
func (c *Conn) Run(ctx context.Context, command string, stdin io.Reader, limit int64, lines func([]byte)) (Result, error) {
	// Neither opening a session nor starting a command asks ctx.
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if isScript(command) {
		return c.script(ctx, command, stdin, limit, lines)
	}
	s, err := c.session(ctx)
	if err != nil {
		return Result{}, c.broken(ctx, err)
	}
	defer s.Close()
	out, errOut := c.sinks(limit, lines)
	command, script := marked(command)
	login := &preamble{to: out, begun: !script}
	s.Stdin, s.Stdout, s.Stderr = stdin, login, errOut
	if err := s.Start(command); err != nil {
		return Result{}, c.broken(ctx, err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Wait() }()
	select {
	case err = <-done:
	case <-ctx.Done():
		// Closing the session does not end Wait as long as the remote process holds
		// its pipes, so the connection goes.
		_ = c.Close()
		err = <-done
	}
	if ctx.Err() != nil && !ended(err) {
		return Result{}, c.broken(ctx, err)
	}
	return c.result(out, errOut, login, err)
}

// sinks take the outputs of a command. One that writes into an output that nobody reads does
// not end, so the connection goes at once when that passes the limit.
func (c *Conn) sinks(limit int64, lines func([]byte)) (out, errOut *sink) {
	out = &sink{limit: limit, lines: lines, abort: func() { go func() { _ = c.Close() }() }}
	return out, &sink{limit: maxStderr, cut: true}
}

// sessionTries is how often a session is asked for: sshd takes the place of an earlier
// one for free only some time after it told us its end, which with MaxSessions 1 is each
// time. With the pauses that is about two seconds.
const sessionTries = 8

// session opens a session. Where the host allows one at a time, the shell that waits for scripts goes.
func (c *Conn) session(ctx context.Context) (*ssh.Session, error) {
	for n := 1; ; n++ {
		s, err := c.open(ctx)
		var refused *ssh.OpenChannelError
		switch {
		case !errors.As(err, &refused):
			return s, err
		case c.idle != nil:
			c.dismiss()
		case n == sessionTries || !pause(ctx, 20*time.Millisecond, n):
			return nil, &Error{Outcome: mesh.ConnectionLost, Host: c.link.ep.name, Err: err, Msg: "the host opens no session: " + refused.Message, Hint: "sshd may limit sessions (MaxSessions)"}
		}
	}
}

// open opens a session. When the connection ends just then, the answer is waited for in vain: x/crypto tells
// the end to the channels that there are, and a new one may come after that.
func (c *Conn) open(ctx context.Context) (*ssh.Session, error) {
	done := make(chan struct{})
	var opened *ssh.Session
	var refused error
	go func() {
		opened, refused = c.link.client.NewSession()
		close(done)
	}()
	select {
	case <-done:
		return opened, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// broken is why nothing more came: ctx ended, or else the connection did.
func (c *Conn) broken(ctx context.Context, err error) *Error {
	var known *Error
	switch {
	case ctx.Err() != nil:
		return &Error{Outcome: mesh.Timeout, Host: c.link.ep.name, Err: ctx.Err(), Msg: "the script did not end in time"}
	case errors.As(err, &known):
		return known
	default:
		return c.link.lost(err)
	}
}

// ended reports whether a command came to its own end.
func ended(err error) bool {
	var exit *ssh.ExitError
	return err == nil || errors.As(err, &exit)
}

func (c *Conn) result(out, errOut *sink, login *preamble, err error) (Result, error) {
	r := Result{Stdout: out.buf.Bytes(), Stderr: errOut.buf.String()}
	var exit *ssh.ExitError
	var missing *ssh.ExitMissingError
	switch {
	case out.over:
		_ = c.Close()
		return Result{}, &Error{Outcome: mesh.TooLarge, Host: c.link.ep.name, Msg: fmt.Sprintf("the host sent more than %d MiB", out.limit>>20)}
	case errors.As(err, &missing):
		return r, c.link.lost(errors.New("the connection ended without an exit status"))
	case !ended(err):
		return r, c.link.lost(err)
	case errors.As(err, &exit):
		r.Exit = exit.ExitStatus()
		if exit.Signal() != "" {
			r.Exit = 255
		}
	}
	switch {
	case out.n == 0 && wantsTerminal(r):
		return Result{}, requiretty(c.link.ep)
	case !login.begun && !strings.Contains(r.Stderr, "sudo:"): // else it is for the caller, who wrote sudo
		return Result{}, notOurs(c.link.ep, login, r)
	}
	return r, nil
}

// errTooLarge ends the copying of an output that passed its limit.
var errTooLarge = errors.New("output too large")

// sink takes an output: it keeps it or hands on its lines, up to a limit.
type sink struct {
	limit int64
	cut   bool // drop what is beyond the limit instead of failing
	lines func([]byte)
	abort func() // called once when the limit is passed
	buf   bytes.Buffer
	n     int64
	over  bool
}

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	if s.n > s.limit {
		if s.cut {
			if room := s.limit - int64(s.buf.Len()); room > 0 {
				s.buf.Write(p[:min(int64(len(p)), room)])
			}
			return len(p), nil
		}
		if !s.over {
			s.over = true
			s.abort()
		}
		return 0, errTooLarge
	}
	s.buf.Write(p)
	if s.lines != nil {
		s.drain()
	}
	return len(p), nil
}

// drain hands on complete lines.
func (s *sink) drain() {
	for {
		i := bytes.IndexByte(s.buf.Bytes(), '\n')
		if i < 0 {
			return
		}
		line := bytes.Clone(s.buf.Next(i + 1)[:i])
		s.lines(line)
	}
}
