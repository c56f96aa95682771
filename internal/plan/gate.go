package plan

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/health"
)

// Holds reports whether a gate on an ensemble holds, given how its members look
// now, the hosts of the batch, and the members that served before the batch. The
// text says what is missing. It is the only interpretation of quorum: the executor
// asks the members and calls it.
func (g Gate) Holds(now health.View, batch, servedBefore []string) (bool, string) {
	serving := now.Serving()
	switch g.Kind {
	case GateQuorum:
		return g.quorumHolds(serving, batch, now)
	case GateServing:
		var missing []string
		for _, m := range g.Ensemble.Members {
			if (slices.Contains(batch, m) || slices.Contains(servedBefore, m)) && !slices.Contains(serving, m) {
				missing = append(missing, m+" ("+now.Members[m].Reason+")")
			}
		}
		if len(missing) > 0 {
			return false, fmt.Sprintf("%d of %d members of %s serve; missing: %s", len(serving), g.Of, g.Ensemble.Name, strings.Join(missing, ", "))
		}
		return true, fmt.Sprintf("%d of %d members of %s serve", len(serving), g.Of, g.Ensemble.Name)
	default:
		return false, "gate " + string(g.Kind) + " does not ask an ensemble"
	}
}

func (g Gate) quorumHolds(serving, batch []string, now health.View) (bool, string) {
	serving = slices.DeleteFunc(slices.Clone(serving), func(m string) bool { return !slices.Contains(g.Ensemble.Members, m) })
	left, idle := len(serving), true
	for _, m := range batch {
		if slices.Contains(serving, m) {
			left--
		}
		idle = idle && now.Idle(m)
	}
	if idle {
		return true, "the members of this batch do not serve: nothing is lost by stopping them"
	}
	text := fmt.Sprintf("without %s %d of %d members of %s would serve, %d must", strings.Join(batch, ", "), left, g.Of, g.Ensemble.Name, g.Need)
	if left >= g.Need {
		return true, text
	}
	var why []string
	for _, m := range g.Ensemble.Members {
		if !slices.Contains(serving, m) {
			why = append(why, m+" ("+now.Members[m].Reason+")")
		}
	}
	return false, text + "; not serving: " + strings.Join(why, ", ")
}
