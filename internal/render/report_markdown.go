package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/apply"
)

// ReportMarkdown writes the report of a run's events for a pull request's comment of at most budget bytes: what
// was done is counted, all else is named.
func ReportMarkdown(w io.Writer, events []apply.Event, budget int) error {
	text := "### meshsync apply: nothing to do\n"
	if len(events) > 0 {
		text = reportMarkdown(apply.Fold(events), spanOf(events))
	}
	if len(text) > budget {
		text = cut(text, budget, "report")
	}
	_, err := io.WriteString(w, text)
	return err
}

func reportMarkdown(r apply.Report, when runSpan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### meshsync %s: %s\n\n", md(when.what), outcomeWords(r.Code))
	fmt.Fprintf(&b, "Run %s %s.\n%s.\n\n", mdCode(r.Run), when.text(), countsText(r))
	for i, line := range truthLines(r.Truth) {
		if i == 0 {
			line = "**truth:**" + strings.TrimPrefix(line, "truth:")
		} else {
			line = md(line)
		}
		fmt.Fprintf(&b, "- %s\n", line)
	}
	if stoppedApart(r) {
		fmt.Fprintf(&b, "- **stopped:** %s\n", md(r.Stopped.Message))
	}
	due := slices.DeleteFunc(slices.Clone(r.Done), func(e apply.Event) bool { return e.Code != apply.CodeDue })
	for _, l := range []struct {
		title string
		of    []apply.Event
	}{
		{"failed", r.Failed},
		{"rolled back", r.RolledBack},
		{"unknown", r.Unknown},
		{"not tried", r.Skipped},
		{"done, and more is due", due},
	} {
		for _, e := range l.of {
			fmt.Fprintf(&b, "- **%s:** %s\n", l.title, md(e.Message))
		}
	}
	return b.String()
}

// outcomeWords says how a run ended.
func outcomeWords(code string) string {
	switch code {
	case apply.CodeDone:
		return "applied"
	case apply.CodeRolledBack:
		return "failed, and rolled back"
	case apply.CodeLeased:
		return "nothing was done: another run is at work"
	case apply.CodeInterrupted:
		return "interrupted"
	case "":
		return "killed before its end"
	default:
		return "stopped part-way"
	}
}
