package marathon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// node is one Marathon of several, which notes what it is asked.
type node struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func (n *node) requests() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

func newNode(t *testing.T, h func(n *node) http.Handler) *node {
	t.Helper()
	n := &node{}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.asked = append(n.asked, r.Method+" "+r.URL.Path)
		n.mu.Unlock()
		h(n).ServeHTTP(w, r)
	}))
	t.Cleanup(n.Close)
	t.Cleanup(n.CloseClientConnections) // before that: a server waits for its streams
	return n
}

func (n *node) address() string { return n.Listener.Addr().String() }

// pair is a leader and its standby.
func pair(t *testing.T, s *marathond.Server) (leader, standby *node) {
	t.Helper()
	leader = newNode(t, func(*node) http.Handler { return s })
	standby = newNode(t, func(n *node) http.Handler { return s.Standby(n.address(), leader.address()) })
	return leader, standby
}

// asking is a Marathon that is reached by these URLs. Its connections are its own: a test server that ends closes
// those of the default transport.
func asking(urls ...string) *Marathon {
	return New(Options{
		Spec: mesh.MarathonSpec{Name: "main", URLs: urls}, Mesh: "prod", HTTP: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}, Now: time.Now,
		SecretNames: mesh.DefaultSecretNames(), Timeout: 5 * time.Second, Poll: time.Millisecond,
	})
}

func observed(t *testing.T, m *Marathon) mesh.TargetState {
	t.Helper()
	s := m.Observe(context.Background())
	if s.Outcome != mesh.OK {
		t.Fatalf("%s: %s", s.Outcome, s.Message)
	}
	return s
}

func TestTheLeaderIsAskedItselfOnceAStandbyNamedIt(t *testing.T) {
	t.Parallel()
	leader, standby := pair(t, server(t))
	m := asking(standby.URL, leader.URL)
	s := observed(t, m)
	if got := standby.requests(); len(got) != 1 || got[0] != "GET /v2/info" {
		t.Errorf("the standby was asked %v", got)
	}
	if s.Marathon.URL != leader.URL {
		t.Errorf("it says that it asked %s", s.Marathon.URL)
	}
}

// The mesh may name the leader otherwise than it calls itself.
func TestTheLeaderIsFoundUnderAnotherName(t *testing.T) {
	t.Parallel()
	leader, standby := pair(t, server(t))
	third := newNode(t, func(*node) http.Handler { return standby.Config.Handler })
	other := strings.Replace(leader.URL, "127.0.0.1", "localhost", 1)
	observed(t, asking(standby.URL, third.URL, other))
	if got := leader.requests(); !slices.Contains(got, "GET /v2/apps") || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
		t.Errorf("the leader was asked %v", got)
	}
	if got := third.requests(); len(got) != 1 {
		t.Errorf("the third was asked %v", got)
	}
}

func TestALeaderThatTheMeshDoesNotNameIsNotAsked(t *testing.T) {
	t.Parallel()
	leader, standby := pair(t, server(t))
	observed(t, asking(standby.URL))
	if got := leader.requests(); len(got) != 0 {
		t.Errorf("it was asked %v", got)
	}
}

// A URL that is dead costs one attempt, and so does one that dies while it leads.
func TestADeadURLIsSkipped(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	leader, standby := pair(t, server(t))
	m := asking(dead.URL, standby.URL, leader.URL)
	for range 2 {
		observed(t, m)
	}
	if got := m.api.order(); got[0] != leader.URL || got[2] != dead.URL {
		t.Errorf("asked in the order %v", got)
	}
	leader.Close() // its standby goes on to answer, as the next leader does
	for range 2 {
		if s := observed(t, m); s.Marathon.URL != standby.URL {
			t.Errorf("asked %s", s.Marathon.URL)
		}
	}
	standby.Close()
	s := m.Observe(context.Background())
	if s.Outcome != mesh.NoConnection || !strings.HasPrefix(s.Message, "none of its 3 URLs answers: no connection to Marathon at ") || strings.Count(s.Message, "refused") != 3 {
		t.Errorf("%s: %s", s.Outcome, s.Message)
	}
}

// What a write came to that got no answer is looked up; it is sent to no other node.
func TestAWriteWithoutAnAnswerIsSentToNoOtherURL(t *testing.T) {
	t.Parallel()
	s := server(t)
	leader := newNode(t, func(*node) http.Handler { return s })
	second := newNode(t, func(*node) http.Handler { return s })
	m := asking(leader.URL, second.URL)
	observed(t, m)
	if err := s.Fault("lost-reply", ""); err != nil {
		t.Fatal(err)
	}
	_, err := m.api.call(context.Background(), http.MethodPost, "/v2/apps", map[string]any{"id": "/a", "cmd": "sleep 1", "instances": 0}, nil)
	if err == nil || len(second.requests()) != 0 {
		t.Errorf("%v, and the second was asked %v", err, second.requests())
	}
	_ = s.Fault("lost-reply", "off")
	if _, there, err := m.app(context.Background(), "/a"); !there || err != nil {
		t.Errorf("the app is not there: %v", err)
	}
}

