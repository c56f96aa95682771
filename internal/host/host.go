// Package host is a host as a target: one script over one connection sees everything,
// at most two carry out a batch. What the scripts print is parsed by pure functions;
// what cannot be parsed, or ends early, leaves the host unknown, never absent.
package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
)

// Conn runs commands on one host; *remote.Conn is one.
type Conn interface {
	Run(ctx context.Context, command string, stdin io.Reader, limit int64, lines func([]byte)) (remote.Result, error)
	HostKey() mesh.HostKey
	Close() error
}

// Dialer connects to one host. Its errors are *remote.Error.
type Dialer interface {
	Dial(ctx context.Context) (Conn, error)
	User() string
}

// Options describe one host.
type Options struct {
	Mesh      string          // id of the mesh, for the record's place
	Name      string          // of the host
	Resources []mesh.Resource // desired, of this host
	Checks    []mesh.Check
	Texts     bool    // read the contents of all files, for a snapshot
	Lease     bool    // look who holds the lease
	Secrets   Secrets // of the files that are written; may be nil where none is
	Dialer    Dialer
	Sudo      mesh.Sudo     // what a user other than root uses it for
	Timeout   time.Duration // for one observation or probe, connecting included
	// BatchTimeout is for one batch script; a service may take long to stop. 0: 10 minutes.
	BatchTimeout time.Duration
}

// Host is one host. Observe, Apply and Probe may be called from different goroutines;
// they take turns on its one connection.
type Host struct {
	o    Options
	mu   sync.Mutex
	conn Conn
	// last is what the host looked like as of the last observation and the work done
	// since: what services read, and the record.
	last mesh.TargetState
	// unrecorded are the services that ran with what is on disk when it was observed, though no
	// record said so; the first work since records them.
	unrecorded map[string]mesh.ServiceRecord
	// started are the services that came up in the last batch, by unit, until they are asked for: later they
	// may be on their way down with their process still there.
	started map[string]mesh.ServiceRecord
	// lease is what this run holds on the host; its Run is empty while it holds none.
	lease mesh.Lease
	// leased is when it was taken or renewed last.
	leased time.Time
}

// New returns a host; nothing is dialled yet.
func New(o Options) *Host {
	o.BatchTimeout = cmp.Or(o.BatchTimeout, 10*time.Minute)
	return &Host{o: o}
}

// Target returns host/NAME.
func (h *Host) Target() mesh.Target { return mesh.Host(h.o.Name) }

// Close closes the connection, if there is one.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn == nil {
		return nil
	}
	err := h.conn.Close()
	h.conn = nil
	return err
}

// maxOutput bounds what one observation may say.
const maxOutput = 64 << 20

// Observe looks at the host: one script, and a second one only when the record names
// resources that git no longer does.
func (h *Host) Observe(ctx context.Context) mesh.TargetState {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.observe(ctx)
}

// observe is Observe for who has the connection.
func (h *Host) observe(ctx context.Context) mesh.TargetState {
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	q := newQuery(h.o)
	q.user = h.plainUser()
	q.asRoot = q.user != "" && h.o.Sudo == mesh.SudoRead
	state, err := h.look(ctx, q)
	if err == nil {
		state, err = h.lookAtRecorded(ctx, q, state)
	}
	if err != nil {
		return h.failed(err)
	}
	h.last, h.unrecorded = state, h.adopted(state)
	return state
}

func (h *Host) adopted(s mesh.TargetState) map[string]mesh.ServiceRecord {
	out := map[string]mesh.ServiceRecord{}
	for _, r := range h.o.Resources {
		if r.Service == nil {
			continue
		}
		if rec, ok := plan.Adopted(r.Addr.Name, *r.Service, s); ok {
			out[r.Addr.Name] = rec
		}
	}
	return out
}

func (h *Host) failed(err error) mesh.TargetState {
	s := mesh.TargetState{Target: h.Target(), Outcome: mesh.ScriptFailed, Message: clean(err.Error()), RecordState: mesh.RecordNone}
	var e *remote.Error
	if errors.As(err, &e) {
		s.Outcome, s.Message = e.Outcome, clean(e.Msg)
		if e.Hint != "" {
			s.Message += ": " + printable(e.Hint) // whole: it may be a line to copy
		}
	}
	return s
}

// look runs one observation.
func (h *Host) look(ctx context.Context, q query) (mesh.TargetState, error) {
	token := newToken()
	out, err := h.run(ctx, observeScript(q, token))
	if err != nil {
		return mesh.TargetState{}, err
	}
	state, err := parseObservation(out.Stdout, q, token)
	if state.Host != nil {
		state.Host.HostKey = h.conn.HostKey()
	}
	return state, err
}

