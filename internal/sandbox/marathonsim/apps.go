package marathonsim

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
)

// app is one app with its history and tasks.
type app struct {
	id       string
	def      object            // as GET shows it, without status
	version  string            // of the definition
	config   string            // version of the last change that was more than scaling
	scaled   string            // version of the last change
	versions map[string]object // all definitions
	tasks    []*task
}

func (s *Server) serveApps(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		list := []any{}
		for _, id := range s.ids() {
			list = append(list, s.echo(s.apps[id]))
		}
		reply(w, http.StatusOK, object{"apps": list})
	case http.MethodPost:
		body, ok := readObject(w, r)
		if !ok {
			return
		}
		id, _ := body["id"].(string)
		s.create(w, r, absolute(id), body)
	case http.MethodPut, http.MethodPatch:
		fail(w, http.StatusNotImplemented, "the sandbox does not simulate bulk writes")
	default:
		fail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	}
}

func (s *Server) ids() []string {
	out := make([]string, 0, len(s.apps))
	for id := range s.apps {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func (s *Server) serveApp(w http.ResponseWriter, r *http.Request, rest string) {
	id, sub := absolute(rest), ""
	for _, known := range []string{"/restart", "/versions", "/tasks"} {
		if i := strings.Index(rest, known); i > 0 && (len(rest) == i+len(known) || rest[i+len(known)] == '/') {
			id, sub = absolute(rest[:i]), rest[i:]
		}
	}
	a, exists := s.apps[id]
	if !exists && (sub != "" || r.Method != http.MethodPut) {
		notFound(w, id, r.Method)
		return
	}
	switch {
	case sub == "/versions" && r.Method == http.MethodGet:
		s.listVersions(w, a)
	case strings.HasPrefix(sub, "/versions/") && r.Method == http.MethodGet:
		s.oneVersion(w, a, strings.TrimPrefix(sub, "/versions/"))
	case sub == "/tasks" && r.Method == http.MethodGet:
		reply(w, http.StatusOK, object{"tasks": taskList(a)})
	case sub == "/restart" && r.Method == http.MethodPost:
		s.restart(w, r, a)
	case sub != "":
		fail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	case r.Method == http.MethodGet:
		e := s.echo(a)
		e["tasks"] = taskList(a)
		reply(w, http.StatusOK, object{"app": e})
	case r.Method == http.MethodPut, r.Method == http.MethodPatch:
		s.update(w, r, id)
	case r.Method == http.MethodDelete:
		s.remove(w, r, a)
	default:
		fail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	}
}

func notFound(w http.ResponseWriter, id, method string) {
	body := object{"message": "App '" + id + "' does not exist"}
	if method == http.MethodGet {
		body["details"] = []any{}
	}
	reply(w, http.StatusNotFound, body)
}

func absolute(id string) string { return path.Clean("/" + id) }

// maxBody is what ZooKeeper takes in one node. The real leader ends beyond it; here the
// connection breaks, which is what its client sees.
const maxBody = 1 << 20

// readObject reads a JSON object; an array or string is read as one without members.
func readObject(w http.ResponseWriter, r *http.Request) (object, bool) {
	if ct := r.Header.Get("Content-Type"); ct != "" && !strings.HasPrefix(ct, "application/json") {
		fail(w, http.StatusUnsupportedMediaType, "Unsupported Media Type")
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(data) > maxBody {
		panic(http.ErrAbortHandler)
	}
	if len(data) == 0 {
		reply(w, http.StatusBadRequest, object{"message": "Please specify data in JSON format", "details": "no body"})
		return nil, false
	}
	var v any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		reply(w, http.StatusBadRequest, object{"message": "Invalid JSON", "details": err.Error()})
		return nil, false
	}
	o, ok := v.(object)
	if !ok {
		o = object{}
	}
	return o, true
}

// echo is an app as GET shows it.
func (s *Server) echo(a *app) object {
	out := object{}
	for k, v := range a.def {
		out[k] = v
	}
	out["id"], out["version"] = a.id, a.version
	out["versionInfo"] = object{"lastScalingAt": a.scaled, "lastConfigChangeAt": a.config}
	staged, running, healthy, unhealthy := 0, 0, 0, 0
	for _, t := range a.tasks {
		switch {
		case !t.running:
			staged++
		default:
			running++
			if a.checked() && t.healthy {
				healthy++
			}
			if a.checked() && t.seen && !t.healthy {
				unhealthy++
			}
		}
	}
	out["tasksStaged"], out["tasksRunning"], out["tasksHealthy"], out["tasksUnhealthy"] = staged, running, healthy, unhealthy
	ds := []any{}
	for _, d := range s.deployments {
		if slices.Contains(d.apps(), a.id) {
			ds = append(ds, object{"id": d.id})
		}
	}
	out["deployments"] = ds
	return out
}

func (s *Server) listVersions(w http.ResponseWriter, a *app) {
	list := []any{}
	for v := range a.versions { // the real one's list has no order either
		list = append(list, v)
	}
	reply(w, http.StatusOK, object{"versions": list})
}

func (s *Server) oneVersion(w http.ResponseWriter, a *app, v string) {
	def, ok := a.versions[v]
	if !ok {
		fail(w, http.StatusNotFound, "App '"+a.id+"' does not exist in version "+v)
		return
	}
	out := object{"id": a.id, "version": v}
	for k, x := range def {
		out[k] = x
	}
	reply(w, http.StatusOK, out)
}
