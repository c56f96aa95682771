package marathond

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// Faults lists what a Marathon can have, a line each: how it is written, what it does.
func (s *Server) Faults() []string {
	return []string{
		"crash=/ID                new tasks of the app fail as soon as they run",
		"deployment-limit         writes are refused as if 100 deployments ran",
		"dies-after-write=/ID     once: the app's next write is stored, not answered and not deployed; then another node leads",
		"election=MS              it answers 503 with an empty body for so many milliseconds",
		"empty-deployments        the list of deployments is empty while some run, as after a leader change",
		"error500                 it answers 500 to everything",
		"extra-fields             answers have fields that no release knows, at every depth",
		"half-body                its answers break off in the middle",
		"hang                     it accepts requests and says nothing",
		"html                     something that speaks HTML answers with 200",
		"leader-change            once: streams end, apps are read back from the store, deployments are not listed for 2 s",
		"lose-deployments         once: those that run are forgotten; after 2 s apps get their number of tasks, whatever those run with",
		"lost-reply               writes are done, and the connection closes without a reply",
		"no-leader                it answers 503 with an empty body, as during an election",
		"no-offers=/ID            no offer fits new tasks of the app: they wait in the queue",
		"redirect-loop            it redirects to itself for ever",
		"shuffle                  lists whose order means nothing come in another one each time",
		"slow=MS                  every answer takes so many milliseconds more",
		"stale                    reads are answered with what was when this began; writes are done",
		"standby                  it answers 502 with an empty body, as a standby without a leader",
		"stuck=/ID                new tasks of the app are staged and never run",
		"unhealthy=/ID            new tasks of the app never become healthy",
		"unkillable=/ID           tasks of the app ignore that they are killed",
	}
}

// ActiveFaults lists those that are on, as they are written, sorted.
func (s *Server) ActiveFaults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for name, args := range s.faults {
		for arg := range args {
			out = append(out, strings.TrimSuffix(name+"="+arg, "="))
		}
	}
	slices.Sort(out)
	return out
}

// Fault makes a fault, or ends it when arg is "off". One with an app may be made for several.
func (s *Server) Fault(name, arg string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.Faults() {
		known, wants, _ := strings.Cut(strings.Fields(l)[0], "=")
		if known != name {
			continue
		}
		if err := checkArgument(wants, arg); err != nil {
			return err
		}
		s.setFault(name, arg)
		return nil
	}
	return fmt.Errorf("there is no fault %q; known:\n  %s", name, strings.Join(s.Faults(), "\n  "))
}

func checkArgument(wants, arg string) error {
	switch {
	case arg == "off":
	case wants == "/ID" && !strings.HasPrefix(arg, "/"):
		return fmt.Errorf("wants the id of an app, as in /www, or off; got %q", arg)
	case wants == "" && arg != "":
		return errors.New("takes no argument but off")
	case wants == "MS":
		if n, err := strconv.Atoi(arg); err != nil || n < 0 {
			return fmt.Errorf("wants milliseconds or off; got %q", arg)
		}
	}
	return nil
}

func (s *Server) setFault(name, arg string) {
	switch {
	case arg == "off":
		delete(s.faults, name)
		if name == faultStale {
			s.frozen = nil
		}
	case name == "leader-change":
		s.abdicate()
	case name == faultLose:
		s.loseDeployments()
	case name == faultElects:
		s.elects(arg)
	case name == faultStale:
		s.freeze()
		s.faults[name] = map[string]bool{arg: true}
	case s.faults[name] == nil || name == "slow":
		s.faults[name] = map[string]bool{arg: true}
	default:
		s.faults[name][arg] = true
	}
	s.recheck()
}

func (s *Server) on(name string) bool { return len(s.faults[name]) > 0 }

func (s *Server) hit(name, app string) bool { return s.faults[name][app] }

// abdicate is a change of the leader, short and at once: what was only in memory is gone.
func (s *Server) abdicate() answer {
	s.takeOver()
	s.faults["empty-deployments"] = map[string]bool{"": true}
	s.after(2*time.Second, func() { delete(s.faults, "empty-deployments") })
	return abdicated()
}

func abdicated() answer {
	return ok(object{"message": "Leadership abdicated", "details": []any{}})
}

// disturbed answers in place of Marathon when a fault says so.
func (s *Server) disturbed(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	var name string
	for _, n := range []string{"hang", "html", "error500", "redirect-loop", "standby", "no-leader", "half-body"} {
		if s.on(n) {
			name = n
			break
		}
	}
	wait := s.slowness()
	s.mu.Unlock()
	if wait > 0 && !s.pause(r, wait) {
		return true
	}
	switch name {
	case "":
		return false
	case "hang":
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
	case "html":
		text(w, http.StatusOK, "<!DOCTYPE html><html><body><h1>Welcome to nginx!</h1></body></html>\n")
	case "error500":
		fail(http.StatusInternalServerError, "Internal server error").send(w, false)
	case "redirect-loop":
		http.Redirect(w, r, r.URL.Path+"?again="+strconv.Itoa(len(r.URL.RawQuery)), http.StatusFound)
	case "standby":
		leaderless(w, r, http.StatusBadGateway, "Could not determine the current leader")
	case "no-leader":
		leaderless(w, r, http.StatusServiceUnavailable, "Service Unavailable")
	default:
		s.half(w, r)
	}
	return true
}

func (s *Server) slowness() time.Duration {
	for arg := range s.faults["slow"] {
		n, _ := strconv.Atoi(arg) // checked when it was set
		return time.Duration(n) * time.Millisecond
	}
	return 0
}

// pause waits, and reports whether the caller is still there.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	over := make(chan struct{})
	cancel := s.clock.AfterFunc(d, func() { close(over) })
	defer cancel()
	select {
	case <-over:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// leaderless is an error of the proxy: HTML for who takes it, else empty.
func leaderless(w http.ResponseWriter, r *http.Request, status int, message string) {
	w.Header().Set("Cache-Control", "must-revalidate,no-cache,no-store")
	if takesHTML(r) {
		text(w, status, fmt.Sprintf("<html><head><title>Error %d %s</title></head><body><h2>HTTP ERROR %d</h2></body></html>\n", status, message, status))
		return
	}
	w.WriteHeader(status)
}

// half sends the first half of an answer that says how long all of it is.
func (s *Server) half(w http.ResponseWriter, r *http.Request) {
	rec := newRecorder()
	s.serve(rec, r)
	for k, v := range rec.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", strconv.Itoa(max(len(rec.body), 2)))
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body[:len(rec.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// overloaded is a leader that is kept busy by a health check without a pause: everything
// but reading and deleting ends in a time-out.
func (s *Server) overloaded(q *request) *answer {
	if q.method == http.MethodGet || q.method == http.MethodDelete {
		return nil
	}
	for _, a := range s.root.apps {
		for _, h := range appdef.List(a.def["healthChecks"]) {
			if m := appdef.Map(h); appdef.Int(m["intervalSeconds"]) == 0 && appdef.HasMarathonCheck(object{"healthChecks": []any{h}}) {
				bad := fail(http.StatusServiceUnavailable, "Futures timed out after [10000 milliseconds]")
				return &bad
			}
		}
	}
	return nil
}
