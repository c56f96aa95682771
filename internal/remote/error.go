package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"meshsync.dev/meshsync/internal/mesh"
)

// Error says why a host could not be reached or why a connection broke.
type Error struct {
	Outcome mesh.Outcome
	Host    string // name in the mesh
	Msg     string // what happened, with the address
	Hint    string // what to do; may be empty
	Err     error
}

// Error is the message with the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + ": " + e.Hint
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// dialError names why the TCP connection failed.
func dialError(ep endpoint, err error) *Error {
	e := &Error{Outcome: mesh.NoConnection, Host: ep.name, Err: err, Msg: fmt.Sprintf("no connection to %s: %s", ep.addr, reason(err))}
	switch {
	case isTimeout(err):
		e.Outcome, e.Msg = mesh.Timeout, fmt.Sprintf("no answer from %s in time", ep.addr)
		e.Hint = "is the host up, and the address right?"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Hint = "is sshd running there?"
	default:
		var dns *net.DNSError
		if errors.As(err, &dns) {
			e.Hint = "is the address in the mesh right?"
		}
	}
	return e
}

// handshakeError names why SSH was not agreed upon.
func handshakeError(ep endpoint, asked []string, err error) *Error {
	var known *Error
	if errors.As(err, &known) { // the host key callback's own
		return known
	}
	e := &Error{Host: ep.name, Err: err}
	text := err.Error()
	switch {
	case isTimeout(err) || errors.Is(err, os.ErrDeadlineExceeded):
		e.Outcome, e.Msg = mesh.Timeout, fmt.Sprintf("%s accepted the connection and then said nothing", ep.addr)
		e.Hint = "is that sshd, and is the host overloaded?"
	case strings.Contains(text, "unable to authenticate"):
		e.Outcome = mesh.AuthRefused
		e.Msg = fmt.Sprintf("%s accepts none of our keys for the user %s", ep.addr, ep.user)
		e.Hint = "add a key with -i, or start an agent that has it"
	case strings.Contains(text, "no common algorithm for host key"):
		return noCommonKey(ep, asked, err)
	case strings.Contains(text, "overflow reading version string"), strings.Contains(text, "invalid packet length"),
		strings.Contains(text, "max packet length"), strings.Contains(text, "missing"):
		e.Outcome, e.Msg = mesh.NoSSH, fmt.Sprintf("what answers on %s does not speak SSH", ep.addr)
		e.Hint = "is the port right?"
	default:
		e.Outcome, e.Msg = mesh.ConnectionLost, fmt.Sprintf("%s closed the connection before SSH was agreed upon: %s", ep.addr, reason(err))
		e.Hint = "sshd may be limiting new connections (MaxStartups)"
	}
	return e
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout() || strings.Contains(err.Error(), "i/o timeout") || strings.Contains(err.Error(), "deadline exceeded")
}

// reason is the last part of a nested network error: "connection refused".
func reason(err error) string {
	if errors.Is(err, io.EOF) {
		return "it ended"
	}
	var sys syscall.Errno
	if errors.As(err, &sys) {
		return sys.Error()
	}
	return err.Error()
}

// lost is an error for a connection that broke while something ran.
func lost(name string, err error) *Error {
	return &Error{Outcome: mesh.ConnectionLost, Host: name, Err: err, Msg: "the connection broke while a script ran: " + reason(err)}
}
