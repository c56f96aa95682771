package marathond

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// root is the tree of groups, apps and pods at one version. It never changes: a write makes a new one.
type root struct {
	version string
	apps    map[string]*app
	groups  map[string]group // "/" included
	pods    map[string]bool
}

// app is one app at one version. It never changes.
type app struct {
	id      string
	def     object // as GET shows it, without version and status
	version string
	scaled  string // version of the last change of any kind
	config  string // version of the last change that was more than scaling
	ports   []int  // its service ports, once they are assigned
}

type group struct {
	enforceRole  bool
	dependencies []string
}

func (r *root) clone() *root {
	return &root{version: r.version, apps: maps.Clone(r.apps), groups: maps.Clone(r.groups), pods: maps.Clone(r.pods)}
}

func (r *root) ids() []string { return slices.Sorted(maps.Keys(r.apps)) }

func parent(id string) string { return path.Dir(id) }

// below reports whether id lies in the group, at any depth.
func below(id, group string) bool {
	return group == "/" && id != "/" || strings.HasPrefix(id, group+"/")
}

// top is the top-level group of an id, or "" for what lies directly below the root.
func top(id string) string {
	first, _, deeper := strings.Cut(strings.TrimPrefix(id, "/"), "/")
	if !deeper {
		return ""
	}
	return "/" + first
}

// addGroups makes the groups that an id lies in.
func (r *root) addGroups(id string) {
	for g := parent(id); ; g = parent(g) {
		if _, ok := r.groups[g]; !ok {
			r.groups[g] = group{}
		}
		if g == "/" {
			return
		}
	}
}

// setApp puts a definition in. An empty group of its name gives way.
func (r *root) setApp(a *app) {
	r.addGroups(a.id)
	if _, ok := r.groups[a.id]; ok && !r.occupied(a.id) {
		r.dropGroup(a.id)
	}
	r.apps[a.id] = a
}

// occupied reports whether an app or a pod lies in the group.
func (r *root) occupied(g string) bool {
	for id := range r.apps {
		if below(id, g) {
			return true
		}
	}
	for id := range r.pods {
		if below(id, g) {
			return true
		}
	}
	return false
}

// dropGroup removes a group with all that lies in it.
func (r *root) dropGroup(g string) {
	for id := range r.apps {
		if below(id, g) {
			delete(r.apps, id)
		}
	}
	for id := range r.pods {
		if below(id, g) {
			delete(r.pods, id)
		}
	}
	for id := range r.groups {
		if id == g && g != "/" || below(id, g) {
			delete(r.groups, id)
		}
	}
}

// problems are the rules of the tree as a whole.
func (r *root) problems() []appdef.Problem {
	for id := range r.apps {
		if _, clash := r.groups[id]; clash {
			at := strings.Repeat("/groups(0)", strings.Count(id, "/")-1) // which of the groups is not counted out here
			return []appdef.Problem{{Path: cmp.Or(at, "/"), Text: "Groups and Applications may not have the same identifier."}}
		}
	}
	if p := r.podProblems(); p != nil {
		return p
	}
	if r.cyclic() {
		return []appdef.Problem{{Path: "/", Text: "Dependency graph has cyclic dependencies."}}
	}
	return nil
}

// depends lists the apps that an app depends on: its own dependencies and those of its groups.
func (r *root) depends(id string) []string {
	var names []string
	for _, d := range appdef.List(r.apps[id].def["dependencies"]) {
		names = append(names, appdef.Text(d))
	}
	for g := parent(id); ; g = parent(g) {
		names = append(names, r.groups[g].dependencies...)
		if g == "/" {
			break
		}
	}
	var out []string
	for _, n := range names {
		if _, ok := r.apps[n]; ok {
			out = append(out, n)
			continue
		}
		for other := range r.apps {
			if below(other, n) {
				out = append(out, other)
			}
		}
	}
	return out
}

func (r *root) cyclic() bool {
	const visiting, visited = 1, 2
	state := map[string]int{}
	var visit func(id string) bool
	visit = func(id string) bool {
		state[id] = visiting
		for _, d := range r.depends(id) {
			if state[d] == visiting || state[d] == 0 && visit(d) {
				return true
			}
		}
		state[id] = visited
		return false
	}
	for id := range r.apps {
		if state[id] == 0 && visit(id) {
			return true
		}
	}
	return false
}

// rolesInGroup is roles for the apps of a group that is written: the name of a top-level
// group that is not there yet is no role.
func (s *Server) rolesInGroup(next *root) appdef.Roles {
	return func(id, current string) ([]string, string) {
		if _, known := s.root.groups[top(id)]; !known && !next.groups[top(id)].enforceRole {
			return []string{s.o.Role}, s.o.Role
		}
		return s.roles(next)(id, current)
	}
}

// roles says which roles an app may have here, and which one it gets.
func (s *Server) roles(next *root) appdef.Roles {
	return func(id, current string) ([]string, string) {
		t := top(id)
		if t == "" {
			return []string{s.o.Role}, s.o.Role
		}
		name := strings.TrimPrefix(t, "/")
		if next.groups[t].enforceRole {
			valid := []string{name}
			if current != "" && current != name {
				valid = append(valid, current)
			}
			return valid, name
		}
		valid := []string{s.o.Role, name}
		if current != "" && !slices.Contains(valid, current) {
			valid = append(valid, current)
		}
		return valid, s.o.Role
	}
}
