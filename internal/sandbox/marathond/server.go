package marathond

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// Version is the release whose answers are reproduced.
const Version = "1.11.26"

const pathEvents = "/v2/events"

// Options describe one Marathon. The zero value is a Marathon with the flags' defaults
// and the two agents of the example cluster.
type Options struct {
	Name           string        // what the mesh calls it; on the wire only a part of the framework's id
	Address        string        // its own host:port, as it names the leader; "": the one that the request names
	Agents         []string      // host names of the agents; none: a1, a2
	GPUs           int           // of each agent
	Tick           time.Duration // one step of a task: staged, running, healthy, gone; 0: 25 ms
	Clock          Clock         // nil: the time of day
	Role           string        // --mesos_role; "": *
	DefaultNetwork string        // --default_network_name
	Features       []string      // --enable_features
	// Changed is called after each change of what Snapshot prints; nil: nobody asks. It must
	// not call the server.
	Changed func()
}

// Server is one Marathon: it leads. What Snapshot prints outlives it, nothing else.
type Server struct {
	o      Options
	clock  Clock
	reader *appdef.Reader

	mu          sync.Mutex
	closed      bool
	done        chan struct{} // closed by Close
	agenda      agenda
	root        *root
	history     map[string]map[string]*app // id → version → app
	roots       []*root                    // the last ones, for groups' versions
	instances   map[string][]*instance     // by app, oldest first
	failures    map[string]object          // last task failure, by app
	backoff     map[string]time.Duration
	checks      map[string]int // health checks that were added, by app
	deployments []*deployment
	last        time.Time // of the last version: no two are the same
	reverted    string    // the version that every revert gives
	ports       int
	poisoned    bool // an app with infinite resources was launched
	leaderless  bool // deployments stand still, and no offer is looked at
	streams     map[*stream]bool
	faults      map[string]map[string]bool // name → arguments
	frozen      *moment                    // what reads are answered from; nil: what is
	turns       int                        // counts answers whose lists were turned
}

// New starts a Marathon without apps.
func New(o Options) *Server {
	o.Tick = cmp.Or(o.Tick, 25*time.Millisecond)
	if o.Clock == nil {
		o.Clock = RealClock{}
	}
	if len(o.Agents) == 0 {
		o.Agents = []string{"a1", "a2"}
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	o.Role = cmp.Or(o.Role, "*")
	s := &Server{
		o: o, clock: o.Clock, done: make(chan struct{}),
		reader:  appdef.New(appdef.Settings{Role: o.Role, DefaultNetwork: o.DefaultNetwork, Features: o.Features}),
		history: map[string]map[string]*app{}, instances: map[string][]*instance{}, failures: map[string]object{},
		backoff: map[string]time.Duration{}, checks: map[string]int{}, streams: map[*stream]bool{}, faults: map[string]map[string]bool{},
	}
	s.root = &root{version: s.now(), apps: map[string]*app{}, groups: map[string]group{"/": {}}, pods: map[string]bool{}}
	return s
}

// Close stops all that moves, and ends what waits: event streams and hanging requests.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.done)
	if s.agenda.stop != nil {
		s.agenda.stop()
	}
	return nil
}

// ServeHTTP answers one request. Changes are worked off one at a time, as the real one does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.disturbed(w, r) {
		return
	}
	s.serve(w, r)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	q, early := read(r)
	leaderHeaders(w.Header(), s.self(r.Host))
	if early != nil {
		early.send(w, false)
		return
	}
	if q.path == pathEvents && q.method == http.MethodGet {
		s.serveEvents(w, r)
		return
	}
	if status := console(q); status != 0 {
		refusePage(w, r, status, http.StatusText(status))
		return
	}
	s.mu.Lock()
	a := s.told(q)
	if a.write && s.on("lost-reply") {
		a.abort = true
	}
	s.mu.Unlock()
	a.send(w, q.head)
}

// self is what it calls itself to a caller that used this one.
func (s *Server) self(used string) string { return cmp.Or(s.o.Address, used) }

func leaderHeaders(h http.Header, host string) {
	h.Set("X-Marathon-Leader", "http://"+host)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-XSS-Protection", "1; mode=block")
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
}

const stampFormat = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampFormat) }

// now is a version: milliseconds, never twice the same.
func (s *Server) now() string {
	t := s.clock.Now().UTC().Truncate(time.Millisecond)
	if !t.After(s.last) {
		t = s.last.Add(time.Millisecond)
	}
	s.last = t
	return stamp(t)
}

// newID is a version 4 UUID.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails on the systems that Go supports
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
