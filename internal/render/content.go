package render

import (
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// How much is shown unless everything is asked for: lines of a new or deleted file, lines
// of a diff, keys.
const (
	maxWhole = 4
	maxDiff  = 24
	maxKeys  = 24
)

// confidential reports whether not everybody may read a file, before or after. That it
// changes is all that is said: a digest would let a short password be guessed.
func confidential(c diff.Change) bool {
	return mesh.ConfidentialAttrs(c.Before) || mesh.ConfidentialAttrs(c.After)
}

// contentDiff is the unified diff of a file's content, or a sentence on what is no text;
// empty where the content is the same, not known or not to be shown.
func contentDiff(c diff.Change) string {
	if confidential(c) {
		return ""
	}
	if c.Diff != "" {
		return c.Diff
	}
	before, after := c.BeforeText, c.AfterText
	if c.Replaces != "" { // what was there was no file
		before = nil
	}
	known := after != nil || c.After == nil
	if c.Addr.Kind != mesh.File || !known || c.Before != nil && before == nil && c.Replaces == "" {
		return ""
	}
	return unifiedSides(before, after, 2)
}

// withoutDigests takes what a confidential file's content is known by out of a change.
func withoutDigests(c diff.Change) diff.Change {
	if !confidential(c) {
		return c
	}
	hide := func(t mesh.Tree) mesh.Tree {
		if t["content"] != nil {
			t = t.Clone()
			t["content"] = secret.New("")
		}
		return t
	}
	c.Before, c.After = hide(c.Before), hide(c.After)
	var fields []diff.Field
	for _, f := range c.Fields {
		if f.Path == "content" {
			f.Before, f.After = secret.New(""), secret.New("")
		}
		fields = append(fields, f)
	}
	c.Fields = fields
	return c
}

// keyRow is one key as it is shown.
type keyRow struct{ sign, key, before, after, note string } // note: in place of the values

func keyRowOf(k Key, full bool) keyRow {
	r := keyRow{sign: "~", key: safe(k.Key)}
	switch {
	case k.Before == nil && k.After != nil:
		r.sign, r.after = "+", literal(*k.After, full)
	case k.After == nil && k.Before != nil:
		r.sign, r.before = "-", literal(*k.Before, full)
	case k.Before != nil && k.After != nil:
		r.before, r.after = literals(*k.Before, *k.After, full)
	}
	return r
}

// text is `~ tickTime: 2000 → 3000`.
func (r keyRow) text() string {
	switch {
	case r.note != "":
		return r.sign + " " + r.key + ": " + r.note
	case r.sign == "+":
		return "+ " + r.key + ": " + r.after
	case r.sign == "-":
		return "- " + r.key + ": " + r.before
	default:
		return "~ " + r.key + ": " + r.before + " → " + r.after
	}
}

// hiddenBeyond is how many of n are hidden by a limit that at least three have to exceed:
// to fold one or two would save nothing.
func hiddenBeyond(n, limit int, full bool) int {
	if full || n <= limit+2 {
		return 0
	}
	return n - limit
}

// keys writes changed keys, one a line.
func (t *printer) keys(keys []Key) {
	hidden := hiddenBeyond(len(keys), maxKeys, t.o.Full)
	for _, k := range keys[:len(keys)-hidden] {
		t.key(keyRowOf(k, t.o.Full), "")
	}
	if hidden > 0 {
		t.line("      … %s (--full shows them)", count(hidden, "more key"))
	}
}

func (t *printer) key(r keyRow, note string) {
	r.key, r.before, r.after = onlyASCII(r.key, t.o), onlyASCII(r.before, t.o), onlyASCII(r.after, t.o)
	text := r.text()
	t.line("      %s%s", t.paint(lineColor(text), text), note)
}

// content shows how a file's content changes; false when that is not known.
func (t *printer) content(c diff.Change) bool {
	if keys := keysOf(c); len(keys) > 0 {
		t.keys(keys)
		return true
	}
	shown := diffOf(c, t.o.Full)
	if t.o.Color {
		shown.markWords()
	}
	for _, n := range shown.notes {
		t.line("      %s", n)
	}
	for _, r := range shown.rows {
		t.line("      %s", t.row(r))
	}
	if shown.hidden > 0 {
		t.line("      … %s (--full shows them)", count(shown.hidden, "more line"))
	}
	return len(shown.rows)+len(shown.notes) > 0
}

// row paints one line of a diff; on a terminal with colours the words that differ stand out.
func (t *printer) row(r diffRow) string {
	color := lineColor(string(r.op))
	if !t.o.Color || len(r.marks) == 0 {
		return t.paint(color, string(r.op)+onlyASCII(r.text, t.o))
	}
	var b strings.Builder
	b.WriteString(t.paint(color, string(r.op)))
	for i, part := range r.parts() {
		if part = onlyASCII(part, t.o); part == "" {
			continue
		}
		if i%2 == 1 {
			b.WriteString(t.paint(color+";"+inverse, part))
		} else {
			b.WriteString(t.paint(color, part))
		}
	}
	return b.String()
}

func lineColor(l string) string {
	switch {
	case strings.HasPrefix(l, "+"):
		return green
	case strings.HasPrefix(l, "-"):
		return red
	case strings.HasPrefix(l, "~"):
		return yellow
	default:
		return dim
	}
}
