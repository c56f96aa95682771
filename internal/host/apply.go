package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
	"meshsync.dev/meshsync/internal/remote"
)

// stageCommand receives the payload: a constant command, with the mesh as its argument. The
// first line of its input is the run, and behind it where the secrets are; without one it
// does nothing. It prints the digests of the secrets, and then the size of what arrived: whatever is
// altered on the way breaks the connection, for SSH authenticates each packet, but where it
// ends early, cat takes that for the end. A digest would cost a large file more than its way there. It has
// no quote that a shell removes, no line break and no double blank: see Sudoers.
const stageCommand = `umask 077; read -r r l || exit 0; R="${MESHSYNC_ROOT-}"; d="$R/var/lib/meshsync/$1"; s="$d/staging/$r"; no() { rm -f "$s"; exit 1; }; ` +
	`[ -d "$d/staging" ] || { (umask 022; mkdir -p "$d") && mkdir -p "$d/staging"; } && cat >"$s" || no; ` +
	`[ -z "$l" ] || { ` + stageSecrets + `; }; wc -c <"$s" || no`

// freshLease is how long after it was taken or renewed a batch need not renew a lease.
const freshLease = mesh.LeaseTime / 10

// Apply does the work: the payload first, then the script. See plan.Work for the
// order, and the interface in package apply for how outcomes are emitted. A host must
// have been observed before: what services read and the record are known from there.
func (h *Host) Apply(ctx context.Context, w plan.Work, emit func(plan.Outcome)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !plain(h.o.Mesh) || !plain(w.Run) {
		return fmt.Errorf("host %s: mesh %q or run %q is no plain word", h.o.Name, h.o.Mesh, w.Run)
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.BatchTimeout)
	defer cancel()
	if h.last.RecordState == mesh.RecordNewer {
		return h.notStarted(w, emit, errors.New("its record was written by a newer meshsync, which this version must not overwrite"))
	}
	token := newToken()
	w.Changes = inWorkOrder(w.Changes)
	w.Running, h.unrecorded = h.unrecorded, nil
	b, err := newBatch(h.o.Mesh, token, w, h.last, h.o.Secrets)
	if err != nil {
		return err
	}
	if h.lease.Run == w.Run {
		b.lease, b.leaseIsFresh = h.lease, time.Since(h.leased) < freshLease
	}
	if err := h.send(ctx, w.Run, b); err != nil {
		h.unstage(ctx, w.Run, b)
		return h.notStarted(w, emit, err)
	}
	return h.runBatch(ctx, b, emit)
}

// send sends the payload, unless the script holds it.
func (h *Host) send(ctx context.Context, run string, b *batch) error {
	if !b.stages() {
		return h.connect(ctx)
	}
	return h.stage(ctx, run, b)
}

// stage sends the payload and verifies that it arrived whole.
func (h *Host) stage(ctx context.Context, run string, b *batch) error {
	if err := h.connect(ctx); err != nil {
		return err
	}
	command := stagingCommand(h.o.Mesh)
	if h.o.Dialer.User() != "root" {
		command = sudoPrefix + command
	}
	input := io.MultiReader(strings.NewReader(b.stagingLine(run)), b.payload())
	r, err := h.conn.Run(ctx, command, input, 4096+int64(len(b.secrets))*128, nil)
	if err != nil {
		h.drop()
		return err
	}
	if err := h.shellError(r); err != nil {
		return err
	}
	n, fields := len(b.secrets), strings.Fields(string(r.Stdout)) // a login shell may say something behind them
	if len(fields) < n+1 || fields[n] != strconv.Itoa(b.size) {
		return &remote.Error{Outcome: mesh.Truncated, Host: h.o.Name, Msg: "the files did not arrive whole: is the disk full?"}
	}
	if !b.keyedAs(fields[:n]) {
		return &remote.Error{Outcome: mesh.Garbled, Host: h.o.Name, Msg: "it does not say the digests of the secrets under its key: can " + keyFile + " be written?"}
	}
	return nil
}

