package render

import (
	"fmt"
	"io"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/mesh"
)

// Report writes what a run came to: what was done, where it stopped and why, what was
// not tried, and what to do next. No events mean that there was nothing to do.
func Report(w io.Writer, events []apply.Event, o Options) error {
	t := &printer{w: w, o: o}
	if len(events) == 0 {
		t.line("Nothing to do; nothing was written.")
		return t.err
	}
	r := apply.Fold(events)
	t.line("%s", t.paint(bold, "run "+safe(r.Run)))
	t.line("  %d done, %d failed, %d of unknown end, %d not tried", len(r.Done), len(r.Failed), len(r.Unknown), len(r.Skipped))
	t.events("FAILED", red, r.Failed, true)
	t.events("UNKNOWN: begun, and no end was seen", yellow, r.Unknown, true)
	if r.Stopped != nil && r.Stopped.Type != apply.Failed && r.Stopped.Type != apply.Conflict && r.Stopped.Type != apply.UnknownEnd {
		t.line("%s", t.paint(yellow, "STOPPED: "+safe(r.Stopped.Message)))
	}
	t.events("NOT TRIED", dim, r.Skipped, o.Full)
	switch r.Code {
	case apply.CodeDone:
		t.line("%s", t.paint(green, "Applied."))
		t.line("next: meshsync plan%s, which should be empty", o.Flags)
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

// Progress returns what shows a run's events as they come: on a terminal one rewritten
// line with permanent lines for stages and whatever went wrong, elsewhere plain lines.
// It is to be called from one goroutine at a time.
func Progress(w io.Writer, tty bool, width int) func(apply.Event) {
	p := &progress{w: w, tty: tty, width: max(width, 40)}
	return p.show
}

type progress struct {
	w     io.Writer
	tty   bool
	width int
	done  int
}

func (p *progress) show(e apply.Event) {
	switch e.Type {
	case apply.Starting, apply.RunStart, apply.StageDone, apply.RunEnd:
		switch {
		case !p.tty:
		case e.Type == apply.Starting:
			p.status(e.Message)
		case e.Type == apply.RunEnd:
			fmt.Fprint(p.w, "\r\x1b[K") // the report follows
		}
		return
	case apply.Done:
		p.done++
		if p.tty {
			p.status(e.Message)
			return
		}
		if p.quiet(e) {
			return
		}
	case apply.Skipped:
		return
	default:
	}
	p.permanent(prefix(e) + safe(e.Message))
}

// quiet leaves out single paths: a log is read for services, gates and deployments.
func (p *progress) quiet(e apply.Event) bool {
	a, err := mesh.ParseAddress(e.Subject)
	return err == nil && a.IsPath()
}

func prefix(e apply.Event) string {
	switch e.Type {
	case apply.StageStart:
		return ""
	case apply.Failed, apply.Conflict, apply.UnknownEnd, apply.GateFailed:
		return "  ! "
	default:
		return "  "
	}
}

func (p *progress) status(text string) {
	line := []rune(fmt.Sprintf("%d done; %s", p.done, safe(text)))
	fmt.Fprint(p.w, "\r\x1b[K"+string(line[:min(len(line), p.width-1)]))
}

func (p *progress) permanent(text string) {
	if p.tty {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintln(p.w, text)
}