// lostConn is a connection from which nothing comes: its network went away.
type lostConn struct {
	net.Conn
	why error
}

func (c lostConn) Read([]byte) (int, error) { return 0, c.why }

// What says that a network or a host is away says it also of a connection that stood, on which the write went out.
func TestAWriteOnAConnectionThatBreaksIsSentToNoOtherURL(t *testing.T) {
	t.Parallel()
	for _, why := range []error{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ECONNREFUSED, syscall.ECONNRESET} {
		s := server(t)
		leader := newNode(t, func(*node) http.Handler { return s })
		second := newNode(t, func(*node) http.Handler { return s })
		m := asking(leader.URL, second.URL)
		m.api.http.Transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil && address == leader.address() {
				c = lostConn{c, &net.OpError{Op: "read", Net: network, Err: os.NewSyscallError("read", why)}}
			}
			return c, err
		}}
		_, err := m.api.call(context.Background(), http.MethodPost, "/v2/apps", map[string]any{"id": "/a", "cmd": "sleep 1", "instances": 0}, nil)
		if r := (*reachError)(nil); !errors.As(err, &r) || !r.sent || len(second.requests()) != 0 {
			t.Errorf("%v: %v, and the second was asked %v", why, err, second.requests())
		}
	}
}

// A write for which there never was a connection went nowhere, whatever was wrong: another URL gets it.
func TestAWriteWithoutAConnectionIsSentToAnotherURL(t *testing.T) {
	t.Parallel()
	for name, dial := range map[string]func(net.Conn) (net.Conn, error){
		"an error of whoever connects": func(c net.Conn) (net.Conn, error) { _ = c.Close(); return nil, errors.New("channel is closed") },
		"no TLS":                       func(c net.Conn) (net.Conn, error) { return c, nil },
	} {
		s := server(t)
		first := newNode(t, func(*node) http.Handler { return s })
		second := newNode(t, func(*node) http.Handler { return s })
		m := asking(strings.Replace(first.URL, "http:", "https:", 1), second.URL)
		m.api.http.Transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil && address == first.address() {
				return dial(c)
			}
			return c, err
		}}
		if _, err := m.api.call(context.Background(), http.MethodPost, "/v2/apps", map[string]any{"id": "/a", "cmd": "sleep 1", "instances": 0}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := second.requests(); len(got) != 1 || got[0] != "POST /v2/apps" {
			t.Errorf("%s: the second was asked %v", name, got)
		}
	}
}

// Trap 36: errors of a proxy are HTML or empty. Each is told with what to do.
func TestAStandbyWithoutALeaderSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		"Could not determine the current leader": "reach ZooKeeper",
		"Detected proxying loop.":                "two nodes take each other for the leader",
		"Connection to leader refused.":          "another one is elected",
		"Service Unavailable":                    "a leader election, too many requests at once, or a proxy",
	} {
		n := newNode(t, func(*node) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusBadGateway)
				if r.Header.Get("Accept") == "text/html" {
					_, _ = fmt.Fprintf(w, "<html><title>Error 502 %s</title></html>", says)
				}
			})
		})
		s := asking(n.URL).Observe(context.Background())
		if s.Outcome != mesh.BadStatus || !strings.Contains(s.Message, "answered 502 Bad Gateway without a message: ") || !strings.Contains(s.Message, want) {
			t.Errorf("%s: %s: %s", says, s.Outcome, s.Message)
		}
	}
}

// Trap 21: the details are a list or a text, and there may be no message.
func TestErrorsOfEachShapeAreTold(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"message":"Invalid JSON","details":"No content to map"}`:                                 "Invalid JSON: No content to map",
		`{"message":"Object is not valid","details":[{"path":"/cpus","errors":["not a number"]}]}`: "Object is not valid: /cpus: not a number",
		`{"message":null}`:    "Marathon answered 422 Unprocessable Entity",
		`<html>422</html>`:    "Marathon answered 422 Unprocessable Entity",
		``:                    "Marathon answered 422 Unprocessable Entity",
		`{"details":"alone"}`: "alone",
	} {
		n := newNode(t, func(*node) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = w.Write([]byte(body))
			})
		})
		s := asking(n.URL).Observe(context.Background())
		if !strings.Contains(s.Message, want) {
			t.Errorf("%s: %s", body, s.Message)
		}
	}
}

// Writes, too, go to the leader as soon as it is known.
func TestWritesGoToTheLeaderToo(t *testing.T) {
	t.Parallel()
	leader, standby := pair(t, server(t))
	m := asking(standby.URL, leader.URL)
	out, _ := reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
	if last(out).Result != plan.ResultDone {
		t.Errorf("%+v", out)
	}
	for _, r := range standby.requests() {
		if !strings.HasPrefix(r, "GET ") {
			t.Errorf("the standby was sent %s", r)
		}
	}
}
