package marathon

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// impatient is a client to whom each look at the clock takes a minute, and which rolls back; app /x runs two tasks
// of it, and new ones are stuck.
func impatient(t *testing.T, h http.Handler, d *marathond.Server) (*Marathon, mesh.TargetState) {
	t.Helper()
	m := serve(t, h)
	_, seen := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}})
	var skipped time.Duration
	m.o.Now = func() time.Time { skipped += time.Minute; return time.Now().Add(skipped) }
	m.o.Timeout, m.o.OnDeadline = time.Hour, mesh.DeadlineRollback
	if err := d.Fault("stuck", "/x"); err != nil {
		t.Fatal(err)
	}
	return m, seen
}

// changing is a work that gives an app another command.
func changing(t *testing.T, seen mesh.TargetState, id string) plan.Work {
	t.Helper()
	app := desired(t, seen, id, map[string]any{"cmd": "sleep 2", "instances": 2})
	return plan.Work{Run: "r2", Commit: "new", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
}

// forcing is a server that remembers writes, and does something before one of them.
type forcing struct {
	http.Handler
	mu     sync.Mutex
	writes []string
	before map[string]func()
}

func (s *forcing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method != http.MethodGet && !strings.Contains(r.URL.Path+string(body), "/meshsync/") {
		s.mu.Lock()
		s.writes = append(s.writes, r.Method+" "+r.URL.RequestURI())
		f := s.before[r.Method]
		delete(s.before, r.Method)
		s.mu.Unlock()
		if f != nil {
			f()
		}
	}
	s.Handler.ServeHTTP(w, r)
}

// unstick is a definition of before whose tasks run: reverting starts them anew.
func unstick(d *marathond.Server) func(string) {
	return func(text string) {
		if strings.HasPrefix(text, "rolling back") {
			_ = d.Fault("stuck", "off")
		}
	}
}

func TestAnAppIsRolledBackAtTheDeadline(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &forcing{Handler: d}
	m, seen := impatient(t, s, d)
	w := changing(t, seen, "/x")
	end, said := applied(t, m, w, unstick(d))
	if end.Result != plan.ResultRolledBack || !strings.Contains(end.Message, "no progress for 1h0m0s") || !strings.Contains(end.Message, "definition of before") {
		t.Fatalf("%+v %q", end, said)
	}
	after := m.Observe(context.Background())
	if d := after.Resources[0].App.Deployments; len(d) != 0 {
		t.Errorf("%v", d)
	}
	address := w.Changes[0].Addr.String()
	if before, now := seen.Record.Entries[address], after.Record.Entries[address]; !reflect.DeepEqual(before, now) || now.State != mesh.Holds || now.Digest != mesh.Digest(after.Resources[0].Attrs) {
		t.Errorf("the record: %+v, then %+v", before, now)
	}
	again := changing(t, after, "/x")
	if len(again.Changes) != 1 || again.Changes[0].Class != diff.Pending {
		t.Errorf("the next plan: %+v", again.Changes)
	}
	for _, w := range s.writes {
		if strings.Contains(w, "force") && !strings.Contains(w, "force=false") {
			t.Errorf("forced: %s", w)
		}
	}
}

// TestWhatOthersOwnGoesBackToo: a number that was outside of what git allows.
func TestWhatOthersOwnGoesBackToo(t *testing.T) {
	t.Parallel()
	d := server(t)
	m, seen := impatient(t, d, d)
	w := changing(t, seen, "/x")
	w.Changes[0].Open = map[string]string{"instances": "1..1"}
	end, said := applied(t, m, w, unstick(d))
	if now := m.Observe(context.Background()).Resources[0].Attrs["instances"]; end.Result != plan.ResultRolledBack || now != int64(2) {
		t.Errorf("%v instances: %+v %q", now, end, said)
	}
}

// TestWhatEndedByItselfIsPutBack: a deployment that runs no more cannot be reverted.
func TestWhatEndedByItselfIsPutBack(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &forcing{Handler: d}
	m, seen := impatient(t, s, d)
	s.before = map[string]func(){http.MethodDelete: func() { // somebody cancels the deployment just before
		for _, x := range m.mustDeployments(t) {
			d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodDelete, "/v2/deployments/"+x+"?force=true", nil))
		}
	}}
	end, said := applied(t, m, changing(t, seen, "/x"), unstick(d))
	if last := s.writes[len(s.writes)-1]; end.Result != plan.ResultRolledBack || last != "PUT /v2/apps/x?partialUpdate=false" {
		t.Errorf("%s %+v %q", last, end, said)
	}
}

