package marathon

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// counting is a server that counts what it is asked, and whose stream of events may be another one.
type counting struct {
	http.Handler
	stream func(w http.ResponseWriter, r *http.Request, n int) // nil: that of Handler; n counts from 1
	each   func()                                              // nil, or called for each request
	closed chan struct{}                                       // nil, or told of each stream that ends

	mu    sync.Mutex
	asked map[string]int // by path
}

func (s *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.asked == nil {
		s.asked = map[string]int{}
	}
	if r.Method == http.MethodGet {
		s.asked[r.URL.Path]++
	}
	if s.each != nil {
		s.each()
	}
	n := s.asked["/v2/events"]
	s.mu.Unlock()
	if r.URL.Path != "/v2/events" {
		s.Handler.ServeHTTP(w, r)
		return
	}
	if s.closed != nil {
		defer func() { s.closed <- struct{}{} }()
	}
	if s.stream != nil {
		s.stream(w, r, n)
		return
	}
	s.Handler.ServeHTTP(w, r)
}

func (s *counting) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// looks is how often the deployments were looked at since the counts were taken last.
func (s *counting) looks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.asked["/v2/deployments"]
	s.asked = map[string]int{}
	return n
}

// attached begins a stream as Marathon does, and says some more.
func attached(w http.ResponseWriter, more string) {
	w.Header().Set("Content-Type", "text/event-stream;charset=utf-8")
	_, _ = io.WriteString(w, "event: event_stream_attached\r\ndata: {\"remoteAddress\":\"127.0.0.1\"}\r\n\r\n"+more)
	_ = http.NewResponseController(w).Flush()
}

func silent(w http.ResponseWriter, r *http.Request, _ int) {
	attached(w, "")
	<-r.Context().Done()
}

// deploying is a work that creates one app of four tasks.
func deploying(t *testing.T, m *Marathon, id string) plan.Work {
	t.Helper()
	seen := m.Observe(context.Background())
	app := desired(t, seen, id, map[string]any{"cmd": "sleep 9", "instances": 4})
	return plan.Work{Run: "r1", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
}

// applied does a work and returns its last outcome and what was said on the way.
func applied(t *testing.T, m *Marathon, w plan.Work, each ...func(string)) (end plan.Outcome, said []string) {
	t.Helper()
	err := m.Apply(context.Background(), w, func(o plan.Outcome) {
		if end = o; o.Result == plan.ResultProgress {
			said = append(said, o.Message)
			for _, f := range each {
				f(o.Message)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return end, said
}

// TestADeploymentCostsTwoLooksWithEvents: one after the write and one after its end is told, however long it takes. Polls
// an hour apart would not end it.
func TestADeploymentCostsTwoLooksWithEvents(t *testing.T) {
	t.Parallel()
	d := marathond.New(marathond.Options{Name: "main", Tick: 100 * time.Millisecond})
	t.Cleanup(func() { _ = d.Close() })
	s := &counting{Handler: d}
	m := serve(t, s)
	m.o.Poll, m.o.Timeout = time.Hour, 10*time.Hour
	w := deploying(t, m, "/x")
	s.looks()
	end, said := applied(t, m, w)
	looks := s.looks()
	t.Logf("%d looks", looks)
	if end.Result != plan.ResultDone || looks > 3 { // and one when the stream began after the first
		t.Errorf("%d looks: %+v %q", looks, end, said)
	}
}

// TestPollingLooksAgainAndAgain: of the same deployment, while it is stuck.
func TestPollingLooksAgainAndAgain(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &counting{Handler: d, stream: func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusForbidden) }}
	m := serve(t, s)
	w := deploying(t, m, "/x")
	if err := d.Fault("stuck", "/x"); err != nil {
		t.Fatal(err)
	}
	s.looks()
	s.each = func() {
		if s.asked["/v2/deployments"] == 50 {
			_ = d.Fault("stuck", "off")
		}
	}
	end, _ := applied(t, m, w)
	if looks := s.looks(); end.Result != plan.ResultDone || looks < 50 {
		t.Errorf("%d looks: %+v", looks, end)
	}
}

// TestARunHasOneStream: not one for each app, and none when it is over.
func TestARunHasOneStream(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := &counting{Handler: server(t), closed: make(chan struct{}, 9)}
	m := serve(t, s)
	if err := m.Take(ctx, mesh.Lease{Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"/x", "/y", "/z"} {
		if end, _ := applied(t, m, deploying(t, m, id)); end.Result != plan.ResultDone {
			t.Fatalf("%+v", end)
		}
	}
	if n := s.count("/v2/events"); n != 1 {
		t.Errorf("%d streams", n)
	}
	if err := m.Release(ctx); err != nil {
		t.Fatal(err)
	}
	<-s.closed
}

// TestABadStreamHarmsNothing: the deployment is followed to its end, and what there is to say is said once.
func TestABadStreamHarmsNothing(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	says := func(text string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, r *http.Request, _ int) {
			attached(w, text)
			<-r.Context().Done()
		}
	}
	for name, c := range map[string]struct {
		stream func(http.ResponseWriter, *http.Request, int)
		said   string // "": nothing need be said
	}{
		"no right to it": {answer(http.StatusForbidden, ""), "403 Forbidden: the account has no right to it"},
		"no such place":  {answer(http.StatusNotFound, ""), "404 Not Found, which is no stream"},
		"HTML":           {answer(http.StatusOK, "<html>"), "200 OK, which is no stream"},
		"an election":    {answer(http.StatusBadGateway, ""), "502 Bad Gateway: a leader election"},
		"a leader elsewhere": {func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "http://192.0.2.1/v2/events", http.StatusFound)
		}, "the leader at 192.0.2.1, which the mesh does not name"},
		"a circle":             {func(w http.ResponseWriter, r *http.Request, _ int) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "in a circle"},
		"lost at once":         {func(w http.ResponseWriter, _ *http.Request, _ int) { attached(w, "") }, ""},
		"silent":               {silent, ""},
		"lies of ends":         {says(strings.Repeat("event: deployment_success\ndata: {\"id\":\"d\",\"plan\":{\"steps\":[{\"actions\":[{\"app\":\"/x\"}]}]}}\n\n", 99)), ""},
		"no JSON":              {says("event: status_update_event\ndata: TASK_RUNNING\n\n"), ""},
		"an event without end": {says("data: " + strings.Repeat("x", 2<<20)), ""},
		"another app's":        {says("event: status_update_event\ndata: {\"appId\":\"/other\"}\n\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := server(t)
			m := serve(t, &counting{Handler: d, stream: c.stream})
			w := deploying(t, m, "/x")
			if c.said != "" { // it ends when that was said
				_ = d.Fault("stuck", "/x")
			}
			end, said := applied(t, m, w, func(text string) {
				if strings.Contains(text, "no stream of events") {
					_ = d.Fault("stuck", "off")
				}
			})
			if end.Result != plan.ResultDone || !strings.Contains(strings.Join(said, "\n"), c.said) {
				t.Errorf("%+v %q", end, said)
			}
			if n := strings.Count(strings.Join(said, "\n"), "no stream of events"); n > 1 || c.said != "" && n != 1 {
				t.Errorf("said %d times: %q", n, said)
			}
		})
	}
}

// TestAStreamWithoutAFirstByteIsGivenUp: a proxy keeps it back.
func TestAStreamWithoutAFirstByteIsGivenUp(t *testing.T) {
	t.Parallel()
	s := &counting{Handler: server(t), stream: func(w http.ResponseWriter, r *http.Request, _ int) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}}
	m := serve(t, s)
	st := openStream(context.Background(), m.api, m.api.order(), time.Millisecond, time.Millisecond)
	<-st.over
	if st.err != errSilent { //nolint:errorlint // the very value
		t.Error(st.err)
	}
}

