package marathond

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// groupUpdate is the body of PUT and POST /v2/groups.
type groupUpdate struct {
	ID           *string           `json:"id"`
	Apps         []json.RawMessage `json:"apps"`
	Groups       []groupUpdate     `json:"groups"`
	Dependencies []string          `json:"dependencies"`
	EnforceRole  *bool             `json:"enforceRole"`
	Version      *string           `json:"version"`
	ScaleBy      *float64          `json:"scaleBy"`
	Pods         []json.RawMessage `json:"pods"`
}

func (s *Server) readGroup(q *request) (groupUpdate, *answer) {
	var u groupUpdate
	body, bad := q.json()
	if bad != nil {
		return u, bad
	}
	if err := unmarshal(body, &u); err != nil {
		a := refused(&appdef.Refusal{Status: http.StatusUnprocessableEntity, Message: "Invalid JSON", Details: []appdef.Problem{{Path: "/", Text: err.Error()}}})
		return u, &a
	}
	alone := u.ID == nil && u.Apps == nil && u.Groups == nil && u.Dependencies == nil && u.EnforceRole == nil
	if u.ScaleBy != nil && (!alone || u.Version != nil) {
		a := refused(appdef.Invalid(appdef.Problem{Path: "/scaleBy", Text: "not allowed in conjunction with other properties."}))
		return u, &a
	}
	if u.Version != nil && !alone {
		a := refused(appdef.Invalid(appdef.Problem{Path: "/version", Text: "not allowed in conjunction with other properties."}))
		return u, &a
	}
	if len(u.Pods) > 0 {
		a := notSimulated("pods")
		return u, &a
	}
	return u, nil
}

func (s *Server) postGroup(q *request, rest string) answer {
	u, bad := s.readGroup(q)
	if bad != nil {
		return *bad
	}
	id := groupID(rest)
	if u.ID != nil {
		id = appdef.Absolute(*u.ID, id)
	}
	if _, exists := s.root.groups[id]; exists {
		return fail(http.StatusConflict, "Group "+id+" is already created. Use PUT to change this group.")
	}
	if s.root.apps[id] != nil {
		return fail(http.StatusConflict, "An app with the path "+id+" already exists.")
	}
	a := s.writeGroup(q, id, u)
	if a.status == http.StatusOK {
		a.status = http.StatusCreated
		a.header["Location"] = "http://" + q.host + id
	}
	return a
}

func (s *Server) putGroup(q *request, rest string) answer {
	u, bad := s.readGroup(q)
	if bad != nil {
		return *bad
	}
	id := groupID(rest)
	if u.ID != nil && rest == "" {
		id = appdef.Absolute(*u.ID, "/")
	}
	if id == "/" {
		return s.putRoot(q, u)
	}
	if q.flag("dryRun", false) {
		return s.dryRun(id, u)
	}
	return s.writeGroup(q, id, u)
}

// putRoot refuses what the real one refuses, a write of apps through the root group; the rest was
// not recorded.
func (s *Server) putRoot(q *request, u groupUpdate) answer {
	if len(u.Apps) == 0 || q.flag("dryRun", false) {
		return notSimulated("PUT of the root group without apps")
	}
	return refused(appdef.Invalid(appdef.Problem{
		Path: "/enforceRole",
		Text: "enforceRole cannot be modified in a request that adds, removes or modifies services; please make these changes in separate requests.",
	}))
}

func (s *Server) writeGroup(q *request, id string, u groupUpdate) answer {
	d, refusal := s.commit(change{force: q.flag("force", false), target: parent(id), edit: func(next *root) error {
		switch {
		case u.Version != nil:
			return s.rollBackGroup(next, id, *u.Version)
		case u.ScaleBy != nil:
			scaleGroup(next, id, *u.ScaleBy)
			return nil
		}
		return s.updateGroup(next, id, u, "")
	}})
	if refusal != nil {
		return *refusal
	}
	return written(http.StatusOK, d)
}

// updateGroup makes a group what the body says. Apps and sub-groups that are listed are
// all that is left of their kind; a kind that is absent is kept.
func (s *Server) updateGroup(next *root, id string, u groupUpdate, at string) error {
	g := next.groups[id]
	if u.Dependencies != nil {
		g.dependencies = nil
		for _, d := range u.Dependencies {
			g.dependencies = append(g.dependencies, appdef.Absolute(d, id))
		}
	}
	if parent(id) == "/" {
		g.enforceRole = u.EnforceRole != nil && *u.EnforceRole
	}
	next.addGroups(id + "/x")
	next.groups[id] = g
	if u.Apps != nil {
		if err := s.updateGroupApps(next, id, u.Apps, at); err != nil {
			return err
		}
	}
	if u.Groups == nil {
		return nil
	}
	listed := map[string]bool{}
	for _, sub := range u.Groups {
		if sub.ID == nil {
			return refuse(&appdef.Refusal{Status: http.StatusUnprocessableEntity, Message: "requirement failed: Group update must have an id"})
		}
		listed[appdef.Absolute(*sub.ID, id)] = true
	}
	for _, old := range sortedKeys(next.groups) {
		if old != "/" && parent(old) == id && !listed[old] {
			next.dropGroup(old)
		}
	}
	for i, sub := range u.Groups {
		if err := s.updateGroup(next, appdef.Absolute(*sub.ID, id), sub, fmt.Sprintf("%s/groups(%d)", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) updateGroupApps(next *root, id string, apps []json.RawMessage, at string) error {
	listed := map[string]bool{}
	var made []*app
	for i, body := range apps {
		def, r := s.reader.Create(body, id, s.rolesInGroup(next))
		if r != nil {
			return refuse(r)
		}
		a := &app{id: appdef.Text(def["id"]), def: def}
		if parent(a.id) != id {
			return refuse(appdef.Invalid(appdef.Problem{Path: fmt.Sprintf("%s/apps(%d)/id", at, i), Text: "Identifier is not child of '" + id + "'"}))
		}
		listed[a.id] = true
		made = append(made, a)
	}
	for _, old := range next.ids() {
		if parent(old) == id && !listed[old] {
			delete(next.apps, old)
		}
	}
	for _, a := range made {
		keep(next, a.id, a.def)
	}
	return nil
}

func (s *Server) rollBackGroup(next *root, id, version string) error {
	old := s.rootAt(id, version)
	if old == nil {
		return stop{fail(http.StatusUnprocessableEntity, "Group "+id+" not available in version "+version)}
	}
	for a := range next.apps {
		if below(a, id) && old.apps[a] == nil {
			delete(next.apps, a)
		}
	}
	for a, def := range old.apps {
		if below(a, id) {
			keep(next, a, appdef.Clone(def.def))
		}
	}
	for g, x := range old.groups {
		if g == id || below(g, id) {
			next.groups[g] = x
		}
	}
	return nil
}

// scaleGroup multiplies the instances of every app, rounded up.
func scaleGroup(next *root, id string, factor float64) {
	for _, a := range next.ids() {
		if !below(a, id) {
			continue
		}
		def := appdef.Clone(next.apps[a].def)
		def["instances"] = int(math.Ceil(appdef.Number(def["instances"]) * factor))
		keep(next, a, def)
	}
}
