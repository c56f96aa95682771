package marathond

import (
	"net/http"
	"slices"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// deployment works from one tree to another, step by step.
type deployment struct {
	id, version      string
	original, target *root
	steps            [][]act
	step             int  // index of the one that is worked on
	ending           bool // nothing is left to do: it ends in a moment
	rollouts         map[string]*rollout
}

func (d *deployment) apps() []string {
	var out []string
	for _, l := range d.steps {
		for _, a := range l {
			if !slices.Contains(out, a.app) {
				out = append(out, a.app)
			}
		}
	}
	return out
}

func actions(l []act) []any {
	out := []any{}
	for _, a := range l {
		out = append(out, object{"action": a.kind, "app": a.app})
	}
	return out
}

func (d *deployment) stepList() []any {
	out := []any{}
	for _, l := range d.steps {
		out = append(out, object{"actions": actions(l)})
	}
	return out
}

// event is the plan as events show it.
func (d *deployment) event() object {
	return object{"id": d.id, "version": d.version, "steps": d.stepList()}
}

func (d *deployment) show() object {
	current := []any{}
	for _, a := range d.steps[d.step] {
		current = append(current, object{"action": a.kind, "app": a.app, "readinessCheckResults": []any{}})
	}
	return object{
		"id": d.id, "version": d.version, "affectedApps": textList(d.apps()), "affectedPods": []any{}, "steps": d.stepList(),
		"currentActions": current, "currentStep": d.step + 1, "totalSteps": len(d.steps),
	}
}

func textList(l []string) []any {
	out := []any{}
	for _, s := range l {
		out = append(out, s)
	}
	return out
}

// begin puts a deployment to work. One without steps ends before anybody can see it.
func (s *Server) begin(d *deployment) {
	if len(d.steps) == 0 {
		s.emit("deployment_success", object{"id": d.id, "plan": d.event()})
		return
	}
	d.rollouts = map[string]*rollout{}
	s.deployments = append(s.deployments, d)
	s.emitStep("deployment_info", d)
	s.proceed(d, true)
}

func (s *Server) emitStep(kind string, d *deployment) {
	s.emit(kind, object{"plan": d.event(), "currentStep": object{"actions": actions(d.steps[d.step])}})
}

// proceed does what can be done now. A deployment that needs no task to move is still
// listed for a moment when it begins, as the real one's is.
func (s *Server) proceed(d *deployment, begins bool) {
	if d.ending || s.leaderless || !slices.Contains(s.deployments, d) {
		return
	}
	for {
		for _, a := range d.steps[d.step] {
			if s.work(d, a) {
				continue
			}
			return
		}
		if d.step+1 == len(d.steps) {
			break
		}
		s.emitStep("deployment_step_success", d)
		d.step++
		s.emitStep("deployment_info", d)
	}
	if begins {
		d.ending = true
		s.after(s.o.Tick, func() { s.end(d) })
		return
	}
	s.end(d)
}

// settleInstant ends what has nothing left to do: the next write of a real one takes
// longer than such a deployment lives.
func (s *Server) settleInstant() {
	for _, d := range slices.Clone(s.deployments) {
		if d.ending {
			s.end(d)
		}
	}
}

func (s *Server) end(d *deployment) {
	i := slices.Index(s.deployments, d)
	if i < 0 {
		return
	}
	s.deployments = slices.Delete(slices.Clone(s.deployments), i, i+1)
	s.emitStep("deployment_step_success", d)
	s.emit("deployment_success", object{"id": d.id, "plan": d.event()})
}

// progress lets every deployment of an app look at its tasks again.
func (s *Server) progress(appID string) {
	for _, d := range slices.Clone(s.deployments) {
		if slices.ContainsFunc(d.steps[d.step], func(a act) bool { return a.app == appID }) {
			s.proceed(d, false)
		}
	}
}

func (s *Server) listDeployments() answer {
	list := []any{}
	if !s.on("empty-deployments") {
		for _, d := range s.deployments {
			list = append(list, d.show())
		}
	}
	return ok(list)
}

// cancelDeployment stops one (force) or begins another that takes its changes back.
func (s *Server) cancelDeployment(q *request, id string) answer {
	i := slices.IndexFunc(s.deployments, func(d *deployment) bool { return d.id == id })
	if i < 0 {
		return notFound("DeploymentPlan "+id+" does not exist", true)
	}
	d := s.deployments[i]
	if q.flag("force", false) { // the new definition stays, the tasks are mixed
		s.deployments = slices.Delete(slices.Clone(s.deployments), i, i+1)
		s.emit("deployment_failed", object{"id": d.id, "plan": d.event(), "reason": "The upgrade has been cancelled"})
		return answer{status: http.StatusAccepted, write: true}
	}
	c := change{force: true, version: s.reverted, target: "/", edit: func(next *root) error {
		for _, id := range d.apps() {
			if old := d.original.apps[id]; old != nil {
				next.setApp(&app{id: id, def: appdef.Clone(old.def)})
			} else {
				delete(next.apps, id)
			}
		}
		return nil
	}}
	n, bad := s.commit(c)
	if bad != nil {
		return *bad
	}
	return written(http.StatusOK, n)
}
