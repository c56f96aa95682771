package marathond

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// tasksOf lists an app's tasks. servicePorts are shown in the list of all tasks only.
func (s *Server) tasksOf(id string, servicePorts bool) []any {
	out := []any{}
	for _, i := range s.instances[id] {
		if i.staged || i.failed != "" {
			out = append(out, s.showTask(i, servicePorts))
		}
	}
	return out
}

func (s *Server) showTask(i *instance, servicePorts bool) object {
	role := ""
	services := []any{}
	if a := s.root.apps[i.app]; a != nil {
		role = appdef.Text(a.def["role"])
		if servicePorts {
			services = intList(portNumbers(a.def))
		}
	}
	out := object{
		"appId": i.app, "id": i.task(), "host": s.host(i), "slaveId": s.agentID(i), "ports": intList(i.ports), "servicePorts": services,
		"healthCheckResults": s.healthResults(i), "ipAddresses": []any{}, "localVolumes": []any{}, "role": role,
	}
	if !i.staged {
		out["state"], out["ipAddresses"] = i.failed, s.addresses(i)
		return out
	}
	out["state"], out["stagedAt"], out["version"] = "TASK_STAGING", stamp(i.stagedAt), i.version
	if i.running {
		out["state"], out["startedAt"], out["ipAddresses"] = "TASK_RUNNING", stamp(i.started), s.addresses(i)
	}
	if i.killing && !s.hit("unkillable", i.app) {
		out["state"] = "TASK_KILLING"
	}
	return out
}

func (s *Server) healthResults(i *instance) []any {
	if a := s.root.apps[i.app]; i.healthy == nil || a == nil || len(appdef.List(a.def["healthChecks"])) == 0 {
		return []any{}
	}
	r := object{"alive": *i.healthy, "consecutiveFailures": 0, "instanceId": "instance [" + i.id + "]"}
	if at := stamp(i.started); *i.healthy {
		r["firstSuccess"], r["lastSuccess"] = at, at
	} else {
		r["consecutiveFailures"], r["lastFailure"], r["lastFailureCause"] = 1, at, failureCause(appdef.Map(appdef.List(s.root.apps[i.app].def["healthChecks"])[0]))
	}
	return []any{r}
}

func (s *Server) allTasks(q *request, _ string) answer {
	out := []any{}
	for _, id := range s.root.ids() {
		for _, t := range s.tasksOf(id, true) {
			state := appdef.Map(t)["state"]
			switch status := q.query.Get("status"); {
			case status == "running" && state != "TASK_RUNNING":
			case status == "staging" && state != "TASK_STAGING":
			default:
				out = append(out, t)
			}
		}
	}
	return ok(object{"tasks": out})
}

func (s *Server) appTasks(_ *request, id string) answer {
	if s.root.apps[id] == nil {
		return noApp(id, true)
	}
	return ok(object{"tasks": s.tasksOf(id, false)})
}

// killTasks stops tasks of an app; with scale there are as many fewer afterwards.
func (s *Server) killTasks(q *request, id string) answer {
	if a := s.killFlags(q); a != nil {
		return *a
	}
	if s.root.apps[id] == nil {
		return noApp(id, false)
	}
	var hit []*instance
	for _, i := range s.instances[id] {
		if host := q.query.Get("host"); host == "" || host == s.host(i) {
			hit = append(hit, i)
		}
	}
	return s.killThem(q, hit, "tasks", map[string]bool{id: q.query.Get("host") == ""})
}

func (s *Server) killFlags(q *request) *answer {
	if !q.flag("wipe", false) {
		return nil
	}
	a := fail(http.StatusBadRequest, "You cannot use scale and wipe at the same time.")
	if !q.flag("scale", false) {
		a = notSimulated("wipe")
	}
	return &a
}

func (s *Server) killTask(q *request, id, task string) answer {
	if a := s.killFlags(q); a != nil {
		return *a
	}
	if s.root.apps[id] == nil {
		return noApp(id, false)
	}
	k := slices.IndexFunc(s.instances[id], func(i *instance) bool { return i.task() == task })
	if k < 0 {
		return notFound("Task '"+task+"' does not exist", true)
	}
	return s.killThem(q, s.instances[id][k:k+1], "task", nil)
}

