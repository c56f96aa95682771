package plan

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// Verdict is what Marathon makes of a change of an app.
type Verdict string

// The verdicts.
const (
	VerdictRestarts Verdict = "restarts"  // tasks are replaced
	VerdictScales   Verdict = "scales"    // tasks come or go, the others stay
	VerdictStarts   Verdict = "starts"    // where none run
	VerdictStops    Verdict = "stops"     // for good
	VerdictNone     Verdict = "no_effect" // Marathon takes it, and no task is touched
	VerdictWaits    Verdict = "waits"     // nothing is written, only waited
)

// AppVerdict is the verdict on one change, with its reasons.
type AppVerdict struct {
	Addr    mesh.Address `json:"address"`
	Verdict Verdict      `json:"verdict"`
	From    int          `json:"from"`    // instances that the live app has
	To      int          `json:"to"`      // instances that it is to have
	Tasks   int          `json:"tasks"`   // tasks that are replaced, come or go
	Because []string     `json:"because"` // fields that differ, or a sentence for what was seen
	// WaitsFor lists what comes first: deployments that hold the app, apps of this plan that it depends on.
	WaitsFor []string `json:"waits_for"`
	Text     string   `json:"text"` // all that in words
}

func (b *builder) verdict(c diff.Change, e AppEffect) AppVerdict {
	v := AppVerdict{
		Addr: c.Addr, From: instances(c.Before), To: instances(c.After),
		Because: append([]string{}, e.Because...), WaitsFor: b.waitsFor(c),
	}
	switch {
	case c.Action == diff.Finish:
		v.Verdict, v.Text = VerdictWaits, "nothing is written"
	case e.Restarts > 0 && e.Observed:
		v.Verdict, v.Tasks, v.Text = VerdictRestarts, e.Restarts, "restarts "+tasks(e.Restarts)+": "+strings.Join(v.Because, ", ")
	case e.Restarts > 0:
		v.Verdict, v.Tasks = VerdictRestarts, e.Restarts
		v.Text = fmt.Sprintf("restarts %s because of %s", tasks(e.Restarts), strings.Join(restarting(v.Because), ", "))
		if v.From != v.To {
			v.Text += fmt.Sprintf(", and scales from %d to %d", v.From, v.To)
		}
	case e.Starts+e.Stops == 0:
		v.Verdict, v.Text = VerdictNone, "no effect: it has no tasks"
	case c.After == nil:
		v.Verdict, v.Tasks, v.Text = VerdictStops, e.Stops, "stops "+tasks(e.Stops)
	case c.Before != nil && v.From != v.To:
		v.Verdict, v.Tasks, v.Text = VerdictScales, e.Starts+e.Stops, fmt.Sprintf("scales from %d to %d", v.From, v.To)
	case e.Stops > 0:
		v.Verdict, v.Tasks, v.Text = VerdictStops, e.Stops, fmt.Sprintf("stops %s beyond its %d", tasks(e.Stops), v.To)
	default:
		v.Verdict, v.Tasks, v.Text = VerdictStarts, e.Starts, "starts "+tasks(e.Starts)
	}
	if len(v.WaitsFor) > 0 {
		v.Text += "; waits for " + strings.Join(v.WaitsFor, ", ")
	}
	return v
}

// restarting are the fields that replace tasks: all but the number of them.
func restarting(fields []string) []string {
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == "instances" })
}

func tasks(n int) string {
	if n == 1 {
		return "1 task"
	}
	return fmt.Sprintf("%d tasks", n)
}

func instances(t mesh.Tree) int {
	n, _ := t["instances"].(int64)
	return int(n)
}

// waitsFor lists what has to come to its end before an app is written, or is done: the
// deployments that hold it, and the changed apps that it depends on.
func (b *builder) waitsFor(c diff.Change) []string {
	out := []string{}
	if c.App != nil {
		state, _ := b.in.Seen.Of(c.Addr.Target)
		for _, id := range c.App.Deployments {
			out = append(out, deploymentName(id, state.Marathon))
		}
	}
	if c.Action == diff.Finish && len(out) == 0 {
		out = append(out, "its tasks")
	}
	return append(out, usesText(b.uses[c.Addr])...)
}

// deploymentName is a deployment with what it does now, where that was seen.
func deploymentName(id string, facts *mesh.MarathonFacts) string {
	name := "deployment " + id
	if facts == nil {
		return name
	}
	for _, d := range facts.Deployments {
		if d.ID == id {
			name += fmt.Sprintf(" (step %d of %d", d.CurrentStep, d.TotalSteps)
			if d.Action != "" {
				name += ": " + d.Action
			}
			name += ")"
		}
	}
	return name
}
