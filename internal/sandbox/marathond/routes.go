package marathond

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// A route answers one resource, by method.
type route struct {
	methods map[string]func(*request, string) answer // the string is what follows the prefix
}

func (r route) allowed() string {
	var out []string
	for _, m := range []string{"HEAD", "POST", "GET", "OPTIONS", "PUT", "PATCH", "DELETE"} {
		switch {
		case m == "OPTIONS", r.methods[m] != nil, m == "HEAD" && r.methods["GET"] != nil:
			out = append(out, m)
		}
	}
	return strings.Join(out, ",")
}

type handlers = map[string]func(*request, string) answer

// answer routes a request. The order of the refusals is that of the real one: where, how,
// what kind of body, what kind of answer.
func (s *Server) answer(q *request) answer {
	r, rest, known := s.find(q.path)
	if !known {
		return s.outside(q)
	}
	h := r.methods[q.method]
	switch {
	case q.method == http.MethodOptions:
		return answer{status: http.StatusOK, header: map[string]string{"Allow": r.allowed()}}
	case h == nil:
		return notAllowed()
	case slices.Contains([]string{"POST", "PUT", "PATCH"}, q.method) && !q.supported():
		return fail(http.StatusUnsupportedMediaType, "Unsupported Media Type")
	case !q.acceptable():
		return fail(http.StatusNotAcceptable, "Not Acceptable")
	}
	if a := s.overloaded(q); a != nil {
		return *a
	}
	return h(q, rest)
}

func one(a func() answer) handlers {
	return handlers{"GET": func(*request, string) answer { return a() }}
}

// find looks for the resource of a path.
func (s *Server) find(path string) (route, string, bool) {
	exact := map[string]handlers{
		"/v2/apps":         {"GET": s.listApps, "POST": s.createApp, "PUT": s.putApps, "PATCH": s.patchApps},
		"/v2/deployments":  one(s.listDeployments),
		"/v2/info":         {"GET": s.info},
		"/v2/leader":       {"GET": s.leader, "DELETE": func(*request, string) answer { return s.abdicate() }},
		"/v2/queue":        one(s.queue),
		"/v2/tasks":        {"GET": s.allTasks},
		"/v2/tasks/delete": {"POST": s.deleteTasks},
		"/v2/pods":         {"GET": s.listPods, "POST": refusePods},
		"/v2/plugins":      one(func() answer { return ok(object{"plugins": []any{}}) }),
		"/v2/groups":       {"GET": s.getGroup, "PUT": s.putGroup, "POST": s.postGroup, "DELETE": s.deleteGroup, "PATCH": s.patchGroup},
	}
	if h, ok := exact[path]; ok {
		return route{h}, "", true
	}
	prefixes := []struct {
		prefix string
		h      func(string) handlers
	}{
		{"/v2/apps/", s.appHandlers},
		{"/v2/groups/", s.groupHandlers},
		{"/v2/deployments/", func(rest string) handlers {
			if strings.Contains(rest, "/") {
				return nil
			}
			return handlers{"DELETE": s.cancelDeployment}
		}},
		{"/v2/queue/", s.queueHandlers},
		{"/v2/pods/", func(string) handlers { return podHandlers(s) }},
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(path, p.prefix); ok {
			h := p.h(rest)
			return route{h}, rest, h != nil
		}
	}
	return route{}, "", false
}

// outside is what is not part of /v2, and what is not there: 500 since 1.6.
func (s *Server) outside(q *request) answer {
	if q.method == http.MethodGet {
		switch q.path {
		case "/ping":
			return ping(q)
		case "/":
			return answer{status: http.StatusFound, header: map[string]string{"Location": "http://" + q.host + "/ui/"}}
		case "/ui":
			return answer{status: http.StatusFound, header: map[string]string{"Location": "/ui/"}}
		case "/help":
			return answer{status: http.StatusFound, header: map[string]string{"Location": "api-console/index.html"}}
		case "/metrics":
			return notSimulated("metrics")
		case "/metrics/prometheus":
			if !strings.Contains(q.accept, "text") && !strings.Contains(q.accept, "*/*") {
				return fail(http.StatusNotAcceptable, "Not Acceptable")
			}
			return notSimulated("metrics")
		}
	}
	return fail(http.StatusInternalServerError, "URI not found")
}

