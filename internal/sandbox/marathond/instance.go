package marathond

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// instance is one place of an app, with the task that fills it.
type instance struct {
	id        string // <app with _>.instance-<uuid>
	app       string
	number    int // of the task: counts up when the place is filled again
	epoch     int // moves with every change, so that what was planned for before is void
	version   string
	config    string
	agent     int
	ports     []int
	since     time.Time // waits for an offer since
	stagedAt  time.Time
	started   time.Time
	staged    bool // there is a task
	running   bool
	killing   bool
	ready     bool  // its readiness check passed, or it has none
	healthy   *bool // nil: no check has looked yet
	failed    string
	condition string // as events called it last
}

func (i *instance) task() string { return fmt.Sprintf("%s._app.%d", i.id, i.number) }

// isReady reports whether a deployment counts the instance as doing its work.
func (i *instance) isReady(a *app) bool {
	if i.killing || !i.running {
		return false
	}
	if len(appdef.List(a.def["healthChecks"])) > 0 && (i.healthy == nil || !*i.healthy) {
		return false
	}
	return i.ready || len(appdef.List(a.def["readinessChecks"])) == 0
}

// later does something with an instance unless something else happened to it first.
func (s *Server) later(i *instance, d time.Duration, do func()) {
	i.epoch++
	epoch := i.epoch
	s.after(d, func() {
		if i.epoch == epoch && slices.Contains(s.instances[i.app], i) {
			do()
			s.progress(i.app)
		}
	})
}

// launch makes a place for a task of an app.
func (s *Server) launch(a *app) *instance {
	i := &instance{id: strings.ReplaceAll(strings.Trim(a.id, "/"), "/", "_") + ".instance-" + newID(), app: a.id, number: 1, version: a.version, config: a.config}
	s.instances[a.id] = append(s.instances[a.id], i)
	s.instanceEvent(i, "Scheduled")
	s.schedule(i, 0)
	return i
}

// schedule queues an instance; the next offer takes it.
func (s *Server) schedule(i *instance, delay time.Duration) {
	i.since = s.clock.Now().Add(delay)
	s.later(i, delay+s.o.Tick, func() { s.offer(i) })
}

func infinite(def object) bool {
	return math.IsInf(appdef.Number(def["cpus"]), 0) || math.IsInf(appdef.Number(def["mem"]), 0) || math.IsInf(appdef.Number(def["disk"]), 0)
}

// offer puts a task on an agent, unless no offer fits.
func (s *Server) offer(i *instance) {
	if a := s.root.apps[i.app]; a != nil && infinite(a.def) {
		s.poisoned = true // of the whole Marathon: nothing is launched any more
	}
	agent, _ := s.match(i)
	if agent < 0 {
		s.later(i, 40*s.o.Tick, func() { s.offer(i) })
		return
	}
	i.agent = agent
	i.ports = s.taskPorts(i)
	if i.failed != "" {
		i.number++
	}
	i.staged, i.stagedAt, i.failed = true, s.clock.Now(), ""
	s.instanceEvent(i, "Provisioned")
	if s.hit("stuck", i.app) {
		return
	}
	s.statusEvent(i, "TASK_STARTING", "")
	s.instanceEvent(i, "Starting")
	s.later(i, s.o.Tick, func() { s.run(i) })
}

// run is when the task runs.
func (s *Server) run(i *instance) {
	i.running, i.started = true, s.clock.Now()
	s.statusEvent(i, "TASK_RUNNING", "")
	s.instanceEvent(i, "Running")
	if s.hit("crash", i.app) {
		s.later(i, s.o.Tick, func() { s.crash(i, "TASK_FAILED", "Command exited with status 1") })
		return
	}
	s.later(i, s.o.Tick, func() { s.probe(i) })
}

// probe is the first health and readiness check.
func (s *Server) probe(i *instance) {
	a := s.root.apps[i.app]
	if a == nil {
		return
	}
	i.ready = true
	checks := appdef.List(a.def["healthChecks"])
	if len(checks) == 0 {
		return
	}
	healthy := !s.hit("unhealthy", i.app) && !slices.ContainsFunc(checks, func(h any) bool { return unreachable(appdef.Map(h), i) })
	i.healthy = &healthy
	s.emit("health_status_changed_event", object{"appId": i.app, "instanceId": i.id, "version": i.version, "alive": healthy})
	s.emit("instance_health_changed_event", object{"instanceId": i.id, "runSpecId": i.app, "healthy": healthy, "runSpecVersion": i.version})
	if healthy {
		return
	}
	h := appdef.Map(checks[0])
	s.emit("failed_health_check_event", object{"appId": i.app, "instanceId": i.id, "healthCheck": h})
	if appdef.Int(h["maxConsecutiveFailures"]) == 0 && appdef.HasMarathonCheck(a.def) {
		return // never killed
	}
	patience := appdef.Int(h["gracePeriodSeconds"]) + appdef.Int(h["intervalSeconds"])*appdef.Int(h["maxConsecutiveFailures"])
	s.later(i, time.Duration(patience)*time.Second, func() {
		s.emit("unhealthy_instance_kill_event", object{"appId": i.app, "taskId": i.task(), "instanceId": i.id, "version": i.version, "reason": "HTTP health check failed", "host": s.host(i)})
		s.crash(i, "TASK_KILLED", "Task was killed since health check failed. Reason: "+failureCause(h))
	})
}

