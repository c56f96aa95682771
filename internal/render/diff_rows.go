package render

import (
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
)

// diffRow is one line of a unified diff as it is shown: escaped, and cut where it is long.
type diffRow struct {
	op    byte // ' ', '-', '+', '@' for where a hunk is, '\' for a missing end of line
	text  string
	marks []span // where it differs from its counterpart, word by word
}

// span is a range of bytes.
type span struct{ from, to int }

// pair is the old and the new line of one place, by their index.
type pair struct{ old, now int }

// parts are the text in pieces: not marked, marked, not marked, and so on.
func (r diffRow) parts() []string {
	var out []string
	at := 0
	for _, m := range r.marks {
		out = append(out, r.text[at:m.from], r.text[m.from:m.to])
		at = m.to
	}
	return append(out, r.text[at:])
}

// shownDiff is what is shown of a diff.
type shownDiff struct {
	notes  []string // what holds for all its lines
	rows   []diffRow
	pairs  []pair // of rows
	hidden int    // lines that were folded away
}

// diffOf is a change's content line by line. Of a new or a deleted file its lines are enough.
func diffOf(c diff.Change, full bool) shownDiff {
	text := strings.TrimSuffix(contentDiff(c), "\n")
	if text == "" {
		return shownDiff{}
	}
	lines := strings.Split(text, "\n")
	if !strings.HasPrefix(text, "@@") { // a sentence
		var out shownDiff
		for _, l := range lines {
			out.notes = append(out.notes, safe(l))
		}
		return out
	}
	limit := maxDiff
	if c.Before == nil || c.After == nil || c.Replaces != "" {
		lines, limit = lines[1:], maxWhole
	}
	return shownRows(lines, limit, full)
}

// shownRows makes rows of the lines of a unified diff and folds those beyond the limit.
func shownRows(lines []string, limit int, full bool) shownDiff {
	var out shownDiff
	for _, l := range lines {
		if l == "" || !strings.ContainsAny(l[:1], " -+@\\") { // not ours; shown all the same
			l = " " + l
		}
		out.rows = append(out.rows, diffRow{op: l[0], text: l[1:]})
	}
	pairs := pairsOf(out.rows)
	if note, only := lineEnds(out.rows, pairs); note != "" {
		out.notes = append(out.notes, note)
		if only { // the note says it all
			limit = min(limit, maxWhole)
		}
	}
	out.hidden = hiddenBeyond(len(out.rows), limit, full)
	shown := len(out.rows) - out.hidden
	paired := make([]bool, len(out.rows))
	for _, p := range pairs {
		if a, b := &out.rows[p.old], &out.rows[p.now]; p.old < shown {
			paired[p.old], paired[p.now] = true, true
			if p.now < shown {
				out.pairs = append(out.pairs, p)
			}
			a.text, b.text = legible(a.text, b.text, maxLine, full)
		}
	}
	out.rows = out.rows[:shown]
	for i := range out.rows {
		if !paired[i] {
			out.rows[i].text, _ = legible(out.rows[i].text, out.rows[i].text, maxLine, full)
		}
	}
	return out
}

// markWords marks in lines that belong together where they differ.
func (s *shownDiff) markWords() {
	for _, p := range s.pairs {
		a, b := &s.rows[p.old], &s.rows[p.now]
		a.marks, b.marks = wordMarks(a.text, b.text)
	}
}

// pairsOf finds in each run of changed lines the new line that stands for an old one: the
// first for the first, and so on.
func pairsOf(rows []diffRow) []pair {
	var out []pair
	var minus, plus []int
	flush := func() {
		for i := range min(len(minus), len(plus)) {
			out = append(out, pair{minus[i], plus[i]})
		}
		minus, plus = nil, nil
	}
	for i, r := range rows {
		switch r.op {
		case '-':
			if len(plus) > 0 {
				flush()
			}
			minus = append(minus, i)
		case '+':
			plus = append(plus, i)
		case ' ', '@':
			flush()
		}
	}
	flush()
	return out
}

// lineEnds says how the lines end, when that is the same for all of them, which then are
// shown without, or when nothing else differs.
func lineEnds(rows []diffRow, pairs []pair) (note string, only bool) {
	lines, returns, changed := 0, 0, 0
	for _, r := range rows {
		if r.op == '@' || r.op == '\\' {
			continue
		}
		lines++
		if strings.HasSuffix(r.text, "\r") {
			returns++
		}
		if r.op != ' ' {
			changed++
		}
	}
	if returns == 0 {
		return "", false
	}
	if returns == lines {
		for i, r := range rows {
			rows[i].text = strings.TrimSuffix(r.text, "\r")
		}
		return "these lines end in CRLF", false
	}
	lost := func(p pair) bool { return rows[p.old].text == rows[p.now].text+"\r" }
	gained := func(p pair) bool { return rows[p.old].text+"\r" == rows[p.now].text }
	without := func(f func(pair) bool) bool {
		return !slices.ContainsFunc(pairs, func(p pair) bool { return !f(p) })
	}
	whole := !slices.ContainsFunc(rows, func(r diffRow) bool { return r.op == '\\' })
	switch {
	case changed != 2*len(pairs) || !whole:
		return "", false
	case without(lost):
		return "only line ends differ: CRLF → LF in " + count(len(pairs), "line"), true
	case without(gained):
		return "only line ends differ: LF → CRLF in " + count(len(pairs), "line"), true
	default:
		return "", false
	}
}

// legible makes two texts that belong together fit to be shown: cut around where they
// differ, and with what nobody sees, such as a blank at the end, written out where that is
// all that differs. Two texts that differ are never shown as the same.
func legible(a, b string, limit int, full bool) (string, string) {
	x, y := a, b
	if !full {
		x, y = cutAround(a, b, limit)
	}
	blanks := a != b && strings.Join(strings.Fields(a), "") == strings.Join(strings.Fields(b), "")
	shownX, shownY := visible(x, blanks), visible(y, blanks)
	if shownX == shownY && x != y {
		shownX, shownY = strconv.QuoteToASCII(x), strconv.QuoteToASCII(y)
	}
	return shownX, shownY
}
