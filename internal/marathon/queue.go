package marathon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// queued is an entry of /v2/queue: an app of which tasks wait to be launched.
type queued struct {
	App struct {
		ID string `json:"id"`
	} `json:"app"`
	Count int `json:"count"`
	Delay struct {
		// Overdue: the delay is over, and offers are waited for.
		Overdue bool `json:"overdue"`
	} `json:"delay"`
	Summary struct {
		// Last has one offer of each agent: what refused the last round of them, in the order in which
		// Marathon looks. An offer counts where it is refused first.
		Last []refused `json:"rejectSummaryLastOffers"`
	} `json:"processedOffersSummary"`
}

// refused is why offers were not taken.
type refused struct {
	Reason    string `json:"reason"`
	Declined  int    `json:"declined"`
	Processed int    `json:"processed"`
}

// queue says why tasks of an app are not launched, as what follows how many run.
func (m *Marathon) queue(ctx context.Context, c diff.Change, live map[string]any) string {
	var q struct {
		Queue []queued `json:"queue"`
	}
	if _, err := m.api.call(ctx, http.MethodGet, "/v2/queue", nil, &q); err != nil {
		return "" // it only explains; what matters is asked elsewhere
	}
	for _, e := range q.Queue {
		if e.App.ID == c.Addr.Name && e.Count > 0 {
			return "; " + e.text(c.Before, c.After, live)
		}
	}
	return ""
}

// text is such as "3 of 12 wait: 11 agents lack 2 GB, 4 fail UNIQUE".
func (e queued) text(was, want mesh.Tree, live map[string]any) string {
	text := fmt.Sprintf("%d wait", e.Count)
	if n, ok := want["instances"].(int64); ok {
		text = fmt.Sprintf("%d of %d wait", e.Count, n)
	}
	if !e.Delay.Overdue {
		return text + " " + backsOff(live, was, want)
	}
	var why []string
	for _, r := range e.Summary.Last {
		if r.Declined > 0 {
			why = append(why, fmt.Sprintf("%s %s", agents(r.Declined, len(why) == 0), lacks(r, want)))
		}
	}
	if len(why) == 0 {
		return text + " for offers: no agent makes one"
	}
	return text + ": " + strings.Join(why, ", ")
}

// agents counts agents; the first time with the noun.
func agents(n int, first bool) string {
	switch {
	case !first:
		return fmt.Sprint(n)
	case n == 1:
		return "1 agent"
	default:
		return fmt.Sprintf("%d agents", n)
	}
}

// lacks says, of one agent or many, for what Marathon refuses an offer. The reasons are those of 1.4 to
// 1.11; another one is told as it is.
func lacks(r refused, want mesh.Tree) string {
	verb := func(one, many string) string {
		if r.Declined == 1 {
			return one
		}
		return many
	}
	lack := verb("lacks ", "lack ")
	switch r.Reason {
	case "UnfulfilledRole":
		return verb("offers", "offer") + " nothing for its role"
	case "UnfulfilledConstraint":
		return verb("fails ", "fail ") + constraintsText(want)
	case "NoCorrespondingReservationFound":
		return verb("has", "have") + " no reservation for its volumes"
	case "AgentMaintenance":
		return verb("is", "are") + " in maintenance"
	case "InsufficientCpus":
		return lack + fmt.Sprintf("%v cpus", want["cpus"])
	case "InsufficientMemory":
		return lack + megabytes(want["mem"]) + " of memory"
	case "InsufficientDisk":
		return lack + megabytes(want["disk"]) + " of disk"
	case "InsufficientGpus":
		return lack + fmt.Sprintf("%v gpus", want["gpus"])
	case "InsufficientPorts":
		return lack + "its ports"
	case "DeclinedScarceResources":
		return verb("keeps its", "keep their") + " gpus for apps that want them"
	default:
		return verb("is", "are") + " refused for " + oneLine(r.Reason)
	}
}

// constraintsText is such as "hostname UNIQUE and rack GROUP_BY 3".
func constraintsText(want mesh.Tree) string {
	var all []string
	list, _ := want["constraints"].([]any)
	for _, c := range list {
		parts, _ := c.([]any)
		var words []string
		for _, p := range parts {
			words = append(words, oneLine(fmt.Sprint(p)))
		}
		all = append(all, strings.Join(words, " "))
	}
	if len(all) == 0 {
		return "its constraints"
	}
	return strings.Join(all, " and ")
}

// megabytes is an amount that Marathon counts in MiB.
func megabytes(amount any) string {
	var mb float64
	switch n := amount.(type) {
	case int64:
		mb = float64(n)
	case float64:
		mb = n
	case json.Number:
		mb, _ = n.Float64()
	}
	if gb := mb / 1024; gb >= 1 && gb == float64(int64(gb)) {
		return fmt.Sprintf("%d GB", int64(gb))
	}
	return fmt.Sprintf("%g MB", mb)
}

// backsOff says of what the last task died, since which the next launch is put off. It does not count the
// seconds, which differ each time it is asked.
func backsOff(live map[string]any, secretsOf ...mesh.Tree) string {
	text := "because tasks failed"
	failure, _ := live["lastTaskFailure"].(map[string]any)
	if message, _ := failure["message"].(string); message != "" {
		host, _ := failure["host"].(string)
		text += fmt.Sprintf(", the last one on %s: %s", oneLine(host), oneLine(withheld(message, secretsOf...)))
	}
	return text
}

// oneLine makes what another program says fit into a line.
func oneLine(s string) string {
	const longest = 200
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > longest {
		return strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}
