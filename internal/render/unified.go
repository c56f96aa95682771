package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"

	"meshsync.dev/meshsync/internal/mesh"
)

// maxDiffed bounds what is compared line by line; beyond it only sizes are shown.
const maxDiffed = 1 << 20

// diffLine is one line of a comparison: ' ', '-' or '+', and the text with its line end.
type diffLine struct {
	op   byte
	text string
}

// lines compares two texts line by line. The clock has no part in the result.
func lines(a, b string) []diffLine {
	d := diffmatchpatch.New()
	d.DiffTimeout = 0
	ra, rb, table := d.DiffLinesToRunes(a, b)
	sign := map[diffmatchpatch.Operation]byte{
		diffmatchpatch.DiffEqual: ' ', diffmatchpatch.DiffDelete: '-', diffmatchpatch.DiffInsert: '+',
	}
	var out []diffLine
	for _, x := range d.DiffCharsToLines(d.DiffMainRunes(ra, rb, false), table) {
		for l := range strings.SplitAfterSeq(x.Text, "\n") {
			if l != "" {
				out = append(out, diffLine{sign[x.Type], l})
			}
		}
	}
	return out
}

// unified renders a unified diff of two texts with a context of n lines, without file
// headers; "" when they are equal. Binary and very large texts are described instead.
func unified(a, b string, n int) string {
	switch {
	case a == b:
		return ""
	case len(a) > maxDiffed || len(b) > maxDiffed:
		return bySize("too large to compare by line", &a, &b)
	case strings.Contains(a+b, "\x00"):
		return bySize("binary", &a, &b)
	case binary(a) || binary(b):
		return bySize("not UTF-8", &a, &b)
	}
	ls := lines(a, b)
	var out strings.Builder
	na, nb := 1, 1 // line numbers at ls[i]
	for i := 0; i < len(ls); {
		if ls[i].op == ' ' {
			i, na, nb = i+1, na+1, nb+1
			continue
		}
		start := max(0, i-n)
		end := hunkEnd(ls, i, n)
		na, nb = na-(i-start), nb-(i-start)
		ca, cb := writeHunk(&out, ls[start:end], na, nb)
		i, na, nb = end, na+ca, nb+cb
	}
	return out.String()
}

// hunkEnd is where the hunk that begins with the change at i ends: changes closer than
// two contexts are in one hunk.
func hunkEnd(ls []diffLine, i, n int) int {
	end, quiet := i, 0
	for end < len(ls) && quiet <= 2*n {
		if quiet++; ls[end].op != ' ' {
			quiet = 0
		}
		end++
	}
	return end - max(0, quiet-n)
}

func writeHunk(out *strings.Builder, ls []diffLine, na, nb int) (ca, cb int) {
	var body strings.Builder
	for _, l := range ls {
		if l.op != '+' {
			ca++
		}
		if l.op != '-' {
			cb++
		}
		text, ended := strings.CutSuffix(l.text, "\n")
		body.WriteByte(l.op)
		body.WriteString(text + "\n")
		if !ended {
			body.WriteString("\\ No newline at end of file\n")
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n%s", hunkSide(na, ca), hunkSide(nb, cb), &body)
	return ca, cb
}

func hunkSide(n, c int) string {
	if c == 0 {
		n--
	}
	if c == 1 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%d", n, c)
}

// unifiedSides is unified where a side may be missing.
func unifiedSides(a, b *string, n int) string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	d := unified(text(a), text(b), n)
	if d != "" && !strings.HasPrefix(d, "@@") && (a == nil || b == nil) {
		why, _, _ := strings.Cut(d, ": ")
		return bySize(why, a, b)
	}
	return d
}

// bySize describes contents that cannot be shown.
func bySize(why string, a, b *string) string {
	var sides []string
	for _, s := range []*string{a, b} {
		if s != nil {
			sides = append(sides, fmt.Sprintf("%s %s", count(len(*s), "byte"), shortDigest(mesh.DigestBytes([]byte(*s)))))
		}
	}
	return why + ": " + strings.Join(sides, " → ") + "\n"
}

// shortDigest is as much of a digest as tells two contents apart.
func shortDigest(digest string) string { return digest[:min(len(digest), 19)] + "…" }

// binary reports whether a text cannot be shown line by line.
func binary(s string) bool {
	return strings.Contains(s, "\x00") || !utf8.ValidString(s)
}
