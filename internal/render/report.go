package render

import (
	"fmt"
	"io"
	"slices"

	"meshsync.dev/meshsync/internal/apply"
)

// Report writes what a run came to: what it applied, when and where, what was done, where it stopped and why, what was
// not tried, and what to do next. No events mean that there was nothing to do.
func Report(w io.Writer, events []apply.Event, o Options) error {
	t := &printer{w: w, o: o}
	if len(events) == 0 {
		t.line("Nothing to do; nothing was written.")
		return t.err
	}
	r := apply.Fold(events)
	when := spanOf(events)
	t.line("%s", t.paint(bold, "run "+safe(r.Run)+ifText(when.what != "", ": "+safe(when.what))))
	t.line("  %s", when.text())
	if where := targetsOf(events); len(where) > 0 {
		t.line("  on %s: %s", count(len(where), "target"), names(where, o.Full))
	}
	t.line("  %s", countsText(r))
	t.truth(r.Truth)
	t.events("FAILED", red, r.Failed, true)
	t.events("ROLLED BACK: failed, and as it was before", red, r.RolledBack, true)
	t.events("UNKNOWN: begun, and no end was seen", yellow, r.Unknown, true)
	if stoppedApart(r) {
		t.line("%s", t.paint(yellow, "STOPPED: "+safe(r.Stopped.Message)))
	}
	t.events("NOT TRIED", dim, r.Skipped, o.Full)
	due := slices.DeleteFunc(slices.Clone(r.Done), func(e apply.Event) bool { return e.Code != apply.CodeDue })
	t.events("DONE, AND MORE IS DUE", yellow, due, true)
	if o.Full {
		t.timeline(events, when)
	}
	if o.Restart != "" {
		t.restarted(r.Code)
		return t.err
	}
	switch r.Code {
	case apply.CodeDone:
		t.line("%s", t.paint(green, "Applied."))
		t.line("next: meshsync plan%s, which %s", o.Flags, map[bool]string{true: "should be empty", false: "has what is due"}[len(due) == 0 && !o.More])
	case apply.CodeRolledBack:
		t.line("Not applied: what failed was rolled back, and is pending again. next: mend the cause, then meshsync apply%s", o.Flags)
	case apply.CodeLeased:
		t.line("Nothing was done. next: meshsync apply%s once the other run has ended", o.Flags)
	case apply.CodeInterrupted:
		t.line("Interrupted. next: meshsync apply%s goes on from what is there", o.Flags)
	case "":
		t.line("The journal ends before the run's end: it was killed. next: meshsync apply%s goes on from what is there", o.Flags)
	default:
		t.line("Stopped part-way. next: mend the cause, then meshsync apply%s goes on from what is there", o.Flags)
	}
	return t.err
}

// restarted ends the report of a restart. Nothing on the hosts tells which of them had its turn.
func (t *printer) restarted(code string) {
	command := "meshsync restart " + safe(t.o.Restart) + t.o.Flags
	switch code {
	case apply.CodeDone:
		t.line("%s next: meshsync status%s", t.paint(green, "Done."), t.o.Flags)
	case apply.CodeLeased:
		t.line("Nothing was done. next: %s once the other run has ended", command)
	case apply.CodeInterrupted:
		t.line("Interrupted. next: %s, which restarts all of them again", command)
	default:
		t.line("Stopped part-way. next: mend the cause, then %s, which restarts all of them again", command)
	}
}

// countsText counts the ends of actions. Only with a policy that rolls back something is.
func countsText(r apply.Report) string {
	back := ""
	if n := len(r.RolledBack); n > 0 {
		back = fmt.Sprintf(", %d rolled back", n)
	}
	return fmt.Sprintf("%d done, %d failed%s, %d of unknown end, %d not tried", len(r.Done), len(r.Failed), back, len(r.Unknown), len(r.Skipped))
}

// stoppedApart says that what ended the run early stands in none of the report's lists.
func stoppedApart(r apply.Report) bool {
	return r.Stopped != nil && !slices.Contains([]apply.EventType{apply.Failed, apply.Conflict, apply.RolledBack, apply.UnknownEnd}, r.Stopped.Type)
}

func (t *printer) events(title, color string, es []apply.Event, all bool) {
	if len(es) == 0 {
		return
	}
	t.line("%s", t.paint(color, title))
	for i, e := range es {
		if i == 5 && !all {
			t.line("  … %d more (--full shows them)", len(es)-i)
			return
		}
		t.line("  %s", safe(e.Message))
	}
}
