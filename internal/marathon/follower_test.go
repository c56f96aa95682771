package marathon

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// deaf is a server that takes each write of /x as one of what there is.
type deaf struct {
	http.Handler
	body   string // what there is
	writes atomic.Int32
}

func (s *deaf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut && r.URL.Path == "/v2/apps/x" {
		s.writes.Add(1)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(s.body))), int64(len(s.body))
	}
	s.Handler.ServeHTTP(w, r)
}

// TestAWriteThatMarathonTakesForNoChangeIsToldAtOnce: it answers 200, with a version that no app gets and a deployment
// that is never listed. Waiting would be for nothing, and the record says what it said.
func TestAWriteThatMarathonTakesForNoChangeIsToldAtOnce(t *testing.T) {
	t.Parallel()
	s := &deaf{Handler: server(t), body: `{"cmd": "sleep 1", "instances": 2}`}
	m := serve(t, s)
	_, before := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}})
	m.o.Timeout = 100 * time.Hour
	out, after := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 2", "instances": 2}})
	o := last(out)
	for _, want := range []string{"Marathon took the write for no change", "git and the app differ in cmd", "GET /v2/apps/x"} {
		if !strings.Contains(o.Message, want) {
			t.Errorf("%q is missing in %q", want, o.Message)
		}
	}
	if o.Result != plan.ResultFailed || s.writes.Load() != 1 || len(out) > 4 {
		t.Errorf("%d writes, %+v", s.writes.Load(), out)
	}
	was, is := before.Record.Entries["marathon/main/app:/x"], after.Record.Entries["marathon/main/app:/x"]
	if is.State != mesh.Holds || is.Digest != was.Digest {
		t.Errorf("the record: %+v, then %+v", was, is)
	}
}

// TestANodeThatLagsIsNotTakenForANoChange: it does not show the write itself either.
func TestANodeThatLagsIsNotTakenForANoChange(t *testing.T) {
	t.Parallel()
	l := &liar{before: "stale", lasts: 40}
	m, o := lied(t, l, 10*time.Second, map[string]any{"cmd": "sleep 2", "instances": 2})
	if o.Result != plan.ResultDone || l.writes.Load() != 1 {
		t.Errorf("%d writes, %+v", l.writes.Load(), o)
	}
	if s := m.Observe(context.Background()); s.Record.Entries["marathon/main/app:/x"].State != mesh.Holds {
		t.Errorf("%+v", s.Record.Entries)
	}
}

// twoNodes are two nodes behind one URL: what is asked of the app itself is answered by one that lags, for some looks after the write,
// and all else by one that does not.
type twoNodes struct {
	http.Handler
	mu     sync.Mutex
	before []byte // the app as it was
	lags   int
}

func (s *twoNodes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/apps/x" {
		if before := s.answer(r); before != nil {
			_, _ = w.Write(before)
			return
		}
	}
	s.Handler.ServeHTTP(w, r)
}

// answer is what the node that lags says; nil when it is not asked.
func (s *twoNodes) answer(r *http.Request) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Method == http.MethodPut:
		kept := httptest.NewRecorder()
		s.Handler.ServeHTTP(kept, httptest.NewRequest(http.MethodGet, "/v2/apps/x", nil))
		s.before, s.lags = kept.Body.Bytes(), 5
	case r.Method == http.MethodGet && s.lags > 0:
		s.lags--
		return s.before
	}
	return nil
}

// TestOneOfTwoNodesThatLagsIsNotTakenForANoChange: another one tells of the write, and what the app is by now was not asked of it.
func TestOneOfTwoNodesThatLagsIsNotTakenForANoChange(t *testing.T) {
	t.Parallel()
	s := &twoNodes{Handler: server(t)}
	m := serve(t, s)
	reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}})
	s.lags = 0
	out, after := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 2", "instances": 2}})
	if o := last(out); o.Result != plan.ResultDone || s.before == nil {
		t.Errorf("%+v", out)
	}
	if e := after.Record.Entries["marathon/main/app:/x"]; e.State != mesh.Holds {
		t.Errorf("%+v", e)
	}
}

// TestWhatAMarathonThatDoesNotAnswerMadeOfAWriteIsUnknown: nobody knows whether a deployment works on the app.
func TestWhatAMarathonThatDoesNotAnswerMadeOfAWriteIsUnknown(t *testing.T) {
	t.Parallel()
	for _, policy := range []mesh.OnDeadline{mesh.DeadlineStop, mesh.DeadlineRollback} {
		d := server(t)
		var down atomic.Bool
		m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if down.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			d.ServeHTTP(w, r)
			down.Store(r.Method == http.MethodPut && r.URL.Path == "/v2/apps/x")
		}))
		_, seen := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}})
		var skipped time.Duration
		m.o.Now = func() time.Time { skipped += time.Minute; return time.Now().Add(skipped) }
		m.o.Timeout, m.o.OnDeadline = time.Hour, policy
		var end plan.Outcome
		_ = m.Apply(t.Context(), changing(t, seen, "/x"), func(o plan.Outcome) { end = o })
		if end.Result != plan.ResultUnknown || !strings.HasSuffix(end.Message, "the next run looks again") || strings.Contains(end.Message, "no deployment") {
			t.Errorf("%s: %+v", policy, end)
		}
	}
}
