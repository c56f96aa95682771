package marathond

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// appHandlers are those of one app: the id may be long, and what follows it is known by its word.
func (s *Server) appHandlers(rest string) handlers {
	id, sub := splitApp(rest)
	as := func(f func(*request, string) answer) func(*request, string) answer {
		return func(q *request, _ string) answer { return f(q, id) }
	}
	switch {
	case rest == "*" || strings.HasSuffix(rest, "/*"):
		return handlers{"GET": func(q *request, _ string) answer {
			return s.appsBelow(appdef.Absolute(strings.TrimSuffix(rest, "*"), "/"))
		}}
	case sub == "":
		return handlers{"GET": as(s.getApp), "PUT": as(s.putApp), "PATCH": as(s.patchApp), "DELETE": as(s.deleteApp)}
	case sub == "restart":
		return handlers{"POST": as(s.restart)}
	case sub == "versions":
		return handlers{"GET": as(s.listVersions)}
	case strings.HasPrefix(sub, "versions/"):
		return handlers{"GET": func(*request, string) answer { return s.getVersion(id, strings.TrimPrefix(sub, "versions/")) }}
	case sub == "tasks":
		return handlers{"GET": as(s.appTasks), "DELETE": as(s.killTasks)}
	default:
		return handlers{"DELETE": func(q *request, _ string) answer { return s.killTask(q, id, strings.TrimPrefix(sub, "tasks/")) }}
	}
}

// splitApp parts "a/b/tasks/x" into the id and what is asked of it.
func splitApp(rest string) (id, sub string) {
	parts := strings.Split(rest, "/")
	n := len(parts)
	switch {
	case n > 1 && slices.Contains([]string{"restart", "versions", "tasks"}, parts[n-1]):
		return appdef.Absolute(strings.Join(parts[:n-1], "/"), "/"), parts[n-1]
	case n > 2 && slices.Contains([]string{"versions", "tasks"}, parts[n-2]):
		return appdef.Absolute(strings.Join(parts[:n-2], "/"), "/"), parts[n-2] + "/" + parts[n-1]
	}
	return appdef.Absolute(rest, "/"), ""
}

func (s *Server) listApps(q *request, _ string) answer {
	keep, bad := s.filter(q)
	if bad != nil {
		return *bad
	}
	list := []any{}
	for _, id := range s.root.ids() {
		a := s.root.apps[id]
		if !keep(a) {
			continue
		}
		if text := appdef.BrokenCheck(a.def); text != "" {
			return fail(http.StatusInternalServerError, text)
		}
		list = append(list, s.withStatus(a, embeds(q)))
	}
	return ok(object{"apps": list})
}

// embeds are the words of embed without their prefixes.
func embeds(q *request) []string {
	var out []string
	for _, e := range q.query["embed"] {
		for _, p := range []string{"group.apps.", "apps.", "app."} {
			e = strings.TrimPrefix(e, p)
		}
		out = append(out, e)
	}
	return out
}

func (s *Server) getApp(q *request, id string) answer {
	a := s.root.apps[id]
	if a == nil {
		return noApp(id, true)
	}
	if text := appdef.BrokenCheck(a.def); text != "" {
		return fail(http.StatusInternalServerError, text)
	}
	return ok(object{"app": s.withStatus(a, append(embeds(q), "tasks", "lastTaskFailure"))})
}

func (s *Server) appsBelow(g string) answer {
	if _, ok := s.root.groups[g]; !ok {
		return notFound("Group '"+g+"' does not exist", true)
	}
	list := []any{}
	for _, id := range s.root.ids() {
		if a := s.root.apps[id]; below(id, g) {
			if text := appdef.BrokenCheck(a.def); text != "" {
				return fail(http.StatusInternalServerError, text)
			}
			list = append(list, s.withStatus(a, []string{"tasks", "lastTaskFailure"}))
		}
	}
	return ok(object{"*": list})
}

// definition is an app as GET shows it, without status.
func definition(a *app) object {
	out := maps.Clone(a.def)
	out["id"], out["version"] = a.id, a.version
	out["versionInfo"] = object{"lastScalingAt": a.scaled, "lastConfigChangeAt": a.config}
	return out
}

// withStatus is an app with counts, deployments and what else is asked for.
func (s *Server) withStatus(a *app, embed []string) object {
	out := definition(a)
	for k, n := range s.counts(a) {
		out[k] = n
	}
	ds := []any{}
	for _, d := range s.deployments {
		if slices.Contains(d.apps(), a.id) {
			ds = append(ds, object{"id": d.id})
		}
	}
	out["deployments"] = ds
	if slices.Contains(embed, "tasks") || slices.Contains(embed, "failures") {
		out["tasks"] = s.tasksOf(a.id, false)
	}
	if f := s.failures[a.id]; f != nil && (slices.Contains(embed, "lastTaskFailure") || slices.Contains(embed, "failures")) {
		out["lastTaskFailure"] = f
	}
	if slices.Contains(embed, "readiness") {
		out["readinessCheckResults"] = []any{}
	}
	if slices.Contains(embed, "taskStats") {
		out["tasksStats"] = s.taskStats(a)
	}
	return out
}

// counts are the numbers of tasks by state; health counts only where there are checks.
func (s *Server) counts(a *app) map[string]int {
	out := map[string]int{"tasksStaged": 0, "tasksRunning": 0, "tasksHealthy": 0, "tasksUnhealthy": 0}
	for _, i := range s.instances[a.id] {
		switch {
		case i.running:
			out["tasksRunning"]++
		case i.staged:
			out["tasksStaged"]++
		}
		if i.running && i.healthy != nil {
			if *i.healthy {
				out["tasksHealthy"]++
			} else {
				out["tasksUnhealthy"]++
			}
		}
	}
	return out
}

func (s *Server) listVersions(_ *request, id string) answer {
	if s.root.apps[id] == nil {
		return noApp(id, true)
	}
	list := []any{}
	for v := range s.history[id] { // the real one's list has no order either
		list = append(list, v)
	}
	return ok(object{"versions": list})
}

func (s *Server) getVersion(id, version string) answer {
	if s.root.apps[id] == nil {
		return noApp(id, true)
	}
	if !appdef.IsTimestamp(version) {
		return fail(http.StatusUnprocessableEntity, "Invalid timestamp provided '"+version+"'. Expecting ISO-8601 datetime string.")
	}
	a := s.history[id][version]
	if a == nil {
		return notFound("App '"+id+"' does not exist in version "+version, true)
	}
	return ok(definition(a))
}
