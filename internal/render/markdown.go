package render

import (
	"fmt"
	"io"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/plan"
)

// CommentLimit is what one comment on a pull request may hold, in bytes.
const CommentLimit = 65_536

// PlanMarkdown writes a plan for a pull request's comment of at most budget bytes. When it
// does not fit, details go first by host folding, then diffs, then all details; what
// was left out is said.
func PlanMarkdown(w io.Writer, p plan.Plan, budget int) error {
	for level := range 3 {
		text := markdown(p, level)
		if len(text) <= budget || level == 2 {
			if len(text) > budget {
				text = cut(text, budget)
			}
			_, err := io.WriteString(w, text)
			return err
		}
	}
	return nil
}

func cut(text string, budget int) string {
	note := "\n\nThe rest did not fit into this comment; see the plan's JSON.\n"
	return strings.ToValidUTF8(text[:budget-len(note)], "") + note
}

// markdown writes with all details (0), without diffs (1), or counts only (2).
func markdown(p plan.Plan, level int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### meshsync plan for %s: %s\n<!-- meshsync:%s -->\n\n", md(p.Mesh), headline(p), md(p.Mesh))
	fmt.Fprintf(&b, "%s%s\n\n", ifText(p.Sandbox, "**SANDBOX** "), md(sourceText(p.Source)))
	for _, u := range p.Unknown {
		fmt.Fprintf(&b, "- **not observed:** %s: %s: %s\n", md(unknownName(u)), u.Outcome, md(u.Message))
	}
	for _, r := range p.Refusals {
		fmt.Fprintf(&b, "- **refused** (%s): %s. %s\n", md(r.Code), md(r.Message), md(r.Hint))
	}
	if gs := groupEffects(p.Effects); len(gs) > 0 {
		b.WriteString("\n| effect | because |\n|---|---|\n")
		for _, g := range gs {
			fmt.Fprintf(&b, "| %s | %s |\n", md(g.text(false)), md(strings.Join(g.because(false), "; ")))
		}
	}
	if level < 2 {
		for _, s := range p.Stages {
			markdownStage(&b, s, level == 0)
		}
	}
	if level > 0 {
		b.WriteString("\nDetails were left out to fit into this comment; the plan's JSON has all of them.\n")
	}
	return b.String()
}

func headline(p plan.Plan) string {
	if p.Empty {
		return "nothing to do"
	}
	s := p.Summary
	return fmt.Sprintf("%s, %d drifted, %s", count(s.Creates+s.Updates+s.Releases+s.Finishes, "change"), s.Drift+s.Both+s.Differs, count(s.Deletes, "deletion"))
}

func markdownStage(b *strings.Builder, s plan.Stage, withDiffs bool) {
	var all []diff.Change
	for _, x := range s.Batches {
		all = append(all, x.Changes...)
	}
	diff.Sort(all)
	fmt.Fprintf(b, "\n<details><summary>%d %s (%s): %s</summary>\n\n", s.N, md(s.Title), count(len(s.Batches), "batch"), md(s.Why))
	for _, f := range fold(all, true) {
		c := f.change
		fmt.Fprintf(b, "- %s %s `%s` on %s (%s)\n", c.Action, c.Addr.Kind, strings.ReplaceAll(safe(c.Addr.Name), "`", "'"), md(names(f.targets, false)), c.Class)
		for _, x := range c.Fields {
			if x.Path != "content" {
				fmt.Fprintf(b, "  - %s: %s → %s\n", md(x.Path), md(value(x.Before)), md(value(x.After)))
			}
		}
		if d := contentDiff(c); withDiffs && d != "" {
			fence := "````"
			fmt.Fprintf(b, "\n%sdiff\n%s%s\n", fence, strings.ReplaceAll(safeLines(d), fence, "'''"), fence)
		}
	}
	b.WriteString("\n</details>\n")
}
