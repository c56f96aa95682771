package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// A marathon is one Marathon of the sandbox with its port.
type marathon struct {
	url     string
	handler http.Handler
	server  *http.Server
	served  chan struct{}

	mu     sync.Mutex
	faults map[string]bool
}

// faulty is what a Marathon's handler implements when it knows faults of its own.
type faulty interface {
	// Fault makes a fault, or ends it when arg is "off".
	Fault(name, arg string) error
	// Faults lists them, a line each, as they are written and what they do.
	Faults() []string
}

func (c *Cluster) startMarathon(o Options, name string) (*marathon, error) {
	h := newMarathonHandler(o, name)
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("marathon %s: %w", name, err)
	}
	m := &marathon{url: "http://" + l.Addr().String(), handler: h, served: make(chan struct{}), faults: map[string]bool{}}
	m.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.touch()
		m.serve(w, r)
	})}
	go func() {
		defer close(m.served)
		_ = m.server.Serve(l)
	}()
	return m, nil
}

func newMarathonHandler(o Options, name string) http.Handler {
	if o.MarathonHandler != nil {
		return o.MarathonHandler(name)
	}
	return marathond.New(marathond.Options{Name: name})
}

func (m *marathon) close() error {
	err := m.server.Close()
	<-m.served
	if c, ok := m.handler.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	return err
}

// The faults that any Marathon has: what comes is no Marathon's answer.
const (
	faultDown         = "unreachable"
	faultHang         = "hang"
	faultHTML         = "html"
	faultError        = "error500"
	faultHalf         = "half-body"
	faultRedirectLoop = "redirect-loop"
)

func marathonFaults() []string {
	return []string{
		"error500                 it answers 500 to everything",
		"half-body                its answers break off in the middle",
		"hang                     it accepts requests and says nothing",
		"html                     something that speaks HTML answers with 200",
		"redirect-loop            it redirects to itself for ever",
		"unreachable              connections break at once",
	}
}

func (m *marathon) on(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.faults[name]
}

// active lists the faults that are on.
func (m *marathon) active() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m.faults)) {
		if m.faults[name] {
			out = append(out, name)
		}
	}
	return out
}

func (c *Cluster) marathonNames() []string { return slices.Sorted(maps.Keys(c.marathons)) }

func (m *marathon) fault(name, arg string) error {
	known := slices.ContainsFunc(marathonFaults(), func(l string) bool { return strings.Fields(l)[0] == name })
	if !known {
		if f, ok := m.handler.(faulty); ok {
			return f.Fault(name, arg)
		}
		return fmt.Errorf("there is no such fault of a Marathon; known:\n  %s", strings.Join(marathonFaults(), "\n  "))
	}
	if arg != "" && arg != off {
		return fmt.Errorf("takes no argument but %s", off)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults[name] = arg != off
	return nil
}

func (m *marathon) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case m.on(faultDown):
		panic(http.ErrAbortHandler)
	case m.on(faultHang):
		<-r.Context().Done()
	case m.on(faultHTML):
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><body><h1>Welcome to nginx!</h1></body></html>\n")
	case m.on(faultError):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"message":"Internal server error"}`)
	case m.on(faultRedirectLoop):
		http.Redirect(w, r, r.URL.Path+"?again="+fmt.Sprint(len(r.URL.RawQuery)), http.StatusFound)
	case m.on(faultHalf):
		m.half(w, r)
	default:
		m.handler.ServeHTTP(w, r)
	}
}

// half sends the first half of an answer that says how long all of it is.
func (m *marathon) half(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{header: http.Header{}, code: http.StatusOK}
	m.handler.ServeHTTP(rec, r)
	for k, v := range rec.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", fmt.Sprint(max(len(rec.body), 2)))
	w.WriteHeader(rec.code)
	_, _ = w.Write(rec.body[:len(rec.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	code   int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(code int) { r.code = code }

func (r *recorder) Write(p []byte) (int, error) {
	r.body = append(r.body, p...)
	return len(p), nil
}