// failureCause is why a check of Marathon's own fails here.
func failureCause(h object) string {
	if h["port"] == nil && h["portIndex"] == nil {
		return "UnsupportedOperationException: Health check failed: unable to get the task's effectivePort"
	}
	return "ConnectionAttemptFailedException: Connection refused"
}

// recheck lets tasks that were held up by a fault go on when it has ended.
func (s *Server) recheck() {
	for id, list := range s.instances {
		for _, i := range list {
			switch {
			case i.killing && !s.hit("unkillable", id):
				i.killing = false
				s.kill(i)
			case i.staged && !i.running && !s.hit("stuck", id):
				s.later(i, s.o.Tick, func() { s.run(i) })
			case i.running && i.healthy != nil && !*i.healthy && !s.hit("unhealthy", id):
				s.later(i, s.o.Tick, func() { s.probe(i) })
			}
		}
	}
}

// FailTask lets a task that is staged or runs fail, as one whose command exits does. It
// reports whether there is such a task.
func (s *Server) FailTask(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for app, list := range s.instances {
		for _, i := range list {
			if i.task() == id && i.staged && !i.killing {
				s.crash(i, "TASK_FAILED", "Command exited with status 1")
				s.progress(app)
				return true
			}
		}
	}
	return false
}

// crash ends a task; its place is filled again after the backoff.
func (s *Server) crash(i *instance, state, message string) {
	a := s.root.apps[i.app]
	if message != terminated {
		s.fails(i, state, message)
	}
	s.statusEvent(i, state, message)
	s.instanceEvent(i, state[len("TASK_"):len("TASK_")+1]+strings.ToLower(state[len("TASK_")+1:]))
	i.reset(state)
	if a == nil {
		s.remove(i)
		return
	}
	delay := time.Duration(0)
	if state == "TASK_FAILED" {
		delay = s.nextBackoff(a)
	}
	s.schedule(i, delay)
}

// terminated is what a task says that was told to end: no failure of the app.
const terminated = "Command terminated with signal Terminated"

// fails keeps the last failure of an app.
func (s *Server) fails(i *instance, state, message string) {
	s.failures[i.app] = object{
		"appId": i.app, "host": s.host(i), "message": message, "state": state, "taskId": i.task(),
		"timestamp": stamp(s.clock.Now()), "version": i.version, "slaveId": s.agentID(i),
	}
}

func (i *instance) reset(failed string) {
	i.staged, i.running, i.ready, i.healthy, i.failed, i.ports = false, false, false, nil, failed, nil
}

func (s *Server) nextBackoff(a *app) time.Duration {
	last := s.backoff[a.id]
	next := time.Duration(appdef.Number(a.def["backoffSeconds"]) * float64(time.Second))
	if last > 0 {
		next = time.Duration(float64(last) * appdef.Number(a.def["backoffFactor"]))
	}
	next = min(next, time.Duration(appdef.Int(a.def["maxLaunchDelaySeconds"]))*time.Second)
	s.backoff[a.id] = next
	return next
}

// kill stops an instance for good.
func (s *Server) kill(i *instance) {
	if i.killing {
		return
	}
	i.killing = true
	if !i.staged { // nothing runs
		i.epoch++
		s.remove(i)
		s.after(0, func() { s.progress(i.app) }) // who counted it as being stopped counts again
		return
	}
	if s.hit("unkillable", i.app) {
		i.epoch++
		i.killing = true
		return
	}
	s.instanceEvent(i, i.condition) // its goal has changed
	s.statusEvent(i, "TASK_KILLING", "")
	s.instanceEvent(i, "Killing")
	s.later(i, s.o.Tick, func() {
		s.statusEvent(i, "TASK_KILLED", terminated)
		s.instanceEvent(i, "Killed")
		s.remove(i)
	})
}

func (s *Server) remove(i *instance) {
	list := s.instances[i.app]
	if k := slices.Index(list, i); k >= 0 {
		s.instances[i.app] = slices.Delete(slices.Clone(list), k, k+1)
	}
	if len(s.instances[i.app]) == 0 {
		delete(s.instances, i.app)
	}
}

func (s *Server) host(i *instance) string    { return s.o.Agents[i.agent] }
func (s *Server) address(i *instance) string { return fmt.Sprintf("10.0.0.%d", 21+i.agent) }
func (s *Server) agentID(i *instance) string { return fmt.Sprintf("sandbox-S%d", i.agent) }
