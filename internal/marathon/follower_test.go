package marathon

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
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