// killThem ends tasks, whose places are filled again, or scales their apps down. all names
// the apps whose tasks are all meant, even when there are none.
func (s *Server) killThem(q *request, hit []*instance, key string, all map[string]bool) answer {
	if !q.flag("scale", false) {
		list := []any{}
		for _, i := range hit {
			list = append(list, s.showTask(i, false))
			if i.staged && !i.killing && !s.hit("unkillable", i.app) {
				s.statusEvent(i, "TASK_KILLING", "")
				s.instanceEvent(i, "Killing")
				s.later(i, s.o.Tick, func() { s.crash(i, "TASK_KILLED", terminated) })
			}
		}
		if key == "task" {
			return answer{status: http.StatusOK, write: true, body: object{"task": list[0]}}
		}
		return answer{status: http.StatusOK, write: true, body: object{"tasks": list}}
	}
	fewer := map[string]int{}
	for id := range all {
		fewer[id] = 0
	}
	for _, i := range hit {
		fewer[i.app]++
	}
	d, refusal := s.commit(change{force: q.flag("force", false), target: "/", kill: hit, edit: func(next *root) error {
		for id, n := range fewer {
			def := appdef.Clone(next.apps[id].def)
			def["instances"] = max(0, appdef.Int(def["instances"])-n)
			keep(next, id, def)
		}
		return nil
	}})
	if refusal != nil {
		return *refusal
	}
	return written(http.StatusOK, d)
}

// deleteTasks kills tasks by id, of any app.
func (s *Server) deleteTasks(q *request, _ string) answer {
	body, bad := q.json()
	if bad != nil {
		return *bad
	}
	var want struct{ IDs []string }
	if err := unmarshal(body, &want); err != nil {
		return *badJSON(err.Error())
	}
	if a := s.killFlags(q); a != nil {
		return *a
	}
	valid := regexp.MustCompile(`^.+\.(instance-)?[0-9a-f-]{36}(\._app\.\d+)?$`)
	var hit []*instance
	for _, id := range want.IDs {
		if !valid.MatchString(id) {
			return fail(http.StatusBadRequest, "Invalid task id '"+id+"'. [taskId "+id+" no valid identifier (of class java.lang.String)]")
		}
		for _, list := range s.instances {
			for _, i := range list {
				if i.task() == id {
					hit = append(hit, i)
				}
			}
		}
	}
	if len(hit) == 0 {
		return ok(object{"tasks": []any{}})
	}
	return s.killThem(q, hit, "tasks", nil)
}

// taskStats counts tasks by what they run.
func (s *Server) taskStats(a *app) object {
	stats := func(keep func(*instance) bool) object {
		var list []*instance
		for _, i := range s.instances[a.id] {
			if keep(i) {
				list = append(list, i)
			}
		}
		saved := s.instances[a.id]
		s.instances[a.id] = list
		n := s.counts(a)
		s.instances[a.id] = saved
		counts := object{}
		for k, v := range n {
			counts[strings.ToLower(strings.TrimPrefix(k, "tasks"))] = v
		}
		out := object{"counts": counts}
		if life := s.lifeTime(list); life != nil {
			out["lifeTime"] = life
		}
		return object{"stats": out}
	}
	groups := map[string]func(*instance) bool{
		"startedAfterLastScaling": func(i *instance) bool { return i.version >= a.scaled },
		"withLatestConfig":        func(i *instance) bool { return i.config == a.config },
		"withOutdatedConfig":      func(i *instance) bool { return i.config != a.config },
		"totalSummary":            func(*instance) bool { return true },
	}
	out := object{}
	for name, keep := range groups {
		if slices.ContainsFunc(s.instances[a.id], keep) {
			out[name] = stats(keep)
		}
	}
	return out
}

// lifeTime is how long tasks have been running.
func (s *Server) lifeTime(list []*instance) object {
	var ages []float64
	sum := 0.0
	for _, i := range list {
		if i.running {
			age := s.clock.Now().Sub(i.started).Seconds()
			ages, sum = append(ages, age), sum+age
		}
	}
	if len(ages) == 0 {
		return nil
	}
	slices.Sort(ages)
	return object{"averageSeconds": sum / float64(len(ages)), "medianSeconds": ages[len(ages)/2]}
}

// A Task is a task as tests and the demo look at it.
type Task struct {
	ID      string
	App     string
	Host    string
	State   string // TASK_STAGING, TASK_RUNNING, TASK_KILLING
	Version string // of the app that it was started for
	Healthy bool   // a check passed
}

// Tasks lists all tasks, by app, oldest first; those of apps that are being deleted, too.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Task
	for _, id := range sortedKeys(s.instances) {
		for _, i := range s.instances[id] {
			if i.staged {
				out = append(out, Task{ID: i.task(), App: id, Host: s.host(i), State: appdef.Text(s.showTask(i, false)["state"]), Version: i.version, Healthy: i.healthy != nil && *i.healthy})
			}
		}
	}
	return out
}
