package render

import (
	"fmt"
	"io"
	"strings"

	"meshsync.dev/meshsync/internal/plan"
)

// Plan writes a plan for people: where it comes from, what it does to the cluster, what
// forbids it, the stages in order with their gates and details, what is not known, and
// the next command.
func Plan(w io.Writer, p plan.Plan, o Options) error {
	t := &printer{w: w, o: o, several: len(p.Marathons) > 1, verdicts: verdictsOf(p)}
	t.header(p, "plan")
	t.effects(p)
	t.refusals("REFUSED: this plan cannot be applied as it is", p.Refusals)
	t.warnings(p.Warnings)
	for _, s := range p.Stages {
		t.stage(s)
	}
	t.remarks(p)
	t.summary(p)
	t.next(p)
	return t.err
}

// effects tells first what happens beyond the changes themselves, with causes.
func (t *printer) effects(p plan.Plan) {
	if p.Empty {
		return
	}
	t.line("%s", t.paint(bold, "EFFECTS"))
	if len(p.Effects) == 0 {
		t.line("  nothing restarts; no task is touched")
	}
	for _, g := range groupEffects(p) {
		t.line("  %s", t.paint(g.color(), g.text(t.o.Full)))
		for _, b := range g.because(t.o.Full) {
			t.line("      because %s", b)
		}
		for _, c := range g.stays {
			t.line("      %s", c)
		}
	}
	t.line("")
}

func (t *printer) refusals(title string, rs []plan.Refusal) {
	if len(rs) == 0 {
		return
	}
	t.line("%s", t.paint(red, title))
	for _, r := range rs {
		t.line("  %s: %s", r.Code, safe(r.Message))
		if r.Hint != "" {
			t.line("      to do: %s", safe(r.Hint))
		}
		if r.Source != "" {
			t.line("      rule: %s", safe(r.Source))
		}
	}
	t.line("")
}

func (t *printer) warnings(ws []plan.Warning) {
	if len(ws) == 0 {
		return
	}
	t.line("%s", t.paint(yellow, "WARNINGS"))
	for _, w := range ws {
		t.line("  %s: %s", w.Code, safe(w.Message))
		if w.Hint != "" {
			t.line("      to do: %s", safe(w.Hint))
		}
	}
	t.line("")
}

func (t *printer) summary(p plan.Plan) {
	s := p.Summary
	if p.Empty {
		if p.Complete && len(p.NotServing) > 0 {
			t.line("%s", t.paint(yellow, fmt.Sprintf("Nothing to change: all %s are as git says, but %s not serve.", count(s.Unchanged, "resource"), doNot(len(p.NotServing)))))
		} else if p.Complete {
			t.line("%s", t.paint(green, fmt.Sprintf("Nothing to do: all %s are as git says.", count(s.Unchanged, "resource"))))
		} else {
			t.line("Nothing to do as far as could be seen: %s as git says.", count(s.Unchanged, "resource"))
		}
		return
	}
	t.line("%s", t.paint(bold, fmt.Sprintf("%d to create, %d to update, %d to delete, %d to release%s%s; %d unchanged. By class: %s.",
		s.Creates, s.Updates, s.Deletes, s.Releases, ifText(s.Finishes > 0, fmt.Sprintf(", %d to follow to its end", s.Finishes)), ifText(s.Restarts > 0, fmt.Sprintf(", %d to restart", s.Restarts)), s.Unchanged, classes(s))))
}

func doNot(n int) string {
	if n == 1 {
		return "1 service does"
	}
	return fmt.Sprintf("%d services do", n)
}

func classes(s plan.Summary) string {
	var out []string
	for _, c := range []struct {
		n    int
		text string
	}{{s.Pending, "pending (git moved)"}, {s.Drift, "drift (the cluster moved)"}, {s.Both, "both"}, {s.Differs, "differs (no record tells who moved)"}, {s.Stale, "stale (old tasks run)"}} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.text))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// next names the command to type.
func (t *printer) next(p plan.Plan) {
	switch {
	case p.Empty || p.Snapshot != "":
	case !p.Applicable:
		t.line("next: see REFUSED above, then meshsync plan%s", t.o.Flags)
	case !t.o.Apply:
		t.line("next: meshsync apply%s", t.o.Flags)
	}
}
