package marathond

import (
	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// dryRun lists the steps of a group's update and changes nothing. It is no way to ask what
// would change: the step that gives unchanged apps their old version back is left out, so
// every app of the group is listed, the same or not.
func (s *Server) dryRun(id string, u groupUpdate) answer {
	next := s.root.clone()
	before := map[string]*app{}
	for a := range next.apps {
		if parent(a) == id {
			before[a] = next.apps[a]
		}
	}
	if err := s.updateGroup(next, id, u, ""); err != nil {
		return refusalOf(err)
	}
	if p := next.problems(); p != nil {
		return refused(appdef.Invalid(p...))
	}
	for a, old := range before {
		now := next.apps[a]
		if now == nil {
			continue
		}
		moved := &app{id: a, def: now.def, version: "dry run", scaled: "dry run", config: "dry run"}
		if appdef.Compare(old.def, now.def) == appdef.Scaling {
			moved.config = old.config
		}
		next.apps[a] = moved
	}
	steps := []any{}
	for _, l := range plan(s.root, next) {
		steps = append(steps, object{"actions": actions(l)})
	}
	return ok(object{"steps": steps})
}
