package marathond

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func unmarshal(data json.RawMessage, v any) error { return json.Unmarshal(data, v) }

// waiting are the instances of an app for which there is no task yet.
func (s *Server) waiting(id string) []*instance {
	var out []*instance
	for _, i := range s.instances[id] {
		if !i.staged && !i.killing {
			out = append(out, i)
		}
	}
	return out
}

// queue lists apps that wait for offers, or whose failed tasks are held back.
func (s *Server) queue() answer {
	list := []any{}
	for _, id := range s.root.ids() {
		w, a := s.waiting(id), s.root.apps[id]
		if len(w) == 0 || s.poisoned && !infinite(a.def) { // a poisoned launcher does not get to the others
			continue
		}
		left := w[0].since.Sub(s.clock.Now())
		list = append(list, object{
			"app": definition(a), "count": len(w), "role": appdef.Text(a.def["role"]), "since": stamp(w[0].since),
			"delay":                  object{"timeLeftSeconds": max(0, int(math.Ceil(left.Seconds()))), "overdue": left <= 0},
			"processedOffersSummary": s.offersSummary(w[0]),
		})
	}
	return ok(object{"queue": list})
}

// offersSummary says why nothing was launched: each offer was looked at and none fitted.
func (s *Server) offersSummary(i *instance) object {
	n, at := 0, s.clock.Now()
	agent, reason := s.match(i)
	if agent < 0 {
		n = int(max(0, at.Sub(i.since)) / s.o.Tick)
	}
	out := object{
		"processedOffersCount": n, "unusedOffersCount": n,
		"rejectSummaryLastOffers": funnel(min(n, len(s.o.Agents)), reason), "rejectSummaryLaunchAttempt": funnel(n, reason),
	}
	if n > 0 {
		out["lastUnusedOfferAt"] = stamp(at)
	}
	return out
}

// funnel is the reject summary of offers that were all declined for one reason.
func funnel(n int, why string) []any {
	reasons := []string{
		"UnfulfilledRole", "UnfulfilledConstraint", "NoCorrespondingReservationFound", "AgentMaintenance", "InsufficientCpus",
		"InsufficientMemory", "InsufficientDisk", "InsufficientGpus", "InsufficientPorts", "DeclinedScarceResources",
	}
	var out []any
	reached := n
	for _, r := range reasons {
		declined := 0
		if r == why {
			declined = n
		}
		out = append(out, object{"reason": r, "declined": declined, "processed": reached})
		reached -= declined
	}
	return out
}

func (s *Server) queueHandlers(rest string) handlers {
	id, ok := strings.CutSuffix(rest, "/delay")
	if !ok {
		return nil
	}
	return handlers{"DELETE": func(*request, string) answer { return s.dropDelay("/" + id) }}
}

// dropDelay lets an app start its failed tasks again at once.
func (s *Server) dropDelay(id string) answer {
	w := s.waiting(id)
	if len(w) == 0 {
		return notFound("Application "+id+" not found in tasks queue.", true)
	}
	delete(s.backoff, id)
	for _, i := range w {
		if i.since.After(s.clock.Now().Add(time.Millisecond)) {
			s.schedule(i, 0)
		}
	}
	return answer{status: http.StatusNoContent}
}
