package marathond

import (
	"encoding/json"
	"maps"
	"net/http"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

func (s *Server) createApp(q *request, _ string) answer {
	body, bad := q.json()
	if bad != nil {
		return *bad
	}
	var head struct{ ID string }
	_ = json.Unmarshal(body, &head) // what is wrong with it is said below
	var made *app
	d, refusal := s.commit(change{force: q.flag("force", false), target: parent(appdef.Absolute(head.ID, "/")), edit: func(next *root) error {
		def, r := s.reader.Create(body, "/", s.roles(next))
		if r != nil {
			return refuse(r)
		}
		made = &app{id: appdef.Text(def["id"]), def: def}
		if next.apps[made.id] != nil {
			return stop{fail(http.StatusConflict, "An app with id ["+made.id+"] already exists.")}
		}
		next.setApp(&app{id: made.id, def: def})
		return nil
	}})
	if refusal != nil {
		return *refusal
	}
	made.version = d.version
	s.postEvent(q, "/v2/apps", made)
	if text := appdef.BrokenCheck(made.def); text != "" { // it is stored all the same
		return fail(http.StatusInternalServerError, text)
	}
	out := maps.Clone(made.def) // service ports that were 0 are still 0, and there is no versionInfo
	out["version"] = d.version
	for _, k := range []string{"tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy"} {
		out[k] = 0
	}
	out["deployments"] = []any{object{"id": d.id}}
	return answer{
		status: http.StatusCreated, write: true, body: out,
		header: map[string]string{"Location": "http://" + q.host + made.id, "Marathon-Deployment-Id": d.id},
	}
}

// define makes the definition that a PUT or PATCH of one app asks for.
func (s *Server) define(next *root, id string, body json.RawMessage, partial, force bool) (object, error) {
	live := next.apps[id]
	if live == nil || !partial {
		current := appdef.Existing{Force: force}
		if live != nil {
			current.Role = appdef.Text(live.def["role"])
		}
		def, r := s.reader.Replace(id, current, body, s.roles(next))
		if r != nil {
			return nil, refuse(r)
		}
		return def, nil
	}
	update, r := s.reader.ReadUpdate(body)
	if r != nil {
		return nil, refuse(r)
	}
	if v := appdef.Text(update["version"]); v != "" {
		old := s.history[id][v]
		if old == nil {
			return nil, stop{noApp(id, false)}
		}
		return appdef.Clone(old.def), nil
	}
	def, r := s.reader.Merge(id, live.def, update, force, s.roles(next))
	if r != nil {
		return nil, refuse(r)
	}
	return def, nil
}

// keep puts a definition in, unless Marathon holds it equal to the live one: then the live
// one stays, with the order of sets and the executor resources that were sent.
func keep(next *root, id string, def object) {
	before := next.apps[id]
	if before != nil && appdef.Compare(before.def, def) == appdef.Same {
		next.apps[id] = &app{id: id, def: withPorts(def, before.def), version: before.version, scaled: before.scaled, config: before.config, ports: before.ports}
		return
	}
	next.setApp(&app{id: id, def: def})
}

// withPorts gives service ports that are 0 those of the live definition.
func withPorts(def, live object) object {
	def = appdef.Clone(def)
	places, key := appdef.ServicePorts(def)
	old := portNumbers(live)
	for i, p := range places {
		if appdef.Int(p[key]) == 0 && i < len(old) {
			p[key] = old[i]
		}
	}
	return def
}

func (s *Server) putApp(q *request, id string) answer {
	return s.writeApp(q, id, q.flag("partialUpdate", true), s.root.apps[id] == nil)
}

func (s *Server) patchApp(q *request, id string) answer {
	if s.root.apps[id] == nil { // the body is looked at first
		body, bad := q.json()
		if bad != nil {
			return *bad
		}
		if _, err := s.define(s.root, id, body, true, false); err != nil {
			return refusalOf(err)
		}
		return noApp(id, false)
	}
	return s.writeApp(q, id, true, false)
}

func refusalOf(err error) answer {
	if st, ok := err.(stop); ok { //nolint:errorlint // edits return it bare
		return st.answer
	}
	return fail(http.StatusInternalServerError, err.Error())
}

func (s *Server) writeApp(q *request, id string, partial, creates bool) answer {
	body, bad := q.json()
	if bad != nil {
		return *bad
	}
	var def object
	d, refusal := s.commit(change{force: q.flag("force", false), target: parent(id), edit: func(next *root) error {
		var err error
		if def, err = s.define(next, id, body, partial, q.flag("force", false)); err != nil {
			return err
		}
		keep(next, id, def)
		return nil
	}})
	if refusal != nil {
		return *refusal
	}
	s.postEvent(q, "/v2/apps"+id, &app{id: id, def: def, version: d.version})
	a := written(http.StatusOK, d)
	if creates {
		a.status = http.StatusCreated
		a.header["Location"] = "http://" + q.host + id
	}
	return a
}

func (s *Server) putApps(q *request, _ string) answer {
	return s.writeApps(q, q.flag("partialUpdate", true), true)
}

func (s *Server) patchApps(q *request, _ string) answer { return s.writeApps(q, true, false) }

// writeApps is a bulk write: one deployment, all or nothing.
func (s *Server) writeApps(q *request, partial, create bool) answer {
	list, bad := q.appElements()
	if bad != nil {
		return *bad
	}
	var touched []*app
	d, refusal := s.commit(change{force: q.flag("force", false), target: "/", edit: func(next *root) error {
		for _, body := range list {
			a, err := s.element(next, body, bulk{partial, create, q.flag("force", false)})
			if err != nil {
				return err
			}
			touched = append(touched, a)
		}
		for _, a := range touched {
			keep(next, a.id, a.def)
		}
		return nil
	}})
	if refusal != nil {
		return *refusal
	}
	for _, a := range touched {
		a.version = d.version
		s.postEvent(q, "/v2/apps", a)
	}
	return written(http.StatusOK, d)
}

// bulk is how a bulk write was asked for.
type bulk struct{ partial, create, force bool }

// element is one app of a bulk write. In the default mode one that is not there is made
// without any port.
func (s *Server) element(next *root, body json.RawMessage, how bulk) (*app, error) {
	update, r := s.reader.ReadUpdate(body)
	if r != nil && how.partial {
		return nil, refuse(r)
	}
	var head struct{ ID string }
	if err := json.Unmarshal(body, &head); err != nil || head.ID == "" {
		return nil, stop{fail(http.StatusUnprocessableEntity, "requirement failed: App Update must have app id set")}
	}
	id := appdef.Absolute(head.ID, "/")
	live := next.apps[id]
	if live == nil && !how.create {
		return nil, stop{noApp(id, false)}
	}
	if live != nil || !how.partial {
		def, err := s.define(next, id, body, how.partial, how.force)
		return &app{id: id, def: def}, err
	}
	def, r := s.reader.Merge(id, nil, update, false, s.roles(next))
	if r != nil {
		return nil, refuse(r)
	}
	return &app{id: id, def: def}, nil
}

func (s *Server) deleteApp(q *request, id string) answer {
	if s.root.apps[id] == nil {
		return noApp(id, false)
	}
	d, refusal := s.commit(change{force: q.flag("force", true), target: parent(id), edit: func(next *root) error {
		delete(next.apps, id)
		return nil
	}})
	if refusal != nil {
		return *refusal
	}
	return written(http.StatusOK, d)
}

func (s *Server) restart(q *request, id string) answer {
	if s.root.apps[id] == nil {
		return noApp(id, false)
	}
	d, refusal := s.commit(change{force: q.flag("force", false), target: parent(id), restart: id, edit: func(*root) error { return nil }})
	if refusal != nil {
		return *refusal
	}
	return written(http.StatusOK, d)
}
