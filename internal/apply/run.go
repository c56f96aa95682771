package apply

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// Target is one place that can be changed: a host or a Marathon.
type Target interface {
	// Apply does the work in order and calls emit for each action as it ends, from
	// the calling goroutine. An error means that the work as a whole ended early;
	// actions of which nothing was emitted did not start, or ended unseen; with a
	// plan.ErrUntouched none of them did start.
	Apply(ctx context.Context, w plan.Work, emit func(plan.Outcome)) error
}

// Prober asks the services of one host how they are, at this moment.
type Prober interface {
	Probe(ctx context.Context, checks []mesh.Check) []mesh.Answer
}

// Options are what a run needs beside the plan.
type Options struct {
	Run     string // id of the run: lower-case letters, digits, dashes
	Targets map[mesh.Target]Target
	Probers map[string]Prober // by host name
	Limit   int               // targets worked on at once
	// Leases are taken before anything is done, renewed while the run works, and given back
	// at its end. Lease says for whom.
	Leases map[mesh.Target]Leaser
	Lease  mesh.Lease
	// Record writes down one event, and Sync brings all that were written down to the disk: before
	// anything is sent to a target, and when a target has ended. It may be called at the same time
	// by several. An error of either stops the run: what cannot be written down is not done.
	Record func(Event) error
	Sync   func() error
	// Members are the machine ids of the members of each ensemble, see plan.Members.
	Members map[string]map[string]string
	// Adopt maps a target to what its record should take up beside the changes:
	// address → digest of resources that are already as desired.
	Adopt map[mesh.Target]map[string]mesh.RecordEntry
	// AdoptAll writes the records of targets that no batch touches, too.
	AdoptAll bool
	// Stop is closed by the first signal: the running batch ends, nothing new starts.
	Stop <-chan struct{}
	Now  func() time.Time
	// Wait pauses for d, or less when ctx ends; then it returns the context's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Pause is a Wait for who waits beside the run, such as the renewal of leases.
	Pause func(ctx context.Context, d time.Duration) error
	Poll  time.Duration // between two looks at a gate that does not hold yet
}

// runner carries one Run.
type runner struct {
	Options
	plan    plan.Plan
	stopped bool                      // something ended the run early
	code    string                    // the code of run_end
	adopted map[string]bool           // targets whose Adopt went along with a batch
	begun   map[mesh.Target]bool      // targets on which the stage has begun
	rolled  bool                      // something was rolled back
	did     map[string]bool           // of the batch: subjects of changes that were done, and of steps that were tried
	unseen  bool                      // of the batch: the end of an action was not seen
	undoing bool                      // the batch is being taken back
	left    bool                      // something is not as planned and was not rolled back
	failure error                     // from Record and Sync
	lost    atomic.Pointer[mesh.Lost] // a lease that is no longer the run's own
}

// Codes of the last event of a run.
const (
	CodeDone        = "done"
	CodePartial     = "partial"
	CodeInterrupted = "interrupted"
	// CodeRolledBack: all that did not succeed was rolled back, and nothing was left out after it.
	CodeRolledBack = "rolled_back"
	CodeLeased     = "leased" // another run holds a target; nothing was done
)

// CodeDue is the code of a Done event after which another plan has more to do.
const CodeDue = "due"

// Run carries out the plan and returns when everything is done or something stopped
// it. All that happened is in the events; the error is only of Record and Sync. The plan must
// be applicable: Run checks gates, not refusals.
//
// When ctx ends, what is under way is abandoned and reported as unknown.
func Run(ctx context.Context, p plan.Plan, o Options) error {
	r := &runner{Options: o, plan: p, code: CodeDone, adopted: map[string]bool{}, begun: map[mesh.Target]bool{}}
	r.event(Event{Type: RunStart, Message: startMessage(p)})
	r.sync()
	giveBack := r.takeLeases(ctx)
	for _, s := range p.Stages {
		r.stage(ctx, s)
	}
	if !r.stopped && r.AdoptAll {
		r.adoptRest(ctx)
	}
	giveBack()
	if r.code == CodePartial && r.rolled && !r.left {
		r.code = CodeRolledBack
	}
	r.event(Event{Type: RunEnd, Code: r.code, Message: endMessage(r.code)})
	r.sync()
	return r.failure
}

func startMessage(p plan.Plan) string {
	what := "apply " + p.Mesh
	if p.Restart != "" {
		what = "restart " + p.Restart + " of " + p.Mesh
	}
	if p.Source.Commit == "" {
		return what
	}
	return fmt.Sprintf("%s at %.12s", what, p.Source.Commit)
}

func endMessage(code string) string {
	switch code {
	case CodeDone:
		return "all is done"
	case CodeRolledBack:
		return "what failed was rolled back; mend the cause and run apply again"
	case CodeLeased:
		return "another run is at work; nothing was done"
	case CodeInterrupted:
		return "interrupted; run apply again to go on from what is there"
	default:
		return "stopped part-way; mend the cause and run apply again to go on from what is there"
	}
}

