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
	again   bool // the server may take another try
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

// after is the error once no further try is made.
func (e *Error) after(tries int) *Error {
	out := *e
	out.Msg = fmt.Sprintf("%s (tries: %d)", e.Msg, tries)
	return &out
}

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
func handshakeError(ep endpoint, w *wire, asked []string, o offer, err error) *Error {
	e := &Error{Host: ep.name, Err: err}
	var known *Error
	if errors.As(err, &known) { // of the check of the host key, or of a key of ours
		*e = *known
		e.Host = ep.name
		return e
	}
	text := err.Error()
	switch {
	case isTimeout(err) || errors.Is(err, os.ErrDeadlineExceeded):
		e.Outcome, e.Msg = mesh.Timeout, fmt.Sprintf("%s accepted the connection and then said nothing", ep.addr)
		e.Hint = "is that sshd, and is the host overloaded?"
	case w.farewell() != "":
		e.Outcome, e.again = mesh.ConnectionLost, true
		e.Msg = fmt.Sprintf("%s turned us away before the login, in the words %q", ep.addr, w.farewell())
		e.Hint = "its sshd limits connections that are not logged in yet (MaxStartups, PerSourcePenalties): raise the limit, or lower --parallel"
	case w.notSSH(), strings.Contains(text, "overflow reading version string"), strings.Contains(text, "invalid packet length"),
		strings.Contains(text, "max packet length"), strings.Contains(text, "missing"):
		e.Outcome, e.Msg = mesh.NoSSH, fmt.Sprintf("what answers on %s does not speak SSH", ep.addr)
		e.Hint = "is the port right?"
	case strings.Contains(text, "unable to authenticate"), strings.Contains(text, "oo many authentication failures"):
		return o.refused(ep, err)
	case strings.Contains(text, "no common algorithm for host key"):
		return noCommonKey(ep, asked, err)
	case strings.Contains(text, "no common algorithm"), strings.Contains(text, "disconnect, reason"):
		e.Outcome, e.Msg = mesh.ConnectionLost, fmt.Sprintf("%s does not go on with us: %s", ep.addr, strings.TrimPrefix(text, "ssh: handshake failed: "))
		e.Hint = "its own log says more (journalctl -u ssh)"
	case w.heard() > 0:
		e.Outcome, e.Msg = mesh.ConnectionLost, fmt.Sprintf("%s broke the connection off amid the login: %s", ep.addr, reason(err))
		e.Hint = "its own log says more (journalctl -u ssh)"
	default:
		e.Outcome, e.again = mesh.ConnectionLost, true
		e.Msg = fmt.Sprintf("%s turned us away before it said a word: %s", ep.addr, reason(err))
		e.Hint = "its sshd may limit new connections (MaxStartups), or the addresses that they come from"
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
