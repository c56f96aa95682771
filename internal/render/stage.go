package render

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

func (t *printer) stage(s plan.Stage) {
	t.line("%s", t.paint(bold, fmt.Sprintf("%d %s", s.N, safe(s.Title))))
	t.line("  order: %s", safe(s.Why))
	t.batches(s)
	var all []diff.Change
	for _, b := range s.Batches {
		all = append(all, b.Changes...)
	}
	diff.Sort(all)
	t.changes(all)
	t.line("")
}

// batches lists the batches in the order in which they are meant to run. Equal gates are told once.
func (t *printer) batches(s plan.Stage) {
	if len(s.Batches) > 6 && !t.o.Full {
		t.line("  %s, of %s", count(len(s.Batches), "batch"), size(s))
	}
	layered := slices.ContainsFunc(s.Batches, func(b plan.Batch) bool { return b.Layer > 1 })
	for i, b := range s.Batches {
		if i >= 6 && !t.o.Full {
			break
		}
		var hosts []string
		for _, x := range b.Targets {
			hosts = append(hosts, x.Name)
		}
		layer := ifText(layered && b.Layer > 0, fmt.Sprintf(" (layer %d)", b.Layer))
		t.line("  batch %d%s: %s%s", i+1, layer, names(hosts, t.o.Full), stepsText(b))
		for _, g := range b.Before {
			t.line("      before: %s", safe(g.Text))
		}
		for _, g := range b.After {
			t.line("      after:  %s", safe(g.Text))
		}
		if b.Confirm != nil {
			t.line("      lock-out: %s; the host takes it back by itself unless a new login comes in within %s", safe(strings.Join(b.Confirm.Because, ", ")), b.Confirm.Within)
		}
		switch {
		case b.RollBack:
			t.line("      on failure: put back as it was before")
		case b.NotRolledBack != "":
			t.line("      on failure: left as it is, for %s", safe(b.NotRolledBack))
		}
	}
}

// size is how much is done in each batch of a stage: "1 host each", "up to 5 hosts each", "1 app each".
func size(s plan.Stage) string {
	least, most := len(s.Batches[0].Targets), 0
	for _, b := range s.Batches {
		least, most = min(least, len(b.Targets)), max(most, len(b.Targets))
	}
	switch {
	case s.Batches[0].Layer > 0:
		return "1 app each"
	case least == most:
		return count(most, "host") + " each"
	default:
		return "up to " + count(most, "host") + " each"
	}
}

// stepsText is ": restart zookeeper" for what is done to services in a batch, and
// ": create /www" for an app, which has a batch of its own.
func stepsText(b plan.Batch) string {
	var out []string
	for _, c := range b.Changes {
		if c.Addr.Kind == mesh.App {
			out = append(out, string(c.Action)+" "+c.Addr.Name)
		}
	}
	for _, s := range b.Service {
		out = append(out, string(s.Op)+" "+s.Unit)
	}
	out = uniqueInOrder(out)
	if len(out) == 0 {
		return ""
	}
	return ": " + safe(strings.Join(out, ", "))
}

func uniqueInOrder(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