func (m *Marathon) mustDeployments(t *testing.T) (ids []string) {
	t.Helper()
	all, err := m.deployments(context.Background())
	if err != nil {
		t.Error(err)
	}
	for _, x := range all {
		ids = append(ids, x.ID)
	}
	return ids
}

// TestWhatIsNotRolledBackIsTold: with what is left.
func TestWhatIsNotRolledBackIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id     string
		policy mesh.OnDeadline
		do     func(d *marathond.Server) // while it is followed
		want   string
	}{
		"the app is new": {"/new", mesh.DeadlineRollback, nil, "not rolled back: the app is new, so that there is nothing to go back to; it is left with the tasks that run; its deployment goes on"},
		"policy says so": {"/x", mesh.DeadlineStop, nil, "no progress for 1h0m0s: 2 of 2 tasks run"},
		"somebody changed it": {"/x", mesh.DeadlineRollback, func(d *marathond.Server) {
			d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPatch, "/v2/apps/x?force=true", strings.NewReader(`{"mem": 256}`)))
		}, "not rolled back: the app is no longer as it was sent"},
		"the old definition cannot be reached either": {"/x", mesh.DeadlineRollback, func(d *marathond.Server) {
			_ = d.Fault("unkillable", "/x")
		}, "the roll back did not come to its end: no progress for 1h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := server(t)
			m, seen := impatient(t, d, d)
			m.o.OnDeadline = c.policy
			_ = d.Fault("stuck", c.id)
			once := sync.OnceFunc(func() {
				if c.do != nil {
					c.do(d)
				}
			})
			w := changing(t, seen, c.id)
			w.Changes = slices.DeleteFunc(w.Changes, func(x diff.Change) bool { return x.Addr.Name != c.id })
			end, said := applied(t, m, w, func(string) { once() })
			if end.Result != plan.ResultFailed || !strings.Contains(end.Message, c.want) {
				t.Errorf("%+v %q", end, said)
			}
		})
	}
}

// cancels has somebody cancel the deployments by force just before one is reverted, and then send what is given. New tasks are no longer
// stuck from then on.
func cancels(t *testing.T, m *Marathon, d *marathond.Server, method, path, body string) map[string]func() {
	return map[string]func(){http.MethodDelete: func() {
		_ = d.Fault("stuck", "off")
		for _, x := range m.mustDeployments(t) {
			somebody(t, d, http.MethodDelete, "/v2/deployments/"+x+"?force=true", "")
		}
		somebody(t, d, method, path, body)
	}}
}

// TestARollBackOverwritesNobody: what somebody makes of an app after meshsync began to roll it back stays.
func TestARollBackOverwritesNobody(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &forcing{Handler: d}
	m, seen := impatient(t, s, d)
	s.before = cancels(t, m, d, http.MethodPatch, "/v2/apps/x", `{"mem": 256}`)
	end, said := applied(t, m, changing(t, seen, "/x"))
	now := m.Observe(context.Background()).Resources[0].Attrs
	if end.Result == plan.ResultRolledBack || !strings.Contains(end.Message, "somebody changed it meanwhile: mem") || now["mem"] != int64(256) {
		t.Errorf("%v MB: %+v %q, %q", now["mem"], end, said, s.writes)
	}
}

// TestARollBackKeepsWhatOthersSetMeanwhile: an autoscaler that scales between the write and the roll back.
func TestARollBackKeepsWhatOthersSetMeanwhile(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &forcing{Handler: d}
	m, seen := impatient(t, s, d)
	s.before = cancels(t, m, d, http.MethodPatch, "/v2/apps/x", `{"instances": 3}`)
	w := changing(t, seen, "/x")
	w.Changes[0].Open = map[string]string{"instances": "any"}
	end, said := applied(t, m, w)
	now := m.Observe(context.Background()).Resources[0].Attrs
	if end.Result != plan.ResultRolledBack || now["instances"] != int64(3) || now["cmd"] != "sleep 1" {
		t.Errorf("%v instances: %+v %q", now["instances"], end, said)
	}
}
