package apply

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// takingBack is rolling with files whose old content is known, and batches that are rolled back.
func takingBack() plan.Plan {
	p := rolling()
	before, after := "old", "new"
	for i := range p.Stages[0].Batches {
		c := &p.Stages[0].Batches[i].Changes[0]
		c.Before, c.BeforeText = mesh.Tree{"content": "sha256:old"}, &before
		c.After, c.AfterText = mesh.Tree{"content": "sha256:new"}, &after
		p.Stages[0].Batches[i].RollBack = true
	}
	return p
}

// subjects are the actions and subjects of events.
func subjects(es []Event) string {
	var out []string
	for _, e := range es {
		out = append(out, e.Action+" "+e.Subject)
	}
	return strings.Join(out, ", ")
}

// A member that does not come back with what was written comes back with what was there before.
func TestABatchThatFailsIsTakenBack(t *testing.T) {
	t.Parallel()
	l := newLab()
	var got []diff.Change
	l.onWork = func(host string, w plan.Work) (plan.Result, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		got = append(got, w.Changes...)
		l.up[host] = *w.Changes[0].AfterText == "old"
		return plan.ResultDone, nil
	}
	r, err := l.run(context.Background(), takingBack())
	if err != nil || r.Code != CodePartial || !slices.Equal(l.worked, []string{"m2", "m2"}) {
		t.Fatalf("%v, code %s, worked on %v", err, r.Code, l.worked)
	}
	if len(got) != 2 || got[1].Action != diff.Update || got[1].Before["content"] != "sha256:new" || got[1].After["content"] != "sha256:old" {
		t.Errorf("%+v", got)
	}
	if s := subjects(r.RolledBack); s != "put back host/m2/file:/etc/zoo.cfg, restart again host/m2/service:zookeeper" {
		t.Errorf("rolled back: %s", s)
	}
	if len(r.Done)+len(r.Failed)+len(r.Unknown) != 0 || len(r.Skipped) != 4 {
		t.Errorf("%+v", r)
	}
	if r.Stopped == nil || r.Stopped.Type != GateFailed {
		t.Errorf("stopped by %+v", r.Stopped)
	}
}

// Of the last batch nothing is left out behind it, so the run as a whole was rolled back.
func TestARunOfWhichAllThatFailedWasTakenBack(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.onWork = func(host string, w plan.Work) (plan.Result, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.up[host] = *w.Changes[0].AfterText == "old"
		return plan.ResultDone, nil
	}
	p := takingBack()
	p.Stages[0].Batches = p.Stages[0].Batches[:1]
	if r, err := l.run(context.Background(), p); err != nil || r.Code != CodeRolledBack {
		t.Errorf("%v, code %s", err, r.Code)
	}
}

// What nobody may stop, or of which the end was not seen, is left for somebody to look at.
func TestWhatIsNotTakenBack(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		work func(l *lab, host string) (plan.Result, error)
		tell string
	}{
		"another member went down meanwhile": {func(l *lab, _ string) (plan.Result, error) {
			l.up["m3"], l.up["m1"] = false, false
			return plan.ResultDone, nil
		}, "not stopped: "},
		"the end was not seen": {func(*lab, string) (plan.Result, error) { return plan.ResultUnknown, nil }, ""},
		"nothing was written":  {func(*lab, string) (plan.Result, error) { return plan.ResultConflict, nil }, ""},
	} {
		l := newLab()
		l.onWork = func(host string, _ plan.Work) (plan.Result, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			return x.work(l, host)
		}
		r, err := l.run(context.Background(), takingBack())
		if err != nil || r.Code != CodePartial || len(r.RolledBack) != 0 || !slices.Equal(l.worked, []string{"m2"}) {
			t.Errorf("%s: %v, code %s, worked on %v, rolled back %v", name, err, r.Code, l.worked, r.RolledBack)
		}
		if !slices.ContainsFunc(l.events, func(e Event) bool { return strings.HasPrefix(e.Message, x.tell) }) {
			t.Errorf("%s: nothing says %q", name, x.tell)
		}
	}
}

// What a host took back by itself ends the run before any other host, and is not taken back a second time.
func TestWhatAHostTookBackEndsTheRun(t *testing.T) {
	t.Parallel()
	l := newLab()
	var within []time.Duration
	l.onWork = func(_ string, w plan.Work) (plan.Result, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		within = append(within, w.Confirm)
		return plan.ResultRolledBack, nil
	}
	p := takingBack()
	for i := range p.Stages[0].Batches {
		p.Stages[0].Batches[i].Confirm = &plan.Confirm{Within: plan.ConfirmWithin}
	}
	r, err := l.run(context.Background(), p)
	if err != nil || r.Code != CodePartial || !slices.Equal(l.worked, []string{"m2"}) || !slices.Equal(within, []time.Duration{plan.ConfirmWithin}) {
		t.Errorf("%v, code %s, worked on %v within %v", err, r.Code, l.worked, within)
	}
	if len(r.RolledBack) != 2 || len(r.Done)+len(r.Failed)+len(r.Unknown) != 0 || len(r.Skipped) != 4 {
		t.Errorf("%+v", r)
	}
}
