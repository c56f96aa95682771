package marathonsim

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// deployment works on its apps until each is as it should be.
type deployment struct {
	id, version string
	listed      bool // it does something
	actions     []act
}

// act is one action on one app.
type act struct{ kind, app string }

func (d *deployment) apps() []string {
	var out []string
	for _, a := range d.actions {
		if !slices.Contains(out, a.app) {
			out = append(out, a.app)
		}
	}
	return out
}

// task is one instance of an app.
type task struct {
	id      string
	version string // of the configuration that it runs
	running bool
	healthy bool
	seen    bool // a health check had time to look
	port    int
}

// begin puts a deployment to work.
func (s *Server) begin(d *deployment) {
	s.deployments = append(s.deployments, d)
	s.wake()
}

// wake makes sure that the next step is taken.
func (s *Server) wake() {
	if s.closed || s.timer != nil {
		return
	}
	s.timer = time.AfterFunc(s.o.Tick, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.timer = nil
		if s.closed {
			return
		}
		s.step()
		if len(s.deployments) > 0 || s.unsettled() {
			s.wake()
		}
	})
}

// unsettled reports whether tasks still change by themselves.
func (s *Server) unsettled() bool {
	for _, a := range s.apps {
		for _, t := range a.tasks {
			if !t.running || a.checked() && !t.healthy {
				return true
			}
		}
	}
	return false
}

// step moves every task and every deployment on by one.
func (s *Server) step() {
	for _, a := range s.apps {
		s.moveTasks(a)
	}
	kept := []*deployment{}
	for _, d := range s.deployments {
		if !s.advance(d) {
			kept = append(kept, d)
		}
	}
	s.deployments = kept
}

// moveTasks lets staged tasks start and running ones become healthy, one step each.
func (s *Server) moveTasks(a *app) {
	for _, t := range a.tasks {
		switch {
		case !t.running:
			t.running = s.faults["stuck"] != a.id
		case a.checked() && !t.healthy:
			t.seen = true
			t.healthy = s.faults["unhealthy"] != a.id
		}
	}
}

// advance does one step of a deployment and reports whether it ended.
func (s *Server) advance(d *deployment) bool {
	for _, x := range d.actions {
		a, ok := s.apps[x.app]
		if !ok {
			continue
		}
		done := false
		switch x.kind {
		case "StopApplication":
			if done = len(a.tasks) == 0; done {
				delete(s.apps, a.id)
			} else {
				a.tasks = a.tasks[:len(a.tasks)-1]
			}
		case "RestartApplication":
			done = s.replace(a)
		case "StartApplication":
			done = true
		default:
			done = s.scale(a)
		}
		if !done {
			return false
		}
	}
	return true
}

func (s *Server) launch(a *app) {
	s.taskNumber++
	name := strings.ReplaceAll(strings.Trim(a.id, "/"), "/", "_")
	a.tasks = append(a.tasks, &task{
		id: name + ".instance-" + newID() + "._app.1", version: a.config, port: 31000 + s.taskNumber%1000,
	})
}

func wanted(def object) int { return intOf(def["instances"]) }

// scale starts what is missing, and stops the youngest of what is too much.
func (s *Server) scale(a *app) bool {
	n := wanted(a.def)
	switch {
	case len(a.tasks) < n:
		s.launch(a)
		return false
	case len(a.tasks) > n:
		a.tasks = a.tasks[:len(a.tasks)-1]
		return false
	default:
		return a.ready(a.config) == n
	}
}

// ready counts tasks of a configuration that do their work: healthy where there are
// checks, running where there are none. "" counts those of every configuration.
func (a *app) ready(config string) int {
	n := 0
	for _, t := range a.tasks {
		if (config == "" || t.version == config) && t.running && (t.healthy || !a.checked()) {
			n++
		}
	}
	return n
}

func (a *app) checked() bool { l, _ := a.def["healthChecks"].([]any); return len(l) > 0 }

