package marathond

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// served is a Marathon behind a real listener.
func served(t *testing.T, h func(*Server) http.Handler) (*Server, *httptest.Server) {
	t.Helper()
	s := New(Options{Tick: time.Millisecond})
	server := httptest.NewServer(h(s))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return s, server
}

func itself(s *Server) http.Handler { return s }

// got is what came before the body.
type got struct {
	StatusCode int
	Header     http.Header
}

// ask makes a request and reads all of the answer.
func ask(ctx context.Context, server *httptest.Server, method, path, accept string, body io.Reader) (got, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, server.URL+path, body)
	if err != nil {
		return got{}, "", err
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		return got{}, "", err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	return got{res.StatusCode, res.Header}, string(data), err
}

func fault(t *testing.T, s *Server, name, arg string) {
	t.Helper()
	if err := s.Fault(name, arg); err != nil {
		t.Fatal(err)
	}
}

func TestWireFaults(t *testing.T) {
	t.Parallel()
	const anything, onlyJSON = "*/*", "application/json"
	for _, c := range []struct {
		fault, accept string
		status        int
		holds         string
		fails         bool
	}{
		{"html", anything, 200, "<h1>", false},
		{"error500", anything, 500, `{"message":"Internal server error"}`, false},
		{"half-body", anything, 0, "", true},
		{"redirect-loop", anything, 0, "", true},
		{"standby", onlyJSON, 502, "", false},
		{"standby", anything, 502, "Could not determine the current leader", false},
		{"no-leader", onlyJSON, 503, "", false},
	} {
		s, server := served(t, itself)
		fault(t, s, c.fault, "")
		res, body, err := ask(t.Context(), server, "GET", "/v2/apps", c.accept, nil)
		switch {
		case c.fails != (err != nil):
			t.Errorf("%s: %v", c.fault, err)
		case err == nil && (res.StatusCode != c.status || c.holds == "" && body != "" || !strings.Contains(body, c.holds)):
			t.Errorf("%s: %d %q", c.fault, res.StatusCode, body)
		}
		fault(t, s, c.fault, "off")
		if res, _, err := ask(t.Context(), server, "GET", "/v2/apps", c.accept, nil); err != nil || res.StatusCode != 200 {
			t.Errorf("%s is over: %v", c.fault, err)
		}
	}
}

func TestAHangingMarathonIsLeftByItsClientOrItsEnd(t *testing.T) {
	t.Parallel()
	s, server := served(t, itself)
	fault(t, s, "hang", "")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := ask(ctx, server, "GET", "/v2/apps", "", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestALostReplyIsAWriteThatWasDone(t *testing.T) {
	t.Parallel()
	s, server := served(t, itself)
	fault(t, s, "lost-reply", "")
	if _, _, err := ask(t.Context(), server, "POST", "/v2/apps", "", strings.NewReader(plainApp("/a", 0, ""))); err == nil {
		t.Error("it was answered")
	}
	if res, _, err := ask(t.Context(), server, "GET", "/v2/apps/a", "", nil); err != nil || res.StatusCode != 200 {
		t.Errorf("reads are answered, and the app is there: %v", err)
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	fault(t, w.Server, "slow", "500")
	done := make(chan int)
	go func() { done <- w.call(t, "GET", "/ping", nil).status }()
	for !w.clock.Next(time.Second) { // until it waits
		continue
	}
	if status := <-done; status != 200 || w.clock.Now().Sub(startTime()) != 500*time.Millisecond {
		t.Errorf("%d after %v", status, w.clock.Now().Sub(startTime()))
	}
}

func TestUnhealthyTasksAreCountedAndKilledInTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	fault(t, w.Server, "unhealthy", "/a")
	w.call(t, "POST", "/v2/apps", []byte(plainApp("/a", 1, `, "healthChecks": [{"portIndex": 0, "gracePeriodSeconds": 60, "intervalSeconds": 10, "maxConsecutiveFailures": 3}]`)))
	w.clock.Advance(80 * time.Second)
	if a := w.get(t, "/a"); appdef.Int(a["tasksUnhealthy"]) != 1 || w.count(t) != 1 || a["lastTaskFailure"] != nil {
		t.Errorf("%v", a)
	}
	w.clock.Advance(20 * time.Second)
	if f := appdef.Map(w.get(t, "/a")["lastTaskFailure"]); f["state"] != "TASK_KILLED" {
		t.Errorf("%v", f)
	}
	fault(t, w.Server, "unhealthy", "off")
	w.settle()
	if a := w.get(t, "/a"); appdef.Int(a["tasksHealthy"]) != 1 || w.count(t) != 0 {
		t.Errorf("%v", a)
	}
}

func TestStuckTasksGoOnWhenTheFaultEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	fault(t, w.Server, "stuck", "/a")
	w.post(t, plainApp("/a", 1, ""))
	if a := w.get(t, "/a"); appdef.Int(a["tasksStaged"]) != 1 || w.count(t) != 1 {
		t.Errorf("%v", a)
	}
	fault(t, w.Server, "stuck", "off")
	w.settle()
	if a := w.get(t, "/a"); appdef.Int(a["tasksRunning"]) != 1 || w.count(t) != 0 {
		t.Errorf("%v", a)
	}
}

// Right after a change of leader the list of deployments is empty, and the app knows better.
func TestAfterALeaderChangeNoDeploymentIsListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	fault(t, w.Server, "stuck", "/a")
	w.post(t, plainApp("/a", 1, ""))
	fault(t, w.Server, "leader-change", "")
	if w.count(t) != 0 || len(appdef.List(w.get(t, "/a")["deployments"])) != 1 {
		t.Errorf("%d listed, the app has %v", w.count(t), w.get(t, "/a")["deployments"])
	}
	w.clock.Advance(3 * time.Second)
	if w.count(t) != 1 {
		t.Error("it is listed again")
	}
}

