package marathon

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// liar is a Marathon that gets a fault around the write of an app: before it is worked off, or
// once it was answered. lasts is after how many looks at that app it ends by itself; 0: not at all.
type liar struct {
	*marathond.Server
	before, after string // NAME=ARG
	lasts         int64
	writes, looks atomic.Int64
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ofApp := strings.HasPrefix(r.URL.Path, "/v2/apps") && !strings.Contains(r.URL.Path, "/meshsync/")
	isWrite := ofApp && r.Method == http.MethodPut
	if isWrite {
		l.writes.Add(1)
		l.fault(l.before)
	}
	if ofApp && r.Method == http.MethodGet && l.writes.Load() > 0 && l.looks.Add(1) == l.lasts {
		name, _, _ := strings.Cut(l.before+l.after, "=")
		l.fault(name + "=off")
	}
	l.Server.ServeHTTP(w, r)
	if isWrite {
		l.fault(l.after)
	}
}

func (l *liar) fault(f string) {
	if f == "" {
		return
	}
	name, arg, _ := strings.Cut(f, "=")
	if err := l.Fault(name, arg); err != nil {
		panic(err)
	}
}

// lied brings the app /x from two tasks to another definition while the Marathon lies.
func lied(t *testing.T, l *liar, patience time.Duration, def map[string]any) (*Marathon, plan.Outcome) {
	t.Helper()
	l.Server = server(t)
	m := serve(t, l)
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	m.o.Timeout = patience
	out, _ := reach(t, m, map[string]map[string]any{"/x": def})
	return m, last(out)
}

func TestAWriteThatAMarathonLiesAboutIsDoneOnce(t *testing.T) {
	t.Parallel()
	scaled := map[string]any{"cmd": "sleep 1", "instances": 3}
	changed := map[string]any{"cmd": "sleep 2", "instances": 2}
	for name, tt := range map[string]struct {
		l   *liar
		def map[string]any
	}{
		"a follower that lags, from before the write": {&liar{before: "stale", lasts: 20}, changed},
		"a follower that lags, while it is followed":  {&liar{after: "stale", lasts: 20}, changed},
		"a follower that lags, and tasks are added":   {&liar{before: "stale", lasts: 20}, scaled},
		"other orders": {&liar{before: "shuffle"}, changed},
		"more fields":  {&liar{before: "extra-fields"}, changed},
		"an election":  {&liar{after: "election=100"}, changed},
		"a new leader": {&liar{after: "leader-change"}, changed},
		"a leader that dies amid the write, and scales": {&liar{before: "dies-after-write=/x"}, scaled},
		"a deployment that is lost, and scales":         {&liar{after: "lose-deployments"}, scaled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, o := lied(t, tt.l, 10*time.Second, tt.def)
			if o.Result != plan.ResultDone || tt.l.writes.Load() != 1 {
				t.Errorf("%d writes, %+v", tt.l.writes.Load(), o)
			}
			for _, f := range []string{"stale", "shuffle", "extra-fields"} {
				tt.l.fault(f + "=off")
			}
			s := m.Observe(context.Background())
			if left := diff.Diff([]mesh.Resource{desired(t, s, "/x", tt.def)}, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes; len(left) != 0 {
				t.Errorf("the next plan is not empty: %+v", left)
			}
		})
	}
}

// A change of the definition whose deployment is gone leaves tasks that run what was before: that it is
// done is not true, whatever their number.
func TestAnAppWhoseTasksRunWhatWasBeforeIsNotDone(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*liar{
		"a leader that dies amid the write": {before: "dies-after-write=/x"},
		"a deployment that is lost":         {before: "stuck=/x", after: "lose-deployments"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, o := lied(t, l, 300*time.Millisecond, map[string]any{"cmd": "sleep 2", "instances": 2})
			if o.Result == plan.ResultDone || !strings.Contains(o.Message, "2 with an older configuration") || l.writes.Load() != 1 {
				t.Errorf("%d writes, %+v", l.writes.Load(), o)
			}
		})
	}
}

