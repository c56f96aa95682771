package marathond

import (
	"slices"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// takeOver is what a new leader makes of what is stored; the streams of the old one have ended.
func (s *Server) takeOver() {
	s.dropStreams()
	next := s.root.clone()
	for id, a := range next.apps {
		fresh := *a
		fresh.def = appdef.AfterLeaderChange(a.def)
		next.apps[id] = &fresh
	}
	s.root = next
	s.poisoned = false
	s.forgetHealth()
	s.resume()
}

// forgetHealth: the results of Marathon's own checks are in the leader's memory only.
func (s *Server) forgetHealth() {
	s.recheck()
	for id, list := range s.instances {
		a := s.root.apps[id]
		if a == nil || !appdef.HasMarathonCheck(a.def) {
			continue
		}
		for _, i := range list {
			if i.running && !i.killing {
				i.healthy = nil
				s.later(i, s.o.Tick, func() { s.probe(i) })
			}
		}
	}
}

// resume takes deployments up again. Instances that a step of scaling finds running are not
// waited for: that they become healthy is no part of it any more.
func (s *Server) resume() {
	for _, d := range slices.Clone(s.deployments) {
		for _, a := range d.steps[d.step] {
			r := d.rollouts[a.app+" "+a.kind]
			if a.kind != actScale || r == nil || d.target.apps[a.app] == nil {
				continue
			}
			running, all := 0, s.instances[a.app]
			for _, i := range all {
				if i.running && !i.killing {
					running++
				}
			}
			r.done = running == len(all) && running == appdef.Int(d.target.apps[a.app].def["instances"])
		}
		s.proceed(d, false)
	}
}