// notStarted reports all actions as failed before the script was sent: nothing happened.
func (h *Host) notStarted(w plan.Work, emit func(plan.Outcome), err error) error {
	for i, a := range actionsOf(w, h.o.Name) {
		a.Result, a.Message = plan.ResultSkipped, "not tried"
		if i == 0 {
			a.Result, a.Message = plan.ResultFailed, clean(err.Error())
		}
		emit(a)
	}
	return fmt.Errorf("host %s: %w", h.o.Name, err)
}

// actionsOf lists the actions of a work in the order in which the script numbers them.
func actionsOf(w plan.Work, host string) []plan.Outcome {
	var out []plan.Outcome
	for _, c := range w.Changes {
		out = append(out, plan.Outcome{Subject: c.Addr.String(), Action: string(c.Action)})
	}
	for _, s := range w.Services {
		a := mesh.Address{Target: mesh.Host(host), Kind: mesh.Service, Name: s.Unit}
		out = append(out, plan.Outcome{Subject: a.String(), Action: string(s.Op)})
	}
	return out
}

// follower turns the script's lines into outcomes as they arrive.
type follower struct {
	token    string
	target   mesh.Target
	actions  []plan.Outcome
	started  map[int]bool
	ended    map[int]plan.Result
	undone   map[int]bool // failed ones that left all as it was
	emit     func(plan.Outcome)
	kinds    []primitive.Primitive // of the changes
	expected []string              // what each of them was planned on, as ms_now says it
	whole    bool                  // the end was seen
	busy     bool                  // another batch holds the lock,
	busyWith string                // and says this of itself
	lost     error                 // the lease is no longer the run's own
	moved    bool                  // another run wrote the record since it was observed
	waits    string                // the run of which the host may yet put something back
	watching bool                  // the host puts back what the batch does, unless that is confirmed
	wrote    bool                  // the record was written at the end,
	record   string                // and this is its digest; "" where all was done
	broken   string                // why the script could not begin or finish
	// services are the records of services that were started, as the script wrote them.
	services map[string]mesh.ServiceRecord
	texts    map[int]string // the same as text, by service step
}

func (h *Host) runBatch(ctx context.Context, b *batch, emit func(plan.Outcome)) error {
	f := &follower{
		token: b.token, target: h.Target(), actions: actionsOf(b.work, h.o.Name), started: map[int]bool{},
		ended: map[int]plan.Result{}, undone: map[int]bool{}, emit: emit, services: map[string]mesh.ServiceRecord{}, texts: map[int]string{},
	}
	for _, c := range b.work.Changes {
		kind, _ := primitive.Of(c.Addr.Kind)
		f.kinds = append(f.kinds, kind)
		f.expected = append(f.expected, expected(c))
	}
	r, err := h.conn.Run(ctx, h.shell(), strings.NewReader(b.script()), maxOutput, f.line)
	if err != nil {
		h.drop()
	} else if !f.whole && !f.busy && !f.moved && f.lost == nil && f.broken == "" {
		if err = h.shellError(r); err == nil {
			err = &remote.Error{Outcome: mesh.ScriptFailed, Host: h.o.Name, Msg: "the script ended before its end: " + clean(firstOf(f.broken, r.Stderr, "nothing says why"))}
		}
	}
	h.remember(b, f)
	err = f.finish(h.o.Name, err)
	if f.watching {
		return h.settle(ctx, b, f, err)
	}
	return err
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}

