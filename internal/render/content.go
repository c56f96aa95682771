package render

import (
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

func contentDiff(c diff.Change) string {
	if c.Diff != "" {
		return c.Diff
	}
	if c.Addr.Kind != mesh.File || c.Before != nil && c.BeforeText == nil || c.After != nil && c.AfterText == nil {
		return ""
	}
	if mesh.ConfidentialAttrs(c.Before) || mesh.ConfidentialAttrs(c.After) {
		return ""
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return unified(text(c.BeforeText), text(c.AfterText), 2)
}

// How many lines of a new or deleted file, and of a diff, are shown unless everything is asked for.
const (
	maxWhole = 4
	maxDiff  = 24
)

// content shows how a file's text changes; false when the texts are not known.
func (t *printer) content(c diff.Change) bool {
	d := strings.TrimSuffix(contentDiff(c), "\n")
	if d == "" {
		return false
	}
	ls, limit := strings.Split(d, "\n"), maxDiff
	if c.Before == nil || c.After == nil { // its lines are enough
		ls, limit = ls[1:], maxWhole
	}
	for i, l := range ls {
		if i == limit && len(ls) > limit+2 && !t.o.Full {
			t.line("      … %s more (--full shows them)", count(len(ls)-limit, "line"))
			break
		}
		t.line("      %s", t.paint(lineColor(l), safe(l)))
	}
	return true
}

func lineColor(l string) string {
	switch {
	case strings.HasPrefix(l, "+"):
		return green
	case strings.HasPrefix(l, "-"):
		return red
	default:
		return dim
	}
}
