package marathond

import (
	"math"
	"slices"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// maxWaiting is how many instances of an app wait for an offer at a time: an app of two
// thousand million instances does not fill the memory.
const maxWaiting = 500

// rollout is how far one action has come.
type rollout struct {
	begun   bool
	done    bool
	extra   int            // room above the maximum that a restart gives itself
	counted map[string]int // new instances that were answered with a kill
}

// work does what an action can do now, and reports whether it is done.
func (s *Server) work(d *deployment, a act) bool {
	r := d.rollouts[a.app+" "+a.kind]
	if r == nil {
		r = &rollout{counted: map[string]int{}}
		d.rollouts[a.app+" "+a.kind] = r
	}
	if r.done {
		return true
	}
	first := !r.begun
	r.begun = true
	target := d.target.apps[a.app]
	if first && (a.kind == actStart || a.kind == actRestart || a.kind == actScale && d.original.apps[a.app] != nil) {
		s.healthCheckEvents(target)
	}
	switch a.kind {
	case actStart:
		r.done = true
	case actStop:
		r.done = s.stopApp(a.app)
	case actRestart:
		r.done = s.restartApp(target, r, first)
	default:
		if first {
			s.spare(a.app)
		}
		r.done = s.scaleApp(target)
	}
	return r.done
}

func (s *Server) healthCheckEvents(a *app) {
	for _, h := range appdef.List(a.def["healthChecks"]) {
		s.checks[a.id]++
		s.emit("add_health_check_event", object{"appId": a.id, "version": a.version, "healthCheck": h})
	}
}

// stopApp stops all tasks of an app that is gone.
func (s *Server) stopApp(id string) bool {
	for ; s.checks[id] > 0; s.checks[id]-- {
		s.emit("remove_health_check_event", object{"appId": id})
	}
	for _, i := range slices.Clone(s.instances[id]) {
		s.kill(i)
	}
	if len(s.instances[id]) > 0 {
		return false
	}
	delete(s.failures, id)
	delete(s.backoff, id)
	delete(s.checks, id)
	s.emit("app_terminated_event", object{"appId": id})
	return true
}

// spare counts tasks again that were told to end and did not listen.
func (s *Server) spare(id string) {
	for _, i := range s.instances[id] {
		if i.killing && s.hit("unkillable", id) {
			i.killing = false
		}
	}
}

// scaleApp starts what is missing and stops what is too much.
func (s *Server) scaleApp(a *app) bool {
	want := appdef.Int(a.def["instances"])
	var live []*instance
	killing := 0
	for _, i := range s.instances[a.id] {
		if i.killing {
			killing++
		} else {
			live = append(live, i)
		}
	}
	if len(live) > want {
		for _, i := range victims(a, live)[:len(live)-want] {
			s.kill(i)
			killing++
		}
		return false
	}
	for range min(want-len(live), maxWaiting-len(s.waiting(a.id))) {
		s.launch(a)
	}
	ready := 0
	for _, i := range live {
		if i.isReady(a) {
			ready++
		}
	}
	return killing == 0 && ready >= want
}

// victims orders what may be stopped: what does not run yet first, then as killSelection says.
func victims(a *app, live []*instance) []*instance {
	out := slices.Clone(live)
	if a.def["killSelection"] != "OLDEST_FIRST" {
		slices.Reverse(out)
	}
	slices.SortStableFunc(out, func(x, y *instance) int {
		switch {
		case x.running == y.running:
			return 0
		case y.running:
			return -1
		}
		return 1
	})
	return out
}

// restartApp replaces old tasks by new ones within the bounds of upgradeStrategy. With a
// check of Marathon's own no old task counts as healthy: without room above the number of
// instances it hangs, as was seen.
func (s *Server) restartApp(a *app, r *rollout, first bool) bool {
	n := appdef.Int(a.def["instances"])
	u := appdef.Map(a.def["upgradeStrategy"])
	low := int(math.Ceil(float64(n) * appdef.Number(u["minimumHealthCapacity"])))
	high := int(math.Floor(float64(n) * (1 + appdef.Number(u["maximumOverCapacity"]))))
	old, fresh, killing := s.split(a)
	if first {
		s.beginRestart(a, r, bounds{n, low, high})
		old, fresh, killing = s.split(a)
	}
	ready := 0
	for _, i := range fresh {
		if !i.isReady(a) {
			continue
		}
		ready++
		if r.counted[i.id] == 0 && len(old) > 0 {
			r.counted[i.id] = 1
			s.kill(old[0])
			old, killing = old[1:], killing+1
		}
	}
	if ready >= n {
		for _, i := range old {
			s.kill(i)
			killing++
		}
		old = nil
	}
	for total := len(old) + len(fresh) + killing; len(fresh) < n && total < high+r.extra && len(s.waiting(a.id)) < maxWaiting; total++ {
		fresh = append(fresh, s.launch(a))
	}
	return len(old) == 0 && killing == 0 && ready >= n
}

// bounds are how many instances there shall be, how many must serve, and how many there may be.
type bounds struct{ n, low, high int }

// beginRestart stops at once what the bounds let go: what has no task yet, what is healthy
// above the minimum, and what is more than there will be.
func (s *Server) beginRestart(a *app, r *rollout, b bounds) {
	old, _, _ := s.split(a)
	for _, i := range old {
		if !i.staged {
			s.kill(i)
		}
	}
	old, _, _ = s.split(a)
	healthy := healthyOld(a, old)
	now := max(0, healthy-b.low, len(old)-b.n)
	if b.low == b.high && healthy >= b.high {
		if appdef.IsResident(a.def) {
			now++
		} else {
			r.extra = 1
		}
	}
	for _, i := range old[:min(now, len(old))] {
		s.kill(i)
	}
}

// split sorts an app's instances: those of an older configuration, the new ones, and how
// many old ones are being stopped.
func (s *Server) split(a *app) (old, fresh []*instance, killing int) {
	for _, i := range s.instances[a.id] {
		switch {
		case i.killing:
			killing++
		case i.config == a.config:
			fresh = append(fresh, i)
		default:
			old = append(old, i)
		}
	}
	return old, fresh, killing
}

func healthyOld(a *app, old []*instance) int {
	if appdef.HasMarathonCheck(a.def) {
		return 0
	}
	n := 0
	for _, i := range old {
		if i.running {
			n++
		}
	}
	return n
}
