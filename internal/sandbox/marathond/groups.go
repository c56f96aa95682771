package marathond

import (
	"net/http"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

func (s *Server) groupHandlers(rest string) handlers {
	id := "/" + rest
	as := func(f func(*request, string) answer) func(*request, string) answer {
		return func(q *request, _ string) answer { return f(q, id) }
	}
	parts := strings.Split(rest, "/")
	n := len(parts)
	switch {
	case parts[n-1] == "versions":
		g := appdef.Absolute(strings.Join(parts[:n-1], "/"), "/")
		return handlers{"GET": func(*request, string) answer { return s.groupVersions(g) }}
	case n > 1 && parts[n-2] == "versions":
		g := appdef.Absolute(strings.Join(parts[:n-2], "/"), "/")
		return handlers{"GET": func(q *request, _ string) answer { return s.groupVersion(q, g, parts[n-1]) }}
	case n > 1 && parts[n-1] == "apps":
		g := "/" + strings.Join(parts[:n-1], "/")
		return handlers{"GET": func(*request, string) answer { return s.groupApps(g) }}
	}
	return handlers{"GET": as(s.getGroup), "PUT": as(s.putGroup), "POST": as(s.postGroup), "DELETE": as(s.deleteGroup), "PATCH": as(s.patchGroup)}
}

func groupID(rest string) string {
	if rest == "" {
		return "/"
	}
	return rest
}

func noGroup(id string, read bool) answer {
	return notFound("Group '"+id+"' does not exist", read)
}

func (s *Server) getGroup(q *request, rest string) answer {
	id := groupID(rest)
	if _, ok := s.root.groups[id]; !ok {
		return noGroup(id, true)
	}
	return s.showGroup(s.root, q, id)
}

func (s *Server) showGroup(r *root, q *request, id string) answer {
	embed := q.query["embed"]
	v := view{s: s, root: r, embed: embed}
	for _, kind := range []struct {
		name string
		ids  func() []string
		in   *map[string][]string
	}{
		{"group.apps", r.ids, &v.apps},
		{"group.groups", func() []string { return sortedKeys(r.groups) }, &v.groups},
		{"group.pods", func() []string { return sortedKeys(r.pods) }, &v.pods},
	} {
		if len(embed) == 0 || slices.Contains(embed, kind.name) {
			*kind.in = byGroup(kind.ids())
		}
	}
	g := v.group(id)
	if v.broken != "" {
		return fail(http.StatusInternalServerError, v.broken)
	}
	return ok(g)
}

// byGroup has what lies directly in each group, in the order of the ids.
func byGroup(ids []string) map[string][]string {
	in := map[string][]string{}
	for _, id := range ids {
		if id != "/" {
			in[parent(id)] = append(in[parent(id)], id)
		}
	}
	return in
}

// view shows groups with or without what is in them.
type view struct {
	s                  *Server
	root               *root
	embed              []string
	apps, groups, pods map[string][]string // by the group that they lie in; nil: not asked for
	broken             string
}

func (v *view) group(id string) object {
	apps, groups, pods := []any{}, []any{}, []any{}
	for _, a := range v.apps[id] {
		if text := appdef.BrokenCheck(v.root.apps[a].def); text != "" {
			v.broken = text
		}
		apps = append(apps, v.app(v.root.apps[a]))
	}
	for _, g := range v.groups[id] {
		groups = append(groups, v.group(g))
	}
	for _, p := range v.pods[id] {
		pods = append(pods, podStatus(p))
	}
	own := v.root.groups[id]
	out := object{"id": id, "apps": apps, "pods": pods, "groups": groups, "dependencies": textList(own.dependencies), "version": v.root.version}
	if id != "/" && parent(id) == "/" {
		out["enforceRole"] = own.enforceRole
	}
	return out
}

// app shows an app of a group: with status only where it is asked for.
func (v *view) app(a *app) object {
	out := definition(a)
	full := v.s.withStatus(a, []string{"tasks"})
	if slices.Contains(v.embed, "group.apps.tasks") {
		out["tasks"], out["deployments"] = full["tasks"], full["deployments"]
	}
	if slices.Contains(v.embed, "group.apps.deployments") {
		out["deployments"] = full["deployments"]
	}
	if slices.Contains(v.embed, "group.apps.counts") {
		for k := range v.s.counts(a) {
			out[k] = full[k]
		}
	}
	return out
}

func (s *Server) groupApps(id string) answer {
	if _, ok := s.root.groups[id]; !ok {
		return noGroup(id, true)
	}
	list := []any{}
	for _, a := range s.root.ids() {
		if below(a, id) {
			list = append(list, definition(s.root.apps[a]))
		}
	}
	return ok(list)
}

func (s *Server) groupVersions(id string) answer {
	if _, ok := s.root.groups[id]; !ok {
		return noGroup(id, true)
	}
	list := []any{}
	for _, r := range s.roots {
		if _, ok := r.groups[id]; ok {
			list = append(list, r.version)
		}
	}
	return ok(list)
}

func (s *Server) rootAt(id, version string) *root {
	for _, r := range s.roots {
		if _, ok := r.groups[id]; ok && r.version == version {
			return r
		}
	}
	return nil
}

func (s *Server) groupVersion(q *request, id, version string) answer {
	r := s.rootAt(id, version)
	if r == nil {
		return noGroup(id, true)
	}
	return s.showGroup(r, q, id)
}

func (s *Server) patchGroup(q *request, rest string) answer {
	id := groupID(rest)
	body, bad := q.json()
	if bad != nil {
		return *bad
	}
	var want struct{ EnforceRole *bool }
	if err := unmarshal(body, &want); err != nil {
		return *badJSON(err.Error())
	}
	g, known := s.root.groups[id]
	switch {
	case !known:
		return noGroup(id, false)
	case id == "/" || parent(id) != "/":
		return refused(appdef.Invalid(appdef.Problem{Path: "/", Text: "Path needs to be top-level"}))
	case want.EnforceRole != nil:
		next := s.root.clone()
		g.enforceRole = *want.EnforceRole
		next.groups[id] = g
		s.root = next
		s.o.Changed()
	}
	return answer{status: http.StatusOK, write: true}
}

func (s *Server) deleteGroup(q *request, rest string) answer {
	id := groupID(rest)
	if _, ok := s.root.groups[id]; !ok {
		return noGroup(id, false)
	}
	d, refusal := s.commit(change{force: q.flag("force", false), target: parent(id), edit: func(next *root) error {
		next.dropGroup(id)
		return nil
	}})
	if refusal != nil {
		return *refusal
	}
	return written(http.StatusOK, d)
}
