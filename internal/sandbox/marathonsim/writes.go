package marathonsim

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// maxDeployments is how many may run; beyond it every write is 403 (1.6 and later).
const maxDeployments = 100

// flag reads a boolean parameter: absent or empty is the default, true in any case is
// true, and every other word is false.
func flag(r *http.Request, name string, standard bool) bool {
	v := r.URL.Query().Get(name)
	if v == "" {
		return standard
	}
	return strings.EqualFold(v, "true")
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, id string, body object) {
	if _, exists := s.apps[id]; exists {
		if s.locked(w, r, id) {
			return
		}
		fail(w, http.StatusConflict, "An app with id ["+id+"] already exists.")
		return
	}
	def, problems := normalise(id, body)
	if len(problems) > 0 {
		invalid(w, "Object is not valid", problems)
		return
	}
	if s.full(w) {
		return
	}
	shown := copyOf(def) // the answer still has service port 0 and no versionInfo
	a, d := s.put(id, def)
	e := s.echo(a)
	for k, v := range shown {
		e[k] = v
	}
	delete(e, "versionInfo")
	e["deployments"], e["tasks"] = []any{object{"id": d.id}}, []any{}
	w.Header().Set("Location", "http://"+r.Host+id)
	w.Header().Set("Marathon-Deployment-Id", d.id)
	s.done(w, http.StatusCreated, e)
}

func (s *Server) update(w http.ResponseWriter, r *http.Request, id string) {
	body, ok := readObject(w, r)
	if !ok {
		return
	}
	a, exists := s.apps[id]
	if _, rollback := body["version"]; rollback && exists && partial(r) && len(body) <= 2 {
		fail(w, http.StatusNotImplemented, "the sandbox does not simulate rolling back to a version")
		return
	}
	if exists && partial(r) {
		merged := copyOf(a.def)
		for k, v := range body {
			if v != nil {
				merged[k] = v
			}
		}
		body = merged
	}
	def, problems := normalise(id, body)
	if len(problems) > 0 {
		invalid(w, "Object is not valid", problems)
		return
	}
	secondPass(def)
	if s.full(w) || exists && s.locked(w, r, id) {
		return
	}
	status := http.StatusOK
	if !exists {
		status = http.StatusCreated
	}
	changed, d := s.put(id, def)
	version := s.now()
	if d.listed {
		version = changed.version
	}
	w.Header().Set("Marathon-Deployment-Id", d.id)
	s.done(w, status, object{"version": version, "deploymentId": d.id})
}

func partial(r *http.Request) bool {
	return r.Method == http.MethodPatch || flag(r, "partialUpdate", true)
}

// put stores a definition and begins the deployment; one without effect has an id and
// is never listed.
func (s *Server) put(id string, def object) (*app, *deployment) {
	a, exists := s.apps[id]
	s.assignPorts(id, def)
	d := &deployment{id: newID()}
	if !exists {
		a = &app{id: id, versions: map[string]object{}}
		s.apps[id] = a
	}
	fields := changedFields(a.def, def)
	if exists && len(fields) == 0 {
		a.def = def // only the order of a set may differ
		return a, d
	}
	v := s.now()
	a.version, a.scaled = v, v
	action := "ScaleApplication"
	if !exists || len(fields) != 1 || fields[0] != "instances" {
		a.config = v
		if exists && wanted(def) > 0 && len(a.tasks) > 0 {
			action = "RestartApplication"
		}
	}
	if !exists {
		d.actions = append(d.actions, act{"StartApplication", id})
	}
	a.def = def
	a.versions[v] = def
	d.version, d.listed = v, true
	d.actions = append(d.actions, act{action, id})
	s.begin(d)
	return a, d
}

func changedFields(before, after object) []string {
	var out []string
	for k, v := range after {
		if !equal(object{k: before[k]}, object{k: v}) {
			out = append(out, k)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func equal(a, b any) bool { return reflect.DeepEqual(canonical(a), canonical(b)) }

func (s *Server) restart(w http.ResponseWriter, r *http.Request, a *app) {
	if s.full(w) || s.locked(w, r, a.id) {
		return
	}
	v := s.now()
	a.version, a.config = v, v
	a.versions[v] = a.def
	d := &deployment{id: newID(), version: v, listed: true, actions: []act{{"RestartApplication", a.id}}}
	s.begin(d)
	s.done(w, http.StatusOK, object{"version": v, "deploymentId": d.id})
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request, a *app) {
	q := r.Clone(r.Context())
	if r.URL.Query().Get("force") == "" { // deleting forces unless told otherwise
		q.URL.RawQuery = "force=true"
	}
	if s.full(w) || s.locked(w, q, a.id) {
		return
	}
	v := s.now()
	d := &deployment{id: newID(), version: v, listed: true, actions: []act{{"StopApplication", a.id}}}
	s.begin(d)
	s.done(w, http.StatusOK, object{"version": v, "deploymentId": d.id})
}

// full answers 403 when the limit of deployments is reached; force does not help.
func (s *Server) full(w http.ResponseWriter) bool {
	if len(s.deployments) < maxDeployments && s.faults["deployment-limit"] == "" {
		return false
	}
	fail(w, http.StatusForbidden, "Max number (100) of running deployments is achieved. Wait for existing deployments to complete or cancel one.")
	return true
}

// locked answers 409 when a deployment works on the app; force cancels it instead.
func (s *Server) locked(w http.ResponseWriter, r *http.Request, id string) bool {
	var holders []any
	kept := []*deployment{}
	for _, d := range s.deployments {
		if slices.Contains(d.apps(), id) {
			holders = append(holders, object{"id": d.id})
		} else {
			kept = append(kept, d)
		}
	}
	if len(holders) == 0 {
		return false
	}
	if flag(r, "force", false) {
		s.deployments = kept
		return false
	}
	reply(w, http.StatusConflict, object{
		"message":     "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
		"deployments": holders,
	})
	return true
}

// done answers a write, or loses the reply.
func (s *Server) done(w http.ResponseWriter, status int, v any) {
	if s.faults["lost-reply"] != "" {
		panic(http.ErrAbortHandler)
	}
	reply(w, status, v)
}
