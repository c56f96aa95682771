package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// lab is an ensemble of three in memory, with a clock that moves only when it is waited for.
type lab struct {
	mu      sync.Mutex
	up      map[string]bool
	leader  string
	worked  []string // hosts in the order of their work
	onWork  func(host string, w plan.Work) (plan.Result, error)
	events  []Event
	now     time.Time
	stop    chan struct{}
	onEvent func(Event)
	fail    error // of Record

	synced   int   // events
	failSync error // of Sync
}

func newLab() *lab {
	return &lab{up: map[string]bool{"m1": true, "m2": true, "m3": true}, leader: "m1", now: time.Unix(1e9, 0), stop: make(chan struct{})}
}

type labHost struct {
	*lab
	name string
}

func (h labHost) Apply(_ context.Context, w plan.Work, emit func(plan.Outcome)) error {
	h.mu.Lock()
	h.worked = append(h.worked, h.name)
	if last := h.events[h.synced-1]; last.Type != Starting { // all that was announced is on the disk, and nothing came since
		h.worked = append(h.worked, "before its start was on the disk")
	}
	on := h.onWork
	h.mu.Unlock()
	result, err := plan.ResultDone, error(nil)
	if on != nil {
		result, err = on(h.name, w)
	}
	if err != nil {
		return err
	}
	for _, a := range actions(w) {
		a.Result = result
		emit(a)
	}
	return nil
}

func (h labHost) Probe(context.Context, []mesh.Check) []mesh.Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := mesh.Answer{Host: h.name, Check: ensemble().Check, Body: "Mode: follower\n"}
	if h.leader == h.name {
		a.Body = "Mode: leader\n"
	}
	if !h.up[h.name] {
		a.Err = "refused"
	}
	return []mesh.Answer{a}
}

func ensemble() *mesh.Ensemble {
	return &mesh.Ensemble{Name: "zk", Service: "zookeeper", Check: mesh.Check{Kind: "zookeeper.ensemble", Port: 2181}, Members: []string{"m1", "m2", "m3"}, Quorum: 2}
}

// rolling is a plan that changes a file and restarts on each of three hosts, m1 last.
func rolling() plan.Plan {
	s := plan.Stage{N: 1, Title: "zookeeper", LeaderLast: true, Ensemble: "zk"}
	for _, h := range []string{"m2", "m3", "m1"} {
		t := mesh.Host(h)
		s.Batches = append(s.Batches, plan.Batch{
			Targets: []mesh.Target{t},
			Changes: []diff.Change{{Addr: mesh.Address{Target: t, Kind: mesh.File, Name: "/etc/zoo.cfg"}, Action: diff.Update}},
			Service: []plan.ServiceStep{{Target: t, Unit: "zookeeper", Op: plan.OpRestart}},
			Before:  []plan.Gate{{Kind: plan.GateQuorum, Ensemble: ensemble(), Need: 2, Of: 3}},
			After:   []plan.Gate{{Kind: plan.GateServing, Ensemble: ensemble(), Need: 3, Of: 3, Timeout: time.Minute, Text: "3 of 3"}},
		})
	}
	return plan.Plan{Mesh: "t", Stages: []plan.Stage{s}}
}

func (l *lab) run(ctx context.Context, p plan.Plan) (Report, error) {
	err := Run(ctx, p, l.options())
	return Fold(l.events), err
}

func (l *lab) options() Options {
	o := Options{
		Run: "r1", Limit: 4, Stop: l.stop, Poll: time.Second, Targets: map[mesh.Target]Target{}, Probers: map[string]Prober{},
		Now: func() time.Time { return l.now },
		Wait: func(ctx context.Context, d time.Duration) error {
			l.now = l.now.Add(d)
			return ctx.Err()
		},
		Pause: func(ctx context.Context, _ time.Duration) error {
			<-ctx.Done()
			return ctx.Err()
		},
		Record: func(e Event) error {
			l.events = append(l.events, e)
			if l.onEvent != nil {
				l.onEvent(e)
			}
			return l.fail
		},
		Sync: func() error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.synced = len(l.events)
			return l.failSync
		},
	}
	for _, h := range []string{"m1", "m2", "m3"} {
		o.Targets[mesh.Host(h)], o.Probers[h] = labHost{l, h}, labHost{l, h}
	}
	return o
}

