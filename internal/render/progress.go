package render

import (
	"fmt"
	"io"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/mesh"
)

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
	case apply.Failed, apply.Conflict, apply.RolledBack, apply.UnknownEnd, apply.GateFailed:
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
