package render

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// applied gives what a unified diff makes of a text, by its line numbers and strictly: a
// line that is to be there and is not ends the test. It shares nothing with the renderer.
func applied(t *testing.T, text, unified string) string {
	t.Helper()
	src := strings.SplitAfter(text, "\n")
	if src[len(src)-1] == "" {
		src = src[:len(src)-1]
	}
	var out strings.Builder
	at := 0
	rows := strings.Split(strings.TrimSuffix(unified, "\n"), "\n")
	for i := 0; i < len(rows); i++ {
		line := rows[i]
		if strings.HasPrefix(line, "@@") {
			m := regexp.MustCompile(`^@@ -(\d+)(,0)?`).FindStringSubmatch(line)
			start, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			if m[2] == "" {
				start--
			}
			for ; at < start; at++ {
				out.WriteString(src[at])
			}
			continue
		}
		content := line[1:] + "\n"
		if i+1 < len(rows) && strings.HasPrefix(rows[i+1], `\`) {
			content = line[1:]
			i++
		}
		if line[0] != '+' {
			if at >= len(src) || src[at] != content {
				t.Fatalf("line %d of %q is not %q", at, text, content)
			}
			at++
		}
		if line[0] != '-' {
			out.WriteString(content)
		}
	}
	for ; at < len(src); at++ {
		out.WriteString(src[at])
	}
	return out.String()
}

func FuzzUnifiedGivesTheOtherSide(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\n")
	f.Add("", "a")
	f.Add("a\r\nb", "a\nb\n")
	f.Add("\\ No newline\n-x\n", "+x\n@@ -1 +1 @@\n")
	f.Add(strings.Repeat("x\n", 20), strings.Repeat("x\n", 9)+"y\n"+strings.Repeat("x\n", 10))
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == b || binary(a) || binary(b) {
			return
		}
		if got := applied(t, a, unified(a, b, 2)); got != b {
			t.Fatalf("%q becomes %q, not %q", a, got, b)
		}
	})
}

// gapMark is what stands where characters were left out.
var gapMark = regexp.MustCompile(`…\((\d+) characters?\)…`)

// uncut checks that a cut text is the whole one with as many characters left out, each
// time, as it says.
func uncut(t *testing.T, cut, whole string) {
	t.Helper()
	r := []rune(whole)
	at := 0
	rest := cut
	take := func(s string) {
		n := utf8.RuneCountInString(s)
		if at+n > len(r) || string(r[at:at+n]) != s {
			t.Fatalf("%q is no part of %q at %d", s, whole, at)
		}
		at += n
	}
	for {
		m := gapMark.FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		take(rest[:m[0]])
		n, err := strconv.Atoi(rest[m[2]:m[3]])
		if err != nil || n == 0 {
			t.Fatalf("%q: %v", cut, err)
		}
		at, rest = at+n, rest[m[1]:]
	}
	take(rest)
	if at != len(r) {
		t.Fatalf("%q leaves out more of %q than it says", cut, whole)
	}
}

func FuzzWhatIsHiddenIsCounted(f *testing.F) {
	f.Add("a\nb\n", "a\nc\n", 4)
	f.Add(strings.Repeat("x", 900)+"\n", strings.Repeat("x", 500)+"y"+strings.Repeat("x", 399)+"\n", 24)
	f.Add(numbered("line %d\r", 40), numbered("line %d", 40), 24)
	f.Add(strings.Repeat("é", 900), strings.Repeat("a", 900), 3)
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		if a == b || binary(a) || binary(b) || strings.Contains(a+b, "…(") {
			return
		}
		limit &= 31
		x, y := cutAround(a, b, 100+limit)
		uncut(t, x, a)
		uncut(t, y, b)
		if x == y {
			t.Fatalf("%q and %q are both cut to %q", a, b, x)
		}
		lines := strings.Split(strings.TrimSuffix(unified(a, b, 2), "\n"), "\n")
		folded, full := shownRows(lines, limit, false), shownRows(lines, limit, true)
		if full.hidden != 0 || len(full.rows) != len(lines) || len(folded.rows)+folded.hidden != len(lines) || folded.hidden == 1 || folded.hidden == 2 {
			t.Fatalf("%d lines: %d and %d hidden; in full %d and %d hidden", len(lines), len(folded.rows), folded.hidden, len(full.rows), full.hidden)
		}
		full.markWords()
		for i, r := range full.rows {
			if r.op != lines[i][0] || strings.ContainsAny(r.text, "\n\r\x1b") {
				t.Fatalf("%q is shown as %c%q", lines[i], r.op, r.text)
			}
			if got := strings.Join(r.parts(), ""); got != r.text {
				t.Fatalf("marks lose text: %q, not %q", got, r.text)
			}
		}
		for _, p := range pairsOf(full.rows) {
			if old, now := full.rows[p.old], full.rows[p.now]; old.text == now.text && lines[p.old][1:] != lines[p.now][1:] {
				t.Fatalf("%q and %q look the same", lines[p.old], lines[p.now])
			}
		}
	})
}

// FuzzMarkdownBlocksEnd holds that no content ends its block or is text outside of one.
func FuzzMarkdownBlocksEnd(f *testing.F) {
	f.Add("/etc/x", "a\n", "```\n# h\n")
	f.Add("/etc/`x`", "````````\n", "<b>\n")
	f.Add("/x/zoo.cfg", "a=`\n", "a=`` `\n")
	f.Fuzz(func(t *testing.T, name, a, b string) {
		if a == b {
			return
		}
		p := onHosts(1)
		p.Stages[0].Batches[0].Changes = []diff.Change{change("a1", name, a, b)}
		fence := ""
		for l := range strings.Lines(markdown(p, 0)) {
			l = strings.TrimSuffix(l, "\n")
			ticks := l[:len(l)-len(strings.TrimLeft(l, "`"))]
			switch {
			case fence == "" && len(ticks) >= 3 && l == ticks+"diff":
				fence = ticks
			case fence != "" && l == fence:
				fence = ""
			case fence != "" && len(ticks) >= len(fence):
				t.Fatalf("%q ends the block", l)
			case fence == "" && (strings.HasPrefix(l, "```") || strings.HasPrefix(l, "# ")):
				t.Fatalf("%q is outside of a block", l)
			}
		}
		if fence != "" {
			t.Fatal("a block does not end")
		}
	})
}

func TestFlagsOfADirectoryAreShownOnceEachInOneGroup(t *testing.T) {
	t.Parallel()
	p := onHosts(1)
	cs := &p.Stages[0].Batches[0].Changes
	*cs = nil
	for i := range 50 {
		*cs = append(*cs, flag(change("a1", fmt.Sprintf("/etc/mesos-slave/f%02d", i), "1\n", "2\n")))
	}
	out, full := plain(t, p, Options{}), plain(t, p, Options{Full: true})
	if !strings.Contains(out, "update 50 flags of /etc/mesos-slave") || strings.Count(out, ": 1 → 2\n") != maxKeys || !strings.Contains(out, "… 26 more flags (--full shows them)") {
		t.Errorf("%s", out)
	}
	if strings.Count(full, ": 1 → 2\n") != 50 || strings.Contains(full, "…") {
		t.Errorf("%s", full)
	}
	(*cs)[3].Fields = append((*cs)[3].Fields, diff.Field{Path: "mode", Before: "0644", After: "0640"})
	if out := plain(t, p, Options{}); !strings.Contains(out, "update 49 flags") || !strings.Contains(out, `mode: "0644" → "0640"`) {
		t.Errorf("a flag whose mode differs is told as if only its value did:\n%s", out)
	}
}

// A directory is one of flags because git purges it, and not for its name, what else changes
// in it, or that a service reads all of it, as each does with its drop-ins.
func TestADirectoryIsOfFlagsWhereGitPurgesIt(t *testing.T) {
	t.Parallel()
	p := onHosts(1)
	b := &p.Stages[0].Batches[0]
	reads := mesh.ServiceSpec{Reads: []string{"/etc/mine/", "/etc/systemd/system/mine.service.d/"}}
	b.Service = []plan.ServiceStep{{Target: mesh.Host("a1"), Unit: "mine", Op: plan.OpRestart, Spec: reads}}
	plainStray := stray("a1", "/etc/mine/g")
	plainStray.Purged = false
	b.Changes = []diff.Change{
		change("a1", "/etc/mine/f", "1\n", "2\n"), plainStray,
		change("a1", "/etc/systemd/system/mine.service.d/x.conf", "1\n", "2\n"), change("a1", "/etc/mesos-master/quorum", "1\n", "2\n"),
	}
	if out := plain(t, p, Options{}); strings.Contains(out, "flag") {
		t.Errorf("a directory that git does not purge is taken for one of flags:\n%s", out)
	}
	for i := range b.Changes {
		b.Changes[i].Purged = true
	}
	out := plain(t, p, Options{})
	for _, want := range []string{"~ update 1 flag of /etc/mine ", "~ f: 1 → 2\n", "- delete 1 flag of /etc/mine ", "~ update 1 flag of /etc/mesos-master ", "~ quorum: 1 → 2\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	var doc, comment bytes.Buffer
	if err := errors.Join(PlanJSON(&doc, p), PlanMarkdown(&comment, p, CommentLimit)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(comment.String(), "update 1 flag of /etc/mine on a1") || strings.Count(doc.String(), `"purged": true`) != 4 || !strings.Contains(doc.String(), `"key": "quorum"`) {
		t.Errorf("%s\n%s", &comment, &doc)
	}
	back, err := ReadPlan(&doc)
	if err != nil || plain(t, back, Options{}) != out {
		t.Errorf("read back it is shown otherwise: %v\n%s", err, plain(t, back, Options{}))
	}
}

func TestWordsAreMarkedOnlyOnATerminalWithColoursAndWhereLinesAreAlike(t *testing.T) {
	t.Parallel()
	p := onHosts(1)
	p.Stages[0].Batches[0].Changes = []diff.Change{
		change("a1", "/a", "Welcome to the old cluster\n", "Welcome to the new cluster\n"),
		change("a1", "/b", "nothing alike\n", "quite another text\n"),
	}
	out := plain(t, p, Options{Color: true})
	for _, want := range []string{"\x1b[31;7mold\x1b[0m", "\x1b[32;7mnew\x1b[0m", "\x1b[31m-nothing alike\x1b[0m"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if strings.Contains(plain(t, p, Options{}), "\x1b") {
		t.Error("colours where there are none")
	}
}

func TestAHunkHasTwoLinesOfContext(t *testing.T) {
	t.Parallel()
	before := numbered("%d", 20)
	after := strings.Replace(strings.Replace(before, "\n9\n", "\nnine\n", 1), "\n14\n", "\nfourteen\n", 1)
	want := "@@ -8,10 +8,10 @@\n 7\n 8\n-9\n+nine\n 10\n 11\n 12\n 13\n-14\n+fourteen\n 15\n 16\n"
	if got := unified(before, after, 2); got != want {
		t.Errorf("%s", got)
	}
	after = strings.Replace(strings.Replace(before, "\n9\n", "\nnine\n", 1), "\n15\n", "\nfifteen\n", 1)
	want = "@@ -8,5 +8,5 @@\n 7\n 8\n-9\n+nine\n 10\n 11\n@@ -14,5 +14,5 @@\n 13\n 14\n-15\n+fifteen\n 16\n 17\n"
	if got := unified(before, after, 2); got != want {
		t.Errorf("%s", got)
	}
}

func TestLineEndsAreSaidOnlyWhereNothingElseDiffers(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ before, after, want string }{
		{"a\r\nb\r\n", "a\nb\n", "only line ends differ: CRLF → LF in 2 lines"},
		{"a\nb\n", "a\r\nb\n", "only line ends differ: LF → CRLF in 1 line"},
		{"a\r\nb\r\n", "a\r\nc\r\n", "these lines end in CRLF"},
		{"a\r\nb\r\n", "a\nc\n", ""},
		{"a\r\nb\r\n", "a\nb\nc\n", ""},
		{"a\r\nb\r\nc\r\n", "a\nb\n", ""},
		{"a\r\nb\r\n", "a\nb", ""},
		{"a\r\nb\n", "a\nb\r\n", ""},
	} {
		shown := diffOf(change("a1", "/x", x.before, x.after), false)
		if got := strings.Join(shown.notes, "; "); got != x.want {
			t.Errorf("%q and %q: %q, want %q", x.before, x.after, got, x.want)
		}
	}
}
