package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// batch does one batch between its gates and reports whether the stage may go on. left are
// the batches after it.
func (r *runner) batch(ctx context.Context, s plan.Stage, n int, b plan.Batch, left []plan.Batch) bool {
	at := Event{Stage: s.N, Batch: n, Subject: s.Title}
	served, ok := r.before(ctx, at, b)
	if !ok {
		r.skip(s, []plan.Batch{b})
		r.halt()
		return false
	}
	start := at
	start.Type, start.Message = BatchStart, batchText(b)
	r.event(start)
	if r.failure != nil {
		r.skip(s, []plan.Batch{b})
		return false
	}
	undone := r.left
	r.did, r.unseen = map[string]bool{}, false
	if (len(b.Changes)+len(b.Service) == 0 || r.act(ctx, at, b, left)) && r.after(ctx, at, b, served) {
		return true
	}
	if b.RollBack && r.rollBack(ctx, at, b) {
		r.left = undone // nothing is left of it
	}
	r.halt()
	r.interrupted(ctx) // a second signal is why it ended early: say so
	return false
}

// batchText says how much is done where: "batch on m1: 2 changes, restart zookeeper".
func batchText(b plan.Batch) string {
	text := "batch on " + targetList(b.Targets)
	var what []string
	if n := len(b.Changes); n == 1 {
		what = append(what, string(b.Changes[0].Action)+" "+b.Changes[0].Addr.Name)
	} else if n > 1 {
		what = append(what, fmt.Sprintf("%d changes", n))
	}
	for _, s := range b.Service {
		if step := string(s.Op) + " " + s.Unit; !slices.Contains(what, step) {
			what = append(what, step)
		}
	}
	if len(what) == 0 {
		return text
	}
	return text + ": " + strings.Join(what, ", ")
}

// targetList joins the names of targets; of a crowd it names some, since the plan and the
// events that follow name all.
func targetList(ts []mesh.Target) string {
	const crowd, named = 8, 6
	var names []string
	for _, t := range ts {
		names = append(names, t.Name)
	}
	if len(names) > crowd {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
	}
	return strings.Join(names, ", ")
}

// act works on all targets of the batch at once and reports whether all went well.
func (r *runner) act(ctx context.Context, at Event, b plan.Batch, left []plan.Batch) bool {
	works := make([]plan.Work, len(b.Targets))
	for i, t := range b.Targets { // before anything is sent: what a killed run may have begun
		works[i] = r.work(t, b, left)
		for _, a := range actions(works[i]) {
			if r.undoing {
				a.Action = backAction(a.Action)
			}
			e := at
			e.Type, e.Target, e.Subject, e.Action = Starting, t.String(), a.Subject, a.Action
			e.Message = a.Action + " " + a.Subject
			r.event(e)
		}
	}
	if r.sync(); r.failure != nil {
		return false
	}
	var g errgroup.Group
	var mu sync.Mutex // events of several targets arrive at once
	g.SetLimit(max(1, r.Limit))
	ok := true
	for i, t := range b.Targets {
		g.Go(func() error {
			good := r.actOn(ctx, at, t, works[i], &mu)
			err := r.Sync() // several at once
			mu.Lock()
			defer mu.Unlock()
			r.recorded(err)
			ok = ok && good
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	return ok && r.failure == nil
}

// actOn works on one target. Actions of which the target said nothing are reported,
// too: nothing that was announced as starting is without an end.
func (r *runner) actOn(ctx context.Context, at Event, t mesh.Target, w plan.Work, mu *sync.Mutex) bool {
	ended := map[plan.Outcome]bool{}
	good := true
	report := func(o plan.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if o.Result != plan.ResultProgress {
			ended[plan.Outcome{Subject: o.Subject, Action: o.Action}] = true
			good = good && o.Result == plan.ResultDone
			r.did[o.Subject] = o.Result == plan.ResultDone || o.Result == plan.ResultFailed && backAction(o.Action) != putBack
			r.unseen = r.unseen || o.Result == plan.ResultUnknown
		}
		if r.undoing {
			o = takenBack(o)
		}
		e := at
		e.Type, e.Target, e.Subject, e.Action = EventType(o.Result), t.String(), o.Subject, o.Action
		e.Message, e.Restarts = outcomeText(o), o.Restarts
		if o.Due {
			e.Code = CodeDue
		}
		r.event(e)
	}
	target, ok := r.Targets[t]
	err := fmt.Errorf("%s: no connection is configured", t)
	if ok {
		err = target.Apply(ctx, w, report)
	}
	told := false
	for _, a := range actions(w) {
		if ended[plan.Outcome{Subject: a.Subject, Action: a.Action}] {
			continue
		}
		a.Result, a.Message = unended(err, told)
		report(a)
		told = true
	}
	if err != nil && !told {
		r.failed(at, t, err, mu)
	}
	return good && err == nil
}

// unended is how an action ended of which its target said nothing. The first one of them tells the error.
func unended(err error, told bool) (plan.Result, string) {
	untouched := errors.Is(err, plan.ErrUntouched)
	switch {
	case untouched && told:
		return plan.ResultSkipped, "not tried"
	case untouched:
		return plan.ResultFailed, err.Error()
	case err == nil || told:
		return plan.ResultUnknown, "no end was seen; the next run looks"
	default:
		return plan.ResultUnknown, err.Error()
	}
}

// failed reports what went wrong on a target after all its actions had ended.
func (r *runner) failed(at Event, t mesh.Target, err error, mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	at.Type, at.Target, at.Subject, at.Message = Failed, t.String(), t.String(), err.Error()
	r.event(at)
}

// actions lists what a work does, without results.
func actions(w plan.Work) []plan.Outcome {
	var out []plan.Outcome
	for _, c := range w.Changes {
		out = append(out, plan.Outcome{Subject: c.Addr.String(), Action: string(c.Action)})
	}
	for _, s := range w.Services {
		out = append(out, plan.Outcome{Subject: stepSubject(s), Action: string(s.Op)})
	}
	return out
}

func outcomeText(o plan.Outcome) string {
	text := o.Action + " " + o.Subject
	if o.Result != plan.ResultDone && o.Result != plan.ResultProgress && (o.Result != plan.ResultRolledBack || o.Message != "") {
		text += ": " + strings.ReplaceAll(string(o.Result), "_", " ")
	}
	if o.Message != "" {
		text += ": " + o.Message
	}
	return text
}

// pick takes the next batch. Where the leader goes last, it asks who leads now: a
// leadership that moved since the plan changes the order, not the rule.
func (r *runner) pick(ctx context.Context, s plan.Stage, left []plan.Batch) (plan.Batch, []plan.Batch) {
	i := 0
	if e := ensembleOf(left); s.LeaderLast && e != nil && len(left) > 1 && restarts(left[0]) {
		leader := r.look(ctx, *e).Leader()
		for j, b := range left {
			if leader == "" || !slices.Contains(b.Targets, mesh.Host(leader)) {
				i = j
				break
			}
		}
	}
	return left[i], append(slices.Clone(left[:i]), left[i+1:]...)
}

// restarts reports whether the batch has a gate before it: a member is stopped.
func restarts(b plan.Batch) bool { return len(b.Before) > 0 }

func ensembleOf(bs []plan.Batch) *mesh.Ensemble {
	for _, b := range bs {
		for _, g := range b.After {
			if g.Ensemble != nil {
				return g.Ensemble
			}
		}
	}
	return nil
}