// lookAtRecorded looks at resources that only the record names, and adds them.
func (h *Host) lookAtRecorded(ctx context.Context, q query, s mesh.TargetState) (mesh.TargetState, error) {
	extra := q.recordedOnly(s)
	if len(extra.paths)+len(extra.named) == 0 {
		return s, nil
	}
	more, err := h.look(ctx, extra)
	if err != nil {
		return s, err
	}
	s.Resources = append(s.Resources, more.Resources...)
	s.Absent = append(s.Absent, more.Absent...)
	s.Unknown = append(s.Unknown, more.Unknown...)
	sortState(&s)
	return s, nil
}

// run sends one script to a shell on the host and returns its output once it ended
// well. The connection is made when there is none, and given up after an error.
func (h *Host) run(ctx context.Context, script string) (remote.Result, error) {
	if err := h.connect(ctx); err != nil {
		return remote.Result{}, err
	}
	r, err := h.conn.Run(ctx, h.shell(), strings.NewReader(script), maxOutput, nil)
	if err != nil || ctx.Err() != nil { // what is waited for no longer may still hold the connection
		h.drop()
	}
	if err != nil {
		return r, err
	}
	return r, h.shellError(r)
}

func (h *Host) connect(ctx context.Context) error {
	if h.conn != nil {
		return nil
	}
	c, err := h.o.Dialer.Dial(ctx)
	if err != nil {
		return err
	}
	h.conn = c
	return nil
}

func (h *Host) drop() {
	_ = h.conn.Close()
	h.conn = nil
}

// shell is the command that reads a script from standard input: as root, or as the user
// itself where sudo is not for scripts.
func (h *Host) shell() string {
	if h.o.Dialer.User() == "root" || h.o.Sudo != mesh.SudoAll {
		return shellCommand
	}
	return sudoPrefix + shellCommand
}

// shellError explains a shell that ended with a status: sudo that refused, or a
// script that broke.
func (h *Host) shellError(r remote.Result) error {
	if r.Exit == 0 {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(firstOf(r.Stderr, string(r.Stdout), "it says nothing")), "\n")
	if strings.Contains(r.Stderr, "sudo:") {
		return &remote.Error{
			Outcome: mesh.NoSudo, Host: h.o.Name, Msg: fmt.Sprintf("sudo -n is refused for the user %s (%s)", h.o.Dialer.User(), clean(first)),
			Hint: "meshsync doctor --sudoers prints the lines that it takes, which keep secrets out of sudo's logs; without any, ssh.sudo or --no-sudo read as the plain user, or connect as root",
		}
	}
	return &remote.Error{Outcome: mesh.ScriptFailed, Host: h.o.Name, Msg: fmt.Sprintf("the shell ended with status %d: %s", r.Exit, clean(first))}
}

// Probe asks the services of the host how they are, now. Where the host cannot be
// reached, each answer says so.
func (h *Host) Probe(ctx context.Context, checks []mesh.Check) []mesh.Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	q := query{user: h.plainUser(), mesh: h.o.Mesh, host: h.o.Name, checks: checks, lives: h.started, probeOnly: true}
	s, err := h.look(ctx, q)
	for _, c := range checks {
		if c.OfUnit() {
			delete(h.started, c.Path)
		}
	}
	if err == nil && s.Host != nil {
		return s.Host.Answers
	}
	var out []mesh.Answer
	for _, c := range checks {
		out = append(out, mesh.Answer{Host: h.o.Name, Check: c, Err: h.failed(err).Message})
	}
	return out
}

// newToken is what marks the script's own lines; no file or reply can guess it.
func newToken() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails on the systems that Go supports
	return "@" + hex.EncodeToString(b)
}

// clean makes one printable line, of bounded length, of what a host said.
func clean(s string) string {
	s = printable(s)
	if len(s) > 500 {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:500], "")) + "…"
	}
	return s
}

// printable makes one printable line of a text.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "?")))
}

func sortState(s *mesh.TargetState) {
	byAddr := func(a, b mesh.Resource) int { return a.Addr.Compare(b.Addr) }
	slices.SortFunc(s.Resources, byAddr)
	slices.SortFunc(s.Strays, byAddr)
	slices.SortFunc(s.Absent, mesh.Address.Compare)
	slices.SortFunc(s.Unknown, func(a, b mesh.UnknownResource) int { return a.Addr.Compare(b.Addr) })
}