// replace is a rolling restart: never fewer ready tasks than the minimum, never more
// tasks than the maximum. With a check of Marathon's own and no room above, it hangs,
// as the real one does: no old task counts as healthy then.
func (s *Server) replace(a *app) bool {
	n := wanted(a.def)
	old, fresh := 0, 0
	for _, t := range a.tasks {
		if t.version == a.config {
			fresh++
		} else {
			old++
		}
	}
	if old == 0 {
		return s.scale(a)
	}
	u, _ := a.def["upgradeStrategy"].(object)
	low := int(math.Ceil(float64(n) * floatOf(u["minimumHealthCapacity"])))
	high := int(math.Floor(float64(n) * (1 + floatOf(u["maximumOverCapacity"]))))
	if low >= high {
		high = n + 1
		if a.marathonCheck() && floatOf(u["maximumOverCapacity"]) == 0 {
			return false
		}
	}
	switch {
	case a.ready("") > low || a.ready(a.config) >= n:
		i := slices.IndexFunc(a.tasks, func(t *task) bool { return t.version != a.config })
		a.tasks = slices.Delete(a.tasks, i, i+1)
	case len(a.tasks) < high && fresh < n:
		s.launch(a)
	}
	return false
}

func (a *app) marathonCheck() bool {
	l, _ := a.def["healthChecks"].([]any)
	for _, h := range l {
		o, _ := h.(object)
		if p, _ := o["protocol"].(string); p == "HTTP" || p == "HTTPS" || p == "TCP" {
			return true
		}
	}
	return false
}

func (s *Server) serveDeployments(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		fail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	list := []any{}
	for _, d := range s.deployments {
		if s.faults["empty-deployments"] != "" {
			break
		}
		var steps, current []any
		for _, x := range d.actions {
			one := object{"action": x.kind, "app": x.app}
			steps = append(steps, object{"actions": []any{one}})
			current = []any{object{"action": x.kind, "app": x.app, "readinessCheckResults": []any{}}}
		}
		list = append(list, object{
			"id": d.id, "version": d.version, "affectedApps": d.apps(), "affectedPods": []any{}, "steps": steps,
			"currentActions": current, "currentStep": len(d.actions), "totalSteps": len(d.actions),
		})
	}
	reply(w, http.StatusOK, list)
}

func (s *Server) deleteDeployment(w http.ResponseWriter, r *http.Request, id string) {
	i := slices.IndexFunc(s.deployments, func(d *deployment) bool { return d.id == id })
	switch {
	case r.Method != http.MethodDelete:
		fail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	case i < 0:
		reply(w, http.StatusNotFound, object{"message": "DeploymentPlan " + id + " does not exist", "details": []any{}})
	case flag(r, "force", false): // only stopped: the new definition stays, the tasks are mixed
		s.deployments = slices.Delete(s.deployments, i, i+1)
		w.WriteHeader(http.StatusAccepted)
	default:
		fail(w, http.StatusNotImplemented, "the sandbox does not simulate reverting a deployment; force=true stops it")
	}
}

// queue lists apps that wait for tasks to start.
func (s *Server) queue() object {
	list := []any{}
	for _, id := range s.ids() {
		a := s.apps[id]
		waiting := max(0, wanted(a.def)-len(a.tasks))
		for _, t := range a.tasks {
			if !t.running {
				waiting++
			}
		}
		if waiting == 0 {
			continue
		}
		list = append(list, object{
			"app": s.echo(a), "count": waiting, "delay": object{"timeLeftSeconds": 0, "overdue": true}, "since": a.version,
			"processedOffersSummary": object{"processedOffersCount": 0, "unusedOffersCount": 0, "rejectSummaryLastOffers": []any{}, "rejectSummaryLaunchAttempt": []any{}},
		})
	}
	return object{"queue": list}
}

func taskList(a *app) []any {
	out := []any{}
	for _, t := range a.tasks {
		state := "TASK_STAGING"
		if t.running {
			state = "TASK_RUNNING"
		}
		out = append(out, object{"id": t.id, "appId": a.id, "host": "a1", "state": state, "ports": []any{t.port}, "version": t.version})
	}
	return out
}

func (s *Server) allTasks() object {
	out := []any{}
	for _, id := range s.ids() {
		out = append(out, taskList(s.apps[id])...)
	}
	return object{"tasks": out}
}
