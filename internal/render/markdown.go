package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
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
				text = cut(text, budget, "plan")
			}
			_, err := io.WriteString(w, text)
			return err
		}
	}
	return nil
}

// cut keeps what fits of what is called so.
func cut(text string, budget int, what string) string {
	note := "\n\nThe rest did not fit into this comment; see the " + what + "'s JSON.\n"
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
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "- **warning** (%s): %s. %s\n", md(w.Code), md(w.Message), md(w.Hint))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "- **note:** %s\n", md(n))
	}
	lines := notCompared(p.NotCompared, false)
	if level == 2 && len(lines) > 0 {
		lines = []string{count(len(p.NotCompared), "field") + ", in the plan's JSON"}
	}
	for _, line := range lines {
		fmt.Fprintf(&b, "- **not compared:** %s\n", md(line))
	}
	if gs := groupEffects(p); len(gs) > 0 {
		b.WriteString("\n| effect | because |\n|---|---|\n")
		for _, g := range gs {
			fmt.Fprintf(&b, "| %s | %s |\n", md(g.text(false)), md(strings.Join(slices.Concat(g.because(false), g.stays), "; ")))
		}
	}
	if level < 2 {
		verdicts := verdictsOf(p)
		for _, s := range p.Stages {
			markdownStage(&b, s, verdicts, level == 0)
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
	return fmt.Sprintf("%s, %d drifted, %s", count(s.Creates+s.Updates+s.Releases+s.Finishes+s.Restarts, "change"), s.Drift+s.Both+s.Differs+s.Stale, count(s.Deletes, "deletion"))
}

func markdownStage(b *strings.Builder, s plan.Stage, verdicts map[mesh.Address]string, withDiffs bool) {
	var all []diff.Change
	for _, x := range s.Batches {
		all = append(all, x.Changes...)
	}
	diff.Sort(all)
	fmt.Fprintf(b, "\n<details><summary>%d %s (%s): %s</summary>\n\n", s.N, md(s.Title), count(len(s.Batches), "batch"), md(s.Why))
	for _, x := range byDirectory(fold(all, true)) {
		if x.flags != nil {
			markdownFlags(b, x, withDiffs)
		} else {
			markdownChange(b, x.folded, verdicts[x.change.Addr], withDiffs)
		}
	}
	b.WriteString("\n</details>\n")
}

func markdownChange(b *strings.Builder, f folded, verdict string, withDiffs bool) {
	c := f.change
	fmt.Fprintf(b, "- %s %s %s on %s (%s)\n", c.Action, c.Addr.Kind, mdCode(c.Addr.Name), md(names(f.targets, false)), c.Class)
	if verdict != "" {
		fmt.Fprintf(b, "  - Marathon: %s\n", md(verdict))
	}
	keys, shown := keysOf(c), shownDiff{}
	if len(keys) == 0 && withDiffs {
		shown = diffOf(c, false)
	}
	for _, x := range attributes(c) {
		switch {
		case x.Path != "content":
			fmt.Fprintf(b, "  - %s\n", md(fieldText(x, Options{})))
		case confidential(c):
			fmt.Fprintf(b, "  - %s\n", hiddenChange(c))
		case len(keys) == 0 && len(shown.rows)+len(shown.notes) == 0:
			fmt.Fprintf(b, "  - %s\n", md(fieldText(x, Options{})))
		}
	}
	if c.Action == diff.Create && confidential(c) {
		fmt.Fprintf(b, "  - %s\n", hiddenContent(c))
	}
	if !withDiffs && len(keys) > 0 {
		fmt.Fprintf(b, "  - content: %s\n", count(len(keys), "changed key"))
	}
	if withDiffs && len(keys) > 0 {
		var rows []keyRow
		for _, k := range keys {
			rows = append(rows, keyRowOf(k, false))
		}
		markdownKeys(b, rows, "key")
		return
	}
	for _, n := range shown.notes {
		fmt.Fprintf(b, "  - %s\n", md(n))
	}
	if len(shown.rows) > 0 {
		markdownRows(b, shown)
	}
}

func markdownFlags(b *strings.Builder, s shownChange, withDiffs bool) {
	c := s.representative()
	fmt.Fprintf(b, "- %s %s on %s (%s)", c.Action, md(s.flagsTitle()), md(names(s.targets, false)), c.Class)
	if !withDiffs {
		fmt.Fprintf(b, ": %s\n", md(s.flagNames(false)))
		return
	}
	b.WriteString("\n")
	var rows []keyRow
	for _, f := range s.flags {
		rows = append(rows, flagRow(f.change, false))
	}
	markdownKeys(b, rows, "flag")
}

func markdownKeys(b *strings.Builder, rows []keyRow, noun string) {
	hidden := hiddenBeyond(len(rows), maxKeys, false)
	for _, r := range rows[:len(rows)-hidden] {
		switch {
		case r.note != "":
			fmt.Fprintf(b, "  - %s %s: %s\n", map[string]string{"+": "added", "-": "removed", "~": "changed"}[r.sign], mdCode(r.key), md(r.note))
		case r.sign == "+":
			fmt.Fprintf(b, "  - added %s: %s\n", mdCode(r.key), mdCode(r.after))
		case r.sign == "-":
			fmt.Fprintf(b, "  - removed %s: %s\n", mdCode(r.key), mdCode(r.before))
		default:
			fmt.Fprintf(b, "  - %s: %s → %s\n", mdCode(r.key), mdCode(r.before), mdCode(r.after))
		}
	}
	if hidden > 0 {
		fmt.Fprintf(b, "  - … %s, in the plan's JSON\n", count(hidden, "more "+noun))
	}
}

// markdownRows writes a fenced block; no line of it can end the block.
func markdownRows(b *strings.Builder, shown shownDiff) {
	var text strings.Builder
	for _, r := range shown.rows {
		text.WriteString(string(r.op) + r.text + "\n")
	}
	if shown.hidden > 0 {
		fmt.Fprintf(&text, "… %s, in the plan's JSON\n", count(shown.hidden, "more line"))
	}
	fence := strings.Repeat("`", max(3, longestTicks(text.String())+1))
	fmt.Fprintf(b, "\n%sdiff\n%s%s\n", fence, &text, fence)
}
