// Package render writes plans, drift, reports and snapshots: as text for people, as
// JSON for machines, as Markdown for pull requests. It only looks at values; the same
// value gives the same bytes. It is the only importer of go-diff.
package render

import (
	"fmt"
	"io"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// Options are how text is written.
type Options struct {
	Color bool
	ASCII bool // no characters beyond ASCII of our own
	Full  bool // nothing is folded or shortened
	Brief bool // of a plan: one line for each change, without its details
	Apply bool // of a plan: it is about to be carried out, so there is no next command
	Width int  // of the terminal; 0: 100
	// Restart is of a report the role or service that the run restarted; "" of an apply.
	Restart string
	// More is set of a report after which another plan goes on, whatever was done.
	More  bool
	Flags string // what a command after this one needs to speak of the same: "", or " -C prod --only x"
}

// printer writes lines and remembers the first error.
type printer struct {
	w       io.Writer
	o       Options
	moved   bool // changes are told as what happened, not as what is to be done
	several bool // there are several Marathons, so that each app is named with its own
	err     error

	verdicts map[mesh.Address]string // on changes of apps; nil where nothing is to be done
}

func (p *printer) line(format string, args ...any) {
	if p.err != nil {
		return
	}
	_, p.err = io.WriteString(p.w, p.plainChars(fmt.Sprintf(format, args...))+"\n")
}

// plainChars replaces our own typography where only ASCII may be written.
func (p *printer) plainChars(s string) string {
	if !p.o.ASCII {
		return s
	}
	return strings.NewReplacer("→", "->", "·", "-", "…", "...", "–", "-").Replace(s)
}

// typography is what plainChars replaces.
const typography = "→·…–"

// Colours by disruption, never needed for the meaning: words say it all.
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	dim    = "2"

	inverse = "7" // beside another one
)

func (p *printer) paint(code, s string) string {
	if !p.o.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// count names a number of things: "1 host", "2 hosts".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "e") { // but: keys
		return fmt.Sprintf("%d %sies", n, stem)
	}
	if strings.HasSuffix(noun, "ch") || strings.HasSuffix(noun, "ss") {
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// names joins names; beyond a handful only their number is told.
func names(list []string, full bool) string {
	const shown = 8
	if full || len(list) <= shown {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:shown-2], ", "), len(list)-(shown-2))
}
