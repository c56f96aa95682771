package marathond

import (
	"net/http"
	"slices"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// maxDeployments is how many may run; beyond it every write is 403.
const maxDeployments = 100

// maxVersions is how many trees are kept: --zk_max_versions.
const maxVersions = 50

const (
	limitText = "Max number (100) of running deployments is achieved. Wait for existing deployments to complete or cancel one" +
		"using force=true parameter. You can increase max deployment number by using --max_running_deployments parameter" +
		" but be advised that this can have negative effects on the performance."
	lockText = "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'."
)

// change is one write of the tree: from the present one to the one that edit makes.
type change struct {
	force   bool
	version string            // of the new tree; "" is a fresh one
	edit    func(*root) error // a *stop says what is answered instead
	restart string            // an app that is restarted without a change
	target  string            // the group in events: the one that what is written lies in
	kill    []*instance       // tasks that end with the write
}

// stop is an answer that ends a write.
type stop struct{ answer }

// Error is there for the type only.
func (stop) Error() string { return "refused" }

func refuse(r *appdef.Refusal) error { return stop{refused(r)} }

// commit does a write: it makes the new tree, checks it, and begins the deployment. The
// deployment is nil when the second result is an answer that refuses.
func (s *Server) commit(c change) (*deployment, *answer) {
	s.settleInstant()
	version := c.version
	if version == "" {
		version = s.now()
	}
	next := s.root.clone()
	if err := c.edit(next); err != nil {
		if st, ok := err.(stop); ok { //nolint:errorlint // edit returns it bare
			return nil, &st.answer
		}
		a := fail(http.StatusInternalServerError, err.Error())
		return nil, &a
	}
	next.version = version
	if a := s.finish(next, c, version); a != nil {
		return nil, a
	}
	if s.full() {
		a := fail(http.StatusForbidden, limitText)
		return nil, &a
	}
	d := &deployment{id: newID(), version: version, original: s.root, target: next}
	d.steps = plan(s.root, next)
	if a := s.locked(d, c); a != nil {
		return nil, a
	}
	s.store(next)
	if s.dies(d) {
		return nil, &answer{abort: true}
	}
	for _, i := range c.kill {
		s.kill(i)
	}
	s.begin(d)
	s.emit("group_change_success", object{"groupId": c.target, "version": version})
	return d, nil
}

// finish gives the changed apps of a new tree their service ports and versions, and
// checks the tree.
func (s *Server) finish(next *root, c change, version string) *answer {
	if p := next.problems(); p != nil {
		a := refused(appdef.Invalid(p...))
		return &a
	}
	for _, id := range s.touched(next, c.restart) {
		a, before := next.apps[id], s.root.apps[id]
		if err := s.assignPorts(next, a); err != nil {
			bad := fail(http.StatusInternalServerError, err.Error())
			return &bad
		}
		if before != nil {
			if p := appdef.ResidentRules(before.def, a.def); p != nil {
				bad := refused(appdef.Invalid(p...))
				return &bad
			}
		}
		next.apps[id] = versioned(a, before, version, id == c.restart)
	}
	return nil
}

// touched lists the apps of a new tree that are not those of the present one, in the order
// in which they get their ports.
func (s *Server) touched(next *root, restart string) []string {
	var out []string
	for id, a := range next.apps {
		if a != s.root.apps[id] || id == restart {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// versioned is an app with the versions that a write gives it.
func versioned(a, before *app, version string, restart bool) *app {
	out := &app{id: a.id, def: a.def, version: version, scaled: version, config: version, ports: portNumbers(a.def)}
	switch {
	case before == nil:
	case restart:
		out.scaled = before.scaled
	case appdef.Compare(before.def, a.def) == appdef.Same:
		out.version, out.scaled, out.config = before.version, before.scaled, before.config
	case appdef.Compare(before.def, a.def) == appdef.Scaling:
		out.config = before.config
	}
	return out
}

// store makes a tree the present one.
func (s *Server) store(next *root) {
	for id, a := range next.apps {
		if s.history[id] == nil {
			s.history[id] = map[string]*app{}
		}
		s.history[id][a.version] = a
	}
	for id := range s.history {
		if next.apps[id] == nil {
			delete(s.history, id)
		}
	}
	s.root = next
	s.roots = append(s.roots, next)
	if len(s.roots) > maxVersions {
		s.roots = s.roots[1:]
	}
	if s.reverted == "" {
		s.reverted = s.now()
	}
	s.o.Changed()
}

// full reports whether no more deployments may run; force does not help.
func (s *Server) full() bool {
	return len(s.deployments) >= maxDeployments || s.on("deployment-limit")
}

// locked answers 409 when a deployment works on an app that this one would; force cancels it.
func (s *Server) locked(d *deployment, c change) *answer {
	var holders []any
	var rest, hit []*deployment
	for _, other := range s.deployments {
		if slices.ContainsFunc(other.apps(), func(id string) bool { return slices.Contains(d.apps(), id) }) {
			holders = append(holders, object{"id": other.id})
			hit = append(hit, other)
		} else {
			rest = append(rest, other)
		}
	}
	if len(hit) == 0 {
		return nil
	}
	if c.force {
		s.deployments = rest
		for _, other := range hit {
			s.emit("deployment_failed", object{"id": other.id, "plan": other.event(), "reason": "The upgrade has been cancelled"})
		}
		return nil
	}
	s.emit("deployment_failed", object{"id": d.id, "plan": d.event(), "reason": lockText})
	s.emit("group_change_failed", object{"groupId": c.target, "version": d.version, "reason": lockText})
	return &answer{status: http.StatusConflict, body: object{"message": lockText, "deployments": holders}}
}

// written is the answer to a write that was accepted.
func written(status int, d *deployment) answer {
	return answer{
		status: status, write: true, body: object{"version": d.version, "deploymentId": d.id},
		header: map[string]string{"Marathon-Deployment-Id": d.id},
	}
}
