package marathond

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Faults of a Marathon that answers, and not with what is.
const (
	faultShuffle = "shuffle"
	faultExtra   = "extra-fields"
	faultStale   = "stale"
	faultDies    = "dies-after-write"
	faultLose    = "lose-deployments"
	faultElects  = "election"
)

// told is the answer to a request, as the faults let it be told. Writes are worked off as ever.
func (s *Server) told(q *request) answer {
	if q.method != http.MethodGet {
		return s.answer(q)
	}
	a := s.asItWas(q)
	if s.on(faultShuffle) {
		s.turns++
		a.body = shuffled("", a.body, s.turns)
	}
	if s.on(faultExtra) {
		a.body = extended("", a.body)
	}
	return a
}

// moment is what reads look at.
type moment struct {
	root        *root
	deployments []*deployment
	instances   map[string][]*instance
}

// freeze keeps what reads are answered from while the fault lasts.
func (s *Server) freeze() {
	v := &moment{root: s.root, instances: map[string][]*instance{}}
	for _, d := range s.deployments {
		kept := *d
		v.deployments = append(v.deployments, &kept)
	}
	for id, list := range s.instances {
		for _, i := range list {
			kept := *i
			v.instances[id] = append(v.instances[id], &kept)
		}
	}
	s.frozen = v
}

// asItWas answers a read, from what was kept if a fault says so.
func (s *Server) asItWas(q *request) answer {
	if s.frozen == nil {
		return s.answer(q)
	}
	now := moment{s.root, s.deployments, s.instances}
	s.root, s.deployments, s.instances = s.frozen.root, s.frozen.deployments, s.frozen.instances
	a := s.answer(q)
	s.root, s.deployments, s.instances = now.root, now.deployments, now.instances
	return a
}

// unordered are lists whose order means nothing, by the name of their field; the list of
// deployments has none.
func unordered() []string {
	return []string{
		"", "*", "apps", "groups", "pods", "deployments", "affectedApps", "currentActions", "tasks", "versions", "queue", "features",
		"constraints", "acceptedResourceRoles", "dependencies",
	}
}

// shuffled is a copy of an answer in which such lists begin n elements later.
func shuffled(key string, v any, n int) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = shuffled(k, x, n)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			from := i
			if slices.Contains(unordered(), key) {
				from = (i + n) % len(v)
			}
			out[i] = shuffled("element", v[from], n)
		}
		return out
	default:
		return v
	}
}

// extraField is one that no release has.
const extraField = "sandboxExtra"

// extended is a copy of an answer with a field more in each object, other than those whose
// names are the user's own.
func extended(key string, v any) any {
	switch v := v.(type) {
	case object:
		if slices.Contains([]string{"env", "labels", "secrets", "options"}, key) {
			return v
		}
		out := object{extraField: object{"since": "tomorrow"}}
		for k, x := range v {
			out[k] = extended(k, x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = extended("", x)
		}
		return out
	default:
		return v
	}
}

// dies ends the leader when it has stored a write of an app and begun nothing yet, where a
// fault says so: nobody gets a reply, another node leads, and it knows of no deployment.
func (s *Server) dies(d *deployment) bool {
	if !slices.ContainsFunc(d.apps(), func(id string) bool { return s.hit(faultDies, id) }) {
		return false
	}
	delete(s.faults, faultDies)
	s.abdicate()
	s.checkLater()
	return true
}

// loseDeployments forgets those that run: nothing works on their apps any more.
func (s *Server) loseDeployments() {
	for _, list := range s.instances {
		for _, i := range list {
			if !i.staged && !i.killing { // what no agent has yet was the deployment's to wait for
				i.epoch++
				s.remove(i)
			}
		}
	}
	s.deployments = nil
	s.checkLater()
}

// checkAfter is when apps get their number of tasks again after a fault. The real one looks every
// five minutes (--scale_apps_interval).
const checkAfter = 2 * time.Second

func (s *Server) checkLater() { s.after(checkAfter, s.scaleCheck) }

// scaleCheck gives each app that no deployment works on its number of tasks, whatever those run with.
func (s *Server) scaleCheck() {
	busy := map[string]bool{}
	for _, d := range s.deployments {
		for _, id := range d.apps() {
			busy[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.instances)) {
		if s.root.apps[id] == nil && !busy[id] {
			s.stopApp(id)
		}
	}
	for _, id := range s.root.ids() {
		if !busy[id] {
			s.scaleApp(s.root.apps[id])
		}
	}
}

// elects answers as during an election for so many milliseconds.
func (s *Server) elects(ms string) {
	n, _ := strconv.Atoi(ms) // checked before
	s.faults["no-leader"] = map[string]bool{"": true}
	s.after(time.Duration(n)*time.Millisecond, func() { delete(s.faults, "no-leader") })
}