// TestALostStreamIsTriedAgain: the deployment cannot end before there is the next one.
func TestALostStreamIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &counting{Handler: d}
	s.stream = func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 1 {
			attached(w, "")
			return
		}
		if err := d.Fault("stuck", "off"); err != nil {
			t.Error(err)
		}
		d.ServeHTTP(w, r)
	}
	m := serve(t, s)
	var skipped time.Duration
	m.o.Now = func() time.Time { skipped += time.Second; return time.Now().Add(skipped) } // each look at the clock takes a second
	m.o.Timeout = 100 * time.Hour
	if err := d.Fault("stuck", "/x"); err != nil {
		t.Fatal(err)
	}
	end, said := applied(t, m, deploying(t, m, "/x"))
	if end.Result != plan.ResultDone || !strings.Contains(strings.Join(said, "\n"), "closed, as at a change of the leader") {
		t.Errorf("%+v %q", end, said)
	}
}

// TestALeaderChangeWhileFollowing: the stream ends, the list of deployments is empty for a while, and it goes on.
func TestALeaderChangeWhileFollowing(t *testing.T) {
	t.Parallel()
	d := marathond.New(marathond.Options{Name: "main", Tick: 20 * time.Millisecond})
	t.Cleanup(func() { _ = d.Close() })
	s := &counting{Handler: d}
	m := serve(t, s)
	w := deploying(t, m, "/x")
	once := sync.OnceFunc(func() {
		if err := d.Fault("leader-change", ""); err != nil {
			t.Error(err)
		}
	})
	var end plan.Outcome
	err := m.Apply(context.Background(), w, func(o plan.Outcome) {
		if end = o; o.Result == plan.ResultProgress {
			once()
		}
	})
	if err != nil || end.Result != plan.ResultDone {
		t.Errorf("%v %+v", err, end)
	}
}

// TestAStandbyLeadsToTheStream: it sends to the leader, who is asked when the mesh names it.
func TestAStandbyLeadsToTheStream(t *testing.T) {
	t.Parallel()
	leader, standby := pair(t, server(t))
	m := asking(standby.URL, leader.URL)
	s := openStream(context.Background(), m.api, []string{standby.URL, leader.URL}, time.Hour, time.Hour)
	defer s.close()
	select {
	case <-s.signal: // something came over it
	case <-s.over:
		t.Error(s.err)
	}
	if asked := leader.requests(); len(asked) != 1 || asked[0] != "GET /v2/events" {
		t.Errorf("%q", asked)
	}
}

// TestTheStreamIsOfTheAccount: as all that is asked.
func TestTheStreamIsOfTheAccount(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	m := as(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization") + " " + r.Header.Get("Accept")
		attached(w, "")
	})), token(), &source{gives: "t0k"})
	s := openStream(context.Background(), m.api, m.api.order(), time.Hour, time.Hour)
	defer s.close()
	<-s.over
	if g := <-got; g != "token=t0k text/event-stream" {
		t.Error(g)
	}
}
