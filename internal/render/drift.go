package render

import (
	"fmt"
	"io"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/plan"
)

// Drift writes the same plan as what moved without git, apart from what git wants.
func Drift(w io.Writer, p plan.Plan, o Options) error {
	t := &printer{w: w, o: o, several: len(p.Marathons) > 1}
	t.header(p, "drift")
	t.refusals("HOSTS THAT ARE NOT AS THEY WERE; no plan can be applied to them", p.HostRefusals())
	t.refusals("NOT AS GIT SAYS; no plan can be applied as long as that is so", p.OtherRefusals())
	t.warnings(p.StandingWarnings())
	moved, pending := p.MovedChanges(), p.PendingChanges()
	if len(moved) > 0 {
		t.line("%s", t.paint(yellow, "MOVED WITHOUT GIT, from what git says to what is there"))
		t.happened(moved)
		t.line("")
	}
	if len(pending) > 0 {
		t.line("%s", t.paint(bold, "WANTED BY GIT, not applied yet (no drift)"))
		t.changes(pending)
		t.line("")
	}
	t.remarks(p)
	t.verdict(p, len(moved), len(pending))
	return t.err
}

// happened tells changes the other way round: a plan says what is to be done about them,
// and who looks for drift wants to know what somebody did.
func (t *printer) happened(moved []diff.Change) {
	var all []diff.Change
	for _, c := range moved {
		all = append(all, reversed(c))
	}
	t.moved = true
	t.changes(all)
	t.moved = false
}

func reversed(c diff.Change) diff.Change {
	c.Before, c.After = c.After, c.Before
	c.BeforeText, c.AfterText = c.AfterText, c.BeforeText
	c.Fields = slices.Clone(c.Fields)
	for i, f := range c.Fields {
		c.Fields[i].Before, c.Fields[i].After = f.After, f.Before
	}
	switch c.Action {
	case diff.Create:
		c.Action = diff.Delete
	case diff.Delete:
		c.Action = diff.Create
	case diff.Update, diff.Replace, diff.Release, diff.Finish, diff.Restart:
	}
	return c
}

// verb is the word for what a change does, or did where that is known.
func (t *printer) verb(c diff.Change) string {
	did := map[diff.Action]string{diff.Create: "appeared:", diff.Update: "changed:", diff.Replace: "replaced:", diff.Delete: "gone:", diff.Release: "changed:", diff.Restart: "runs old tasks:"}
	switch {
	case t.moved && c.Class == diff.Differs:
		return "differs:"
	case t.moved:
		return did[c.Action]
	default:
		return string(c.Action)
	}
}

func (t *printer) verdict(p plan.Plan, moved, pending int) {
	text, stale := "No drift: nothing moved without git", len(p.MovedStale())
	if p.Moved() {
		text = "DRIFT: " + count(moved, "resource") + " moved without git"
		if stale > 0 {
			text += fmt.Sprintf(", %d with old input", stale)
		}
		if n := p.Strangers(); n > 0 {
			text += ", " + count(n, "machine") + " not as known"
		}
	}
	if owed := len(p.Stale) - stale; owed > 0 {
		text += fmt.Sprintf("; %d not restarted yet since git's own change", owed)
	}
	if pending > 0 {
		text += "; " + count(pending, "change") + " of git's wait for an apply"
	}
	if !p.Complete {
		text += "; " + unseen(p) + " could not be observed"
	}
	color := green
	if p.Moved() {
		color = yellow
	}
	t.line("%s.", t.paint(color, text))
	switch {
	case len(p.HostRefusals()) > 0:
		t.line("next: see what is to do with the hosts above, then meshsync drift%s", t.o.Flags)
	case moved == 0 && len(p.Stale) > 0 && p.Empty:
		t.line("next: restart what runs with old input by hand: policy says that meshsync does not")
	case p.Moved():
		t.line("next: meshsync apply%s puts back what git says; or take it over in a commit", t.o.Flags)
	}
}