func TestARollGoesOneByOneAndTheLeaderLast(t *testing.T) {
	t.Parallel()
	l := newLab()
	r, err := l.run(context.Background(), rolling())
	if err != nil || r.Code != CodeDone || len(r.Done) != 6 || !slices.Equal(l.worked, []string{"m2", "m3", "m1"}) {
		t.Errorf("%v %+v %v", err, r, l.worked)
	}
	for i, e := range l.events { // nothing is sent before it is written down
		if e.Type == Done && !slices.ContainsFunc(l.events[:i], func(b Event) bool { return b.Type == Starting && b.Subject == e.Subject && b.Action == e.Action }) {
			t.Errorf("%s was done before it was announced", e.Subject)
		}
	}
}

func TestALeadershipThatMovedChangesTheOrder(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.leader = "m2"
	if r, _ := l.run(context.Background(), rolling()); r.Code != CodeDone || !slices.Equal(l.worked, []string{"m3", "m1", "m2"}) {
		t.Errorf("%+v %v", r, l.worked)
	}
}

func TestAMemberLostInTheMiddleStopsTheRoll(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.onEvent = func(e Event) {
		if e.Type == GateHeld && e.Batch == 1 && strings.HasPrefix(e.Message, "3 of 3") {
			l.mu.Lock()
			l.up["m2"] = false
			l.mu.Unlock()
		}
	}
	r, _ := l.run(context.Background(), rolling())
	if r.Code != CodePartial || !slices.Equal(l.worked, []string{"m2"}) || len(r.Skipped) != 4 || r.Stopped == nil || r.Stopped.Type != GateFailed {
		t.Errorf("%+v worked %v", r, l.worked)
	}
}

// TestWhatATargetDidNotTouchIsNotUnknown: a lease that is lost before a batch leaves nothing to look for.
func TestWhatATargetDidNotTouchIsNotUnknown(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.onWork = func(string, plan.Work) (plan.Result, error) { return "", fmt.Errorf("%w: why", plan.ErrUntouched) }
	r, _ := l.run(context.Background(), rolling())
	if r.Code != CodePartial || len(r.Failed) != 1 || len(r.Unknown) != 0 || len(r.Skipped) != 5 || !strings.HasSuffix(r.Failed[0].Message, "nothing was changed: why") {
		t.Errorf("%+v", r)
	}
}

func TestAMemberThatDoesNotComeBackStopsTheRollAtItsDeadline(t *testing.T) {
	t.Parallel()
	l := newLab()
	begin := l.now
	l.onWork = func(host string, _ plan.Work) (plan.Result, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.up[host] = false
		return plan.ResultDone, nil
	}
	r, _ := l.run(context.Background(), rolling())
	if r.Code != CodePartial || len(l.worked) != 1 || l.now.Sub(begin) < time.Minute || l.now.Sub(begin) > 2*time.Minute {
		t.Errorf("%+v worked %v after %v", r, l.worked, l.now.Sub(begin))
	}
}

func TestAConnectionThatBreaksLeavesUnknownEnds(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.onWork = func(string, plan.Work) (plan.Result, error) { return "", errors.New("it broke") }
	r, _ := l.run(context.Background(), rolling())
	if r.Code != CodePartial || len(r.Unknown) != 2 || len(r.Skipped) != 4 || !strings.Contains(r.Unknown[0].Message, "it broke") {
		t.Errorf("%+v", r)
	}
}

