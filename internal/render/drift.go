package render

import (
	"fmt"
	"io"

	"meshsync.dev/meshsync/internal/plan"
)

// Drift writes the same plan as what moved without git, apart from what git wants.
func Drift(w io.Writer, p plan.Plan, o Options) error {
	t := &printer{w: w, o: o}
	t.header(p, "drift")
	moved, pending := p.MovedChanges(), p.PendingChanges()
	if len(moved) > 0 {
		t.line("%s", t.paint(yellow, "MOVED WITHOUT GIT"))
		t.changes(moved)
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

func (t *printer) verdict(p plan.Plan, moved, pending int) {
	text := "No drift: nothing moved without git"
	if p.Moved() {
		text = "DRIFT: " + count(moved, "resource") + " moved without git"
		if n := len(p.Stale); n > 0 {
			text += fmt.Sprintf(", %d with old input", n)
		}
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
	if p.Moved() {
		t.line("next: meshsync plan, then meshsync apply to put back what git says; or take it over in a commit")
	}
}