func TestFaultsAreCheckedWhenTheyAreMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	for _, l := range w.Faults() {
		name, wants, _ := strings.Cut(strings.Fields(l)[0], "=")
		arg := map[string]string{"/ID": "/www", "MS": "5"}[wants]
		fault(t, w.Server, name, arg)
		fault(t, w.Server, name, "off")
	}
	for _, c := range [][2]string{{"nope", ""}, {"stuck", ""}, {"stuck", "www"}, {"slow", "fast"}, {"slow", "-1"}} {
		if err := w.Fault(c[0], c[1]); err == nil {
			t.Errorf("%v was taken", c)
		}
	}
}

// What a standby does beyond passing on; the recorded exchanges show the rest.
func TestAStandbyLosesChunkedBodiesAndRedirectsEvents(t *testing.T) {
	t.Parallel()
	_, server := served(t, func(s *Server) http.Handler { return s.Standby("127.0.0.1:8081", "127.0.0.1:8080") })
	chunked := struct{ io.Reader }{strings.NewReader(plainApp("/a", 0, ""))} // a reader without a length
	res, body, err := ask(t.Context(), server, "POST", "/v2/apps", "application/json", chunked)
	if err != nil || res.StatusCode != 400 || !strings.Contains(body, "Please specify data in JSON format") {
		t.Errorf("%v %s", err, body)
	}
	res, _, err = ask(t.Context(), server, "POST", "/v2/apps", "application/json", strings.NewReader(plainApp("/a", 0, "")))
	if err != nil || res.StatusCode != 201 || res.Header.Get("X-Marathon-Via") != "1.1 127.0.0.1:8081" {
		t.Errorf("%v %v", err, res)
	}
	server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, _, err = ask(t.Context(), server, "GET", "/v2/events?event_type=a", "text/event-stream", nil)
	if err != nil || res.StatusCode != 302 || res.Header.Get("Location") != "http://127.0.0.1:8080/v2/events?event_type=a" {
		t.Errorf("%v %v", err, res)
	}
}

func TestTheFaultsOfDeployments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.call(t, "POST", "/v2/apps", []byte(plainApp("/a", 1, "")))
	fault(t, w.Server, "empty-deployments", "")
	if w.count(t) != 0 {
		t.Error("a deployment is listed")
	}
	fault(t, w.Server, "empty-deployments", "off")
	if w.count(t) != 1 {
		t.Error("it is still there")
	}
	w.settle()
	fault(t, w.Server, "deployment-limit", "")
	if r := w.call(t, "PUT", "/v2/apps/a", object{}); r.status != 403 {
		t.Errorf("%d", r.status)
	}
	fault(t, w.Server, "deployment-limit", "off")
	fault(t, w.Server, "unkillable", "/a")
	w.call(t, "DELETE", "/v2/apps/a", nil)
	w.settle()
	if w.count(t) != 1 || len(w.Tasks()) != 1 {
		t.Error("the task was killed")
	}
	fault(t, w.Server, "unkillable", "off")
	w.settle()
	if w.count(t) != 0 || len(w.Tasks()) != 0 {
		t.Error("the task stays")
	}
}