func TestAConflictStops(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.onWork = func(string, plan.Work) (plan.Result, error) { return plan.ResultConflict, nil }
	if r, _ := l.run(context.Background(), rolling()); r.Code != CodePartial || len(l.worked) != 1 || len(r.Failed) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestTheFirstSignalFinishesTheBatch(t *testing.T) {
	t.Parallel()
	l := newLab()
	var once sync.Once
	l.onWork = func(string, plan.Work) (plan.Result, error) {
		once.Do(func() { close(l.stop) })
		return plan.ResultDone, nil
	}
	r, _ := l.run(context.Background(), rolling())
	if r.Code != CodeInterrupted || len(l.worked) != 1 || len(r.Done) != 2 || len(r.Skipped) != 4 || len(r.Unknown) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestTheSecondSignalAbandonsIt(t *testing.T) {
	t.Parallel()
	l := newLab()
	ctx, cancel := context.WithCancel(context.Background())
	l.onWork = func(string, plan.Work) (plan.Result, error) {
		cancel()
		return "", context.Canceled
	}
	if r, _ := l.run(ctx, rolling()); r.Code != CodeInterrupted || len(r.Unknown) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotBeWrittenDownIsNotDone(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.fail = errors.New("no space left on device")
	if _, err := l.run(context.Background(), rolling()); err == nil || len(l.worked) != 0 {
		t.Errorf("%v, worked %v", err, l.worked)
	}
	l = newLab()
	l.failSync = errors.New("I/O error")
	if _, err := l.run(context.Background(), rolling()); err == nil || len(l.worked) != 0 {
		t.Errorf("%v, worked %v", err, l.worked)
	}
}

func TestAKilledRunIsToldByItsJournal(t *testing.T) {
	t.Parallel()
	l := newLab()
	if _, err := l.run(context.Background(), rolling()); err != nil {
		t.Fatal(err)
	}
	for n := range l.events {
		r := Fold(l.events[:n])
		open := map[string]bool{}
		for _, e := range l.events[:n] {
			switch {
			case e.Type == Starting:
				open[e.Subject+e.Action] = true
			case ends(e.Type):
				delete(open, e.Subject+e.Action)
			}
		}
		if r.Code != "" || len(r.Unknown) != len(open) {
			t.Fatalf("after %d events: %d unknown, %d were open: %+v", n, len(r.Unknown), len(open), r)
		}
	}
}

func TestJournalDropsACutLineAndNamesABadOne(t *testing.T) {
	t.Parallel()
	good := `{"time":"2026-01-01T00:00:00Z","run":"r","type":"run_start","message":"m"}` + "\n"
	for text, want := range map[string]string{
		"":                         "0 <nil>",
		good:                       "1 <nil>",
		good + `{"time":"2026`:     "1 <nil>",
		good + "nonsense\n" + good: "0 line 2 is no event of a journal",
		"{}\n":                     "0 line 1 is no event of a journal",
	} {
		es, err := ReadJournal(strings.NewReader(text))
		if got := fmt.Sprint(len(es), " ", err); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add([]byte("{\"type\":\"done\"}\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		es, err := ReadJournal(strings.NewReader(string(data)))
		if err == nil {
			Fold(es)
		}
	})
}

// TestWhatWasRolledBack: that alone is a code of its own; with something left undone after it the run stopped part-way.
func TestWhatWasRolledBack(t *testing.T) {
	t.Parallel()
	back := func(string, plan.Work) (plan.Result, error) { return plan.ResultRolledBack, nil }
	l := newLab()
	l.onWork = back
	if r, _ := l.run(context.Background(), rolling()); r.Code != CodePartial || len(r.RolledBack) != 2 || len(r.Skipped) != 4 || r.Stopped == nil {
		t.Errorf("%+v", r)
	}
	l = newLab()
	l.onWork = back
	p := rolling()
	p.Stages[0].Batches = p.Stages[0].Batches[:1]
	if r, _ := l.run(context.Background(), p); r.Code != CodeRolledBack || len(r.RolledBack) != 2 || len(r.Failed) != 0 {
		t.Errorf("%+v", r)
	}
}