func (r *runner) stage(ctx context.Context, s plan.Stage) {
	if r.stopped {
		r.skip(s, s.Batches)
		return
	}
	r.event(Event{Type: StageStart, Stage: s.N, Subject: s.Title, Message: fmt.Sprintf("stage %d: %s", s.N, s.Title)})
	left := slices.Clone(s.Batches)
	r.begun = map[mesh.Target]bool{}
	for n := 1; len(left) > 0 && !r.stopped; n++ {
		if r.interrupted(ctx) || r.leaseLost() {
			break
		}
		var next plan.Batch
		next, left = r.pick(ctx, s, left)
		if !r.batch(ctx, s, n, next, left) {
			break
		}
		if len(left) > 0 && s.Settle > 0 {
			_ = r.Wait(ctx, s.Settle) // the next look at interrupted sees a context that ended
		}
	}
	if r.stopped {
		r.skip(s, left)
		return
	}
	r.event(Event{Type: StageDone, Stage: s.N, Subject: s.Title, Message: fmt.Sprintf("stage %d: %s done", s.N, s.Title)})
}

// interrupted looks at the signals, and ends the run when one came.
func (r *runner) interrupted(ctx context.Context) bool {
	select {
	case <-r.Stop:
	case <-ctx.Done():
	default:
		return r.stopped
	}
	if r.code != CodeInterrupted {
		r.event(Event{Type: Interrupt, Message: "interrupted: nothing new is started"})
		r.stopped, r.code = true, CodeInterrupted
	}
	return true
}

// skip reports what was not tried.
func (r *runner) skip(s plan.Stage, batches []plan.Batch) {
	for _, b := range batches {
		for _, c := range b.Changes {
			r.event(Event{
				Type: Skipped, Stage: s.N, Target: c.Addr.Target.String(), Subject: c.Addr.String(),
				Action: string(c.Action), Message: string(c.Action) + " " + c.Addr.String() + ": not tried",
			})
		}
		for _, st := range b.Service {
			r.event(Event{
				Type: Skipped, Stage: s.N, Target: st.Target.String(), Subject: stepSubject(st),
				Action: string(st.Op), Message: string(st.Op) + " " + stepSubject(st) + ": not tried",
			})
		}
	}
}

func stepSubject(s plan.ServiceStep) string { return s.Addr().String() }

// event completes and records one event. After a failure to record nothing new is started.
func (r *runner) event(e Event) {
	e.Time, e.Run = r.Now().UTC(), r.Run
	switch e.Type {
	case RolledBack:
		r.rolled = true
	case Failed, Conflict, UnknownEnd, Skipped, GateFailed, LeaseLost:
		r.left = true
	default: // nothing is left undone by it
	}
	r.recorded(r.Record(e))
}

// sync brings all events to the disk.
func (r *runner) sync() { r.recorded(r.Sync()) }

func (r *runner) recorded(err error) {
	if err != nil && r.failure == nil {
		r.failure = fmt.Errorf("write the journal: %w", err)
		r.stopped, r.code = true, CodePartial
	}
}

func (r *runner) halt() { r.stopped, r.code = true, CodePartial }

// adoptRest writes the records of targets that no batch touched.
func (r *runner) adoptRest(ctx context.Context) {
	var rest []mesh.Target
	for t, a := range r.Adopt {
		if !r.adopted[t.String()] && len(a) > 0 {
			rest = append(rest, t)
		}
	}
	slices.SortFunc(rest, mesh.Target.Compare)
	for _, t := range rest {
		if r.interrupted(ctx) {
			return
		}
		r.event(Event{Type: Starting, Target: t.String(), Subject: t.String(), Action: "adopt", Message: fmt.Sprintf("record %d resources as adopted", len(r.Adopt[t]))})
		if r.sync(); r.failure != nil {
			return
		}
		err := r.Targets[t].Apply(ctx, r.work(t, plan.Batch{}, nil), func(plan.Outcome) {})
		if err != nil {
			r.event(Event{Type: Failed, Target: t.String(), Subject: t.String(), Action: "adopt", Message: err.Error()})
			r.halt()
			continue
		}
		r.event(Event{Type: Done, Target: t.String(), Subject: t.String(), Action: "adopt", Message: "recorded"})
	}
}

// work is the target's part of the batch, with those of the batches that are left after it.
func (r *runner) work(t mesh.Target, b plan.Batch, left []plan.Batch) plan.Work {
	w := plan.Work{Run: r.Run, Members: r.Members, Commit: r.plan.Source.Commit, Time: r.Now().UTC().Format(time.RFC3339)}
	w.Changes = changesOn(t, b)
	w.More = slices.ContainsFunc(left, func(b plan.Batch) bool { return slices.Contains(b.Targets, t) })
	for i := 0; !r.begun[t] && i < len(left); i++ {
		w.Later = append(w.Later, changesOn(t, left[i])...)
	}
	r.begun[t] = true
	if b.Confirm != nil {
		w.Confirm = b.Confirm.Within
	}
	for _, s := range b.Service {
		if s.Target == t {
			w.Services = append(w.Services, s)
		}
	}
	if !r.adopted[t.String()] {
		r.adopted[t.String()] = true
		w.Adopt = r.Adopt[t]
	}
	return w
}

// changesOn are the changes of a batch on one target.
func changesOn(t mesh.Target, b plan.Batch) (out []diff.Change) {
	for _, c := range b.Changes {
		if c.Addr.Target == t {
			out = append(out, c)
		}
	}
	return out
}