// console is the answer for the files of the web console and of the API's description: the
// recorded one had none of them either. 0 is another path.
func console(q *request) int {
	switch {
	case q.method != http.MethodGet:
		return 0
	case q.path == "/public/api":
		return http.StatusForbidden // a directory
	case strings.HasPrefix(q.path, "/public/"), q.path == "/ui" && strings.HasSuffix(q.raw, "/"), strings.HasPrefix(q.path, "/ui/"):
		return http.StatusNotFound
	}
	return 0
}

func ping(q *request) answer {
	switch {
	case strings.Contains(q.accept, "json") && !strings.Contains(q.accept, "text"):
		return ok("pong")
	case q.accept == "" || strings.Contains(q.accept, "text/") || strings.Contains(q.accept, "*/*"):
		a := ok(rawText("pong"))
		a.header = map[string]string{"Content-Type": "text/plain"}
		return a
	}
	return answer{status: http.StatusNoContent}
}

func (s *Server) leader(q *request, _ string) answer { return ok(object{"leader": s.self(q.host)}) }

func (s *Server) info(q *request, _ string) answer {
	var network any
	host, _, _ := strings.Cut(q.host, ":")
	if s.o.DefaultNetwork != "" {
		network = s.o.DefaultNetwork
	}
	return ok(object{
		"name": "marathon", "version": Version, "buildref": "sandbox", "elected": true, "leader": s.self(q.host), "frameworkId": "sandbox-" + cmp.Or(s.o.Name, "0000"),
		"marathon_config": object{
			"access_control_allow_origin": nil, "checkpoint": true, "decline_offer_duration": 120000, "default_network_name": network,
			"env_vars_prefix": nil, "executor": "//cmd", "failover_timeout": 604800, "features": textList(s.o.Features), "framework_name": "marathon",
			"ha": true, "hostname": host, "launch_token": 100, "launch_token_refresh_interval": 30000,
			"leader_proxy_connection_timeout_ms": 5000, "leader_proxy_read_timeout_ms": 10000, "local_port_max": portMax, "local_port_min": portMin,
			"master": "zk://127.0.0.1:2181/mesos", "max_instances_per_offer": 5, "mesos_bridge_name": "mesos-bridge",
			"mesos_heartbeat_failure_threshold": 5, "mesos_heartbeat_interval": 15000, "mesos_leader_ui_url": "http://127.0.0.1:5050/",
			"mesos_role": s.o.Role, "mesos_user": "root", "min_revive_offers_interval": 5000, "new_group_enforce_role": "Off",
			"offer_matching_timeout": 3000, "on_elected_prepare_timeout": 180000, "reconciliation_initial_delay": 15000,
			"reconciliation_interval": 600000, "scale_apps_initial_delay": 15000, "scale_apps_interval": 300000, "store_cache": true,
			"task_launch_confirm_timeout": 300000, "task_launch_timeout": 300000, "task_lost_expunge_initial_delay": 300000,
			"task_lost_expunge_interval": 30000, "task_reservation_timeout": 20000, "webui_url": nil, "maintenance_mode": true,
		},
		"zookeeper_config": object{
			"zk": "zk://127.0.0.1:2181/marathon", "zk_compression": true, "zk_compression_threshold": 65536, "zk_connection_timeout": 10000,
			"zk_max_node_size": 1024000, "zk_max_versions": 50, "zk_session_timeout": 10000, "zk_timeout": 10000,
		},
		"http_config": object{"http_port": 8080, "https_port": 8443},
	})
}