// line handles one line of output. Lines without the token are a login shell's or a
// child's and mean nothing.
func (f *follower) line(l []byte) {
	rest, ok := strings.CutPrefix(string(l), f.token+" ")
	if !ok {
		return
	}
	word, arg, _ := strings.Cut(rest, " ")
	number, text, _ := strings.Cut(arg, " ")
	i, err := strconv.Atoi(number)
	known := err == nil && i >= 0 && i < len(f.actions)
	switch {
	case word == "end":
		f.whole = true
	case word == "busy":
		f.busy, f.busyWith = true, clean(arg)
	case word == "lost":
		f.lost = &mesh.Lost{Target: f.target, To: clean(arg)}
	case word == "moved":
		f.moved = true
	case word == "watched":
		f.busy, f.waits = true, clean(arg)
	case word == "watching":
		f.watching = true
	case word == "record":
		f.wrote, f.record = true, clean(arg)
	case word == "broken":
		f.broken = clean(arg)
	case word == "service" && err == nil:
		f.texts[i] = text
		_ = json.Unmarshal([]byte("{"+text+"}"), &f.services) // the record's own text; what is no JSON is not remembered
	case word == "start" && known:
		f.started[i] = true
	case word == "done" && known:
		f.end(i, plan.ResultDone, clean(text))
	case word == "failed" && known:
		f.end(i, plan.ResultFailed, clean(text))
	case word == "undone" && known:
		f.undone[i] = true
	case word == "conflict" && known && i < len(f.kinds):
		f.end(i, plan.ResultConflict, fmt.Sprintf("it is no longer as planned: it was planned on %s; there is %s now", describe(f.kinds[i], f.expected[i]), describe(f.kinds[i], clean(text))))
	case word == "skipped" && known:
		f.end(i, plan.ResultSkipped, "not tried, because something before it failed")
	}
}

// describe says in words what ms_now found, or was to find.
func describe(of primitive.Primitive, now string) string {
	word, rest, _ := strings.Cut(now, " ")
	p, known := primitive.Of(mesh.Kind(word))
	switch {
	case of.Named != nil && now != "absent" && of.Named.Describe != nil:
		return of.Named.Describe(now)
	case now == "absent":
		return "nothing"
	case known && p.Path != nil:
		return p.Path.Describe(rest)
	default:
		return "something of a kind that meshsync does not know"
	}
}

func (f *follower) end(i int, r plan.Result, message string) {
	if _, already := f.ended[i]; already {
		return
	}
	f.ended[i] = r
	o := f.actions[i]
	o.Result, o.Message = r, message
	o.Due = r == plan.ResultDone && message != ""
	f.emit(o)
}

// finish reports the actions of which no end was seen and returns why the batch as a
// whole ended early.
func (f *follower) finish(host string, err error) error {
	if f.busy {
		err = &remote.Error{Outcome: mesh.Busy, Host: host, Msg: atWork(f.busyWith) + ": nothing was changed", Hint: "wait for it to end"}
	}
	if f.waits != "" {
		err = &remote.Error{Outcome: mesh.Busy, Host: host, Msg: "it is about to put back what run " + f.waits + " wrote, unless that run confirms it: nothing was changed", Hint: "wait a minute, and plan again"}
	}
	if f.lost != nil {
		err = f.lost
	}
	if f.moved {
		err = &remote.Error{Outcome: mesh.Busy, Host: host, Msg: "another run of meshsync worked there since it was observed: nothing was changed", Hint: "plan again"}
	}
	if err == nil && f.broken != "" {
		err = errors.New(f.broken)
	}
	if err == nil {
		return nil
	}
	for i := range f.actions {
		if f.started[i] {
			f.end(i, plan.ResultUnknown, "it was begun and no end was seen: "+clean(err.Error()))
		} else if f.busy || f.moved || f.lost != nil || f.broken != "" {
			f.end(i, plan.ResultFailed, clean(err.Error()))
		} else {
			f.end(i, plan.ResultSkipped, "not begun as far as is known: "+clean(err.Error()))
		}
	}
	return fmt.Errorf("host %s: %w", host, err)
}

// remember brings what is known of the host up to date, so that the next batch of this
// run starts from it.
func (h *Host) remember(b *batch, f *follower) {
	h.started = f.services
	if h.last.Host == nil || f.moved || f.lost != nil {
		return
	}
	var did []diff.Change
	for i, c := range b.work.Changes {
		if f.ended[i] == plan.ResultDone {
			did = append(did, c)
		}
	}
	reads := map[string]mesh.Read{}
	for path, now := range h.last.Host.Reads {
		after, ok := plan.ReadAfter(path, now, did)
		if !ok || primitive.OfPackages(path) && changesPackages(did) {
			after = mesh.Read{}
		}
		reads[path] = after
	}
	facts := *h.last.Host
	facts.Reads = reads
	if b.bringsUnits() {
		facts.Tidy = nil
	}
	h.last.Host = &facts
	h.rememberRecord(b, f)
}
