package marathonsim

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Version is the release whose answers are reproduced.
const Version = "1.11.26"

// Options describe one Marathon.
type Options struct {
	Name string
	Tick time.Duration // between two steps of tasks and deployments; 0: 25 ms
}

// Server is one Marathon: it leads, and it forgets everything when it is closed.
type Server struct {
	o Options

	mu          sync.Mutex
	apps        map[string]*app
	deployments []*deployment
	last        time.Time // of the last version, which are all different
	taskNumber  int
	faults      map[string]string
	timer       *time.Timer
	closed      bool
}

// New starts a Marathon without apps.
func New(o Options) *Server {
	o.Tick = cmp.Or(o.Tick, 25*time.Millisecond)
	return &Server{o: o, apps: map[string]*app{}, faults: map[string]string{}}
}

// Close stops all that moves.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	return nil
}

// ServeHTTP answers one request. Changes are worked off one at a time, as the real one does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := w.Header()
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate")
	h.Set("X-Marathon-Leader", "http://"+r.Host)
	if s.standbyFails(w) {
		return
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case path == "/ping":
		_, _ = w.Write([]byte("pong"))
	case path == "/v2/info" && r.Method == http.MethodGet:
		reply(w, http.StatusOK, s.info(r.Host))
	case path == "/v2/leader" && r.Method == http.MethodGet:
		reply(w, http.StatusOK, object{"leader": r.Host})
	case path == "/v2/deployments":
		s.serveDeployments(w, r)
	case strings.HasPrefix(path, "/v2/deployments/"):
		s.deleteDeployment(w, r, strings.TrimPrefix(path, "/v2/deployments/"))
	case path == "/v2/queue" && r.Method == http.MethodGet:
		reply(w, http.StatusOK, s.queue())
	case path == "/v2/tasks" && r.Method == http.MethodGet:
		reply(w, http.StatusOK, s.allTasks())
	case path == "/v2/apps":
		s.serveApps(w, r)
	case strings.HasPrefix(path, "/v2/apps/"):
		s.serveApp(w, r, strings.TrimPrefix(path, "/v2/apps"))
	case strings.HasPrefix(path, "/v2/groups"), path == "/v2/events", strings.HasPrefix(path, "/v2/pods"):
		fail(w, http.StatusNotImplemented, "the sandbox does not simulate "+path)
	default:
		fail(w, http.StatusInternalServerError, "URI not found") // 1.6 and later: no 404
	}
}

// standbyFails answers as a standby without a leader does.
func (s *Server) standbyFails(w http.ResponseWriter) bool {
	switch {
	case s.faults["standby"] != "":
		w.WriteHeader(http.StatusBadGateway)
	case s.faults["no-leader"] != "":
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		return false
	}
	return true
}

// Faults lists the faults, a line each.
func (s *Server) Faults() []string {
	return []string{
		"deployment-limit         writes are refused as if 100 deployments ran",
		"empty-deployments        the list of deployments is empty while some run, as after a leader change",
		"lost-reply               writes are done, and the connection closes without a reply",
		"no-leader                it answers 503 with an empty body, as during an election",
		"standby                  it answers 502 with an empty body, as a standby without a leader",
		"stuck=/ID                new tasks of the app never start",
		"unhealthy=/ID            new tasks of the app never become healthy",
	}
}

// Fault makes a fault, or ends it when arg is "off".
func (s *Server) Fault(name, arg string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.Faults() {
		known, _, _ := strings.Cut(strings.Fields(l)[0], "=")
		if known != name {
			continue
		}
		if arg == "off" {
			delete(s.faults, name)
		} else {
			s.faults[name] = cmp.Or(arg, "on")
		}
		s.wake()
		return nil
	}
	return fmt.Errorf("there is no fault %q; known:\n  %s", name, strings.Join(s.Faults(), "\n  "))
}

func (s *Server) info(host string) object {
	return object{
		"name": "marathon", "version": Version, "elected": true, "leader": host, "frameworkId": "00000000-sandbox-0000",
		"buildref": "sandbox",
		"marathon_config": object{
			"mesos_role": "*", "local_port_min": portMin, "local_port_max": portMax, "mesos_bridge_name": "mesos-bridge",
			"features": []any{}, "new_group_enforce_role": "off",
		},
		"zookeeper_config": object{}, "http_config": object{},
	}
}

// now is a version: milliseconds, never twice the same.
func (s *Server) now() string {
	t := time.Now().UTC().Truncate(time.Millisecond)
	if !t.After(s.last) {
		t = s.last.Add(time.Millisecond)
	}
	s.last = t
	return t.Format("2006-01-02T15:04:05.000Z")
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails on the systems that Go supports
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func reply(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, object{"message": message})
}

// invalid is 422 with the places that are wrong.
func invalid(w http.ResponseWriter, message string, problems []problem) {
	var details []any
	for _, p := range problems {
		details = append(details, object{"path": p.path, "errors": []any{p.text}})
	}
	reply(w, http.StatusUnprocessableEntity, object{"message": message, "details": details})
}