// What lags for longer than anybody waits is not known, and the next run ends what was begun.
func TestAWriteThatDoesNotShowIsUnknownAndNotWrittenAgain(t *testing.T) {
	t.Parallel()
	l := &liar{before: "stale"}
	def := map[string]any{"cmd": "sleep 2", "instances": 2}
	m, o := lied(t, l, 100*time.Millisecond, def)
	if o.Result != plan.ResultUnknown || !strings.Contains(o.Message, "a node that lags answers") {
		t.Errorf("%+v", o)
	}
	l.fault("stale=off")
	m.o.Timeout = 10 * time.Second
	out, s := reach(t, m, map[string]map[string]any{"/x": def})
	if o := last(out); o.Action != string(diff.Finish) || o.Result != plan.ResultDone || l.writes.Load() != 1 {
		t.Errorf("%d writes, %+v", l.writes.Load(), o)
	}
	if e := s.Record.Entries["marathon/main/app:/x"]; e.State != mesh.Holds {
		t.Errorf("%+v", e)
	}
}

func TestAnAppThatIsMadeOrDeletedAndDoesNotShowItIsUnknown(t *testing.T) {
	t.Parallel()
	s := server(t)
	m := serve(t, s)
	if out, _ := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1"}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	m.o.Timeout = 50 * time.Millisecond
	for _, defs := range []map[string]map[string]any{
		{"/x": {"cmd": "sleep 1"}, "/y": {"cmd": "sleep 1"}},
		{"/y": {"cmd": "sleep 1"}},
	} {
		if err := s.Fault("stale", ""); err != nil {
			t.Fatal(err)
		}
		out, _ := reach(t, m, defs)
		if o := last(out); o.Result != plan.ResultUnknown || !strings.Contains(o.Message, "the next run looks again") {
			t.Errorf("%+v", out)
		}
		if err := s.Fault("stale", "off"); err != nil {
			t.Fatal(err)
		}
		if out, after := reach(t, m, defs); len(out) > 0 && last(out).Result != plan.ResultDone || len(after.Resources) != len(defs) {
			t.Errorf("%+v", out)
		}
	}
}

// A node that lags does not show the lease that was just posted, nor would it show a greater one: nothing is
// done under it, and it is not left to others for its time.
func TestALeaseThatANodeDoesNotShowIsNotTaken(t *testing.T) {
	t.Parallel()
	s := server(t)
	m := serve(t, s)
	if err := s.Fault("stale", ""); err != nil {
		t.Fatal(err)
	}
	err := m.Take(t.Context(), mesh.Lease{Run: "r1"})
	var held *mesh.Held
	if err == nil || errors.As(err, &held) || !strings.Contains(err.Error(), "does not show it") {
		t.Errorf("%v", err)
	}
	if err := s.Fault("stale", "off"); err != nil {
		t.Fatal(err)
	}
	if err := others(m).Take(t.Context(), mesh.Lease{Run: "r2"}); err != nil {
		t.Errorf("it was not given back: %v", err)
	}
}

// Between a plan and its apply another run may work there, and give its lease back. Its entries are not forgotten.
func TestARecordIsWrittenOnlyOverTheOneThatWasObserved(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	x := map[string]any{"cmd": "sleep 1"}
	if out, _ := reach(t, m, map[string]map[string]any{"/x": x}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	seen := m.Observe(t.Context())
	if out, _ := reach(t, others(m), map[string]map[string]any{"/x": x, "/y": {"cmd": "sleep 1"}}); last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	want := desired(t, seen, "/x", map[string]any{"cmd": "sleep 2"})
	w := plan.Work{Run: "a", Changes: diff.Diff([]mesh.Resource{want}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
	var out []plan.Outcome
	if err := m.Apply(t.Context(), w, func(o plan.Outcome) { out = append(out, o) }); err != nil {
		t.Fatal(err)
	}
	if o := last(out); o.Result != plan.ResultConflict || !strings.Contains(o.Message, "nothing was changed: another run") {
		t.Errorf("%+v", out)
	}
	if err := m.Apply(t.Context(), plan.Work{Run: "a", Adopt: map[string]mesh.RecordEntry{"marathon/main/app:/x": {Digest: "d"}}}, nil); !errors.Is(err, errRecordMoved) {
		t.Errorf("what is taken up only: %v", err)
	}
	if _, ok := m.Observe(t.Context()).Record.Entries["marathon/main/app:/y"]; !ok {
		t.Error("what the other run made is forgotten")
	}
	if out, after := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 2"}, "/y": {"cmd": "sleep 1"}}); last(out).Result != plan.ResultDone || len(after.Record.Entries) != 2 {
		t.Errorf("%+v", out)
	}
}
