package remote

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// through writes a text to a preamble in pieces of a size and returns what passes.
func through(t *testing.T, text string, size int) (*preamble, string) {
	t.Helper()
	out := &sink{limit: 1 << 30}
	p := &preamble{to: out}
	for rest := []byte(text); len(rest) > 0; {
		n := min(size, len(rest))
		if m, err := p.Write(rest[:n]); err != nil || m != n {
			t.Fatalf("%d bytes: %d, %v", n, m, err)
		}
		rest = rest[n:]
	}
	return p, out.buf.String()
}

func TestWhatALoginSaysIsDroppedWhateverThePieces(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		text, want string
		begun      bool
	}{
		"nothing before":             {beginWord + "\nout\n", "out\n", true},
		"lines before":               {"hello\n\n" + beginWord + "\nout\n", "out\n", true},
		"a line without its end":     {"load: " + beginWord + "\nout", "out", true},
		"the word twice":             {beginWord + "\n" + beginWord + "\n", beginWord + "\n", true},
		"a beginning of the word":    {beginWord[:7] + beginWord + "\nout", "out", true},
		"a command line that echoes": {"refused: /bin/sh -c 'echo " + beginWord + "; true'\n", "", false},
		"something else":             {strings.Repeat("no\n", 5000), "", false},
		"nothing":                    {"", "", false},
	} {
		for size := 1; size <= len(beginWord)+2; size++ {
			p, got := through(t, x.text, size)
			if got != x.want || p.begun != x.begun {
				t.Errorf("%s in pieces of %d: %q, %v", name, size, got, p.begun)
			}
			if len(p.said) > maxSaid || len(p.tail) > len(beginWord)+size {
				t.Errorf("%s: it keeps %d and %d bytes", name, len(p.said), len(p.tail))
			}
		}
	}
}

func TestOnlyScriptsSayTheWord(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"/bin/sh -s":                  "/bin/sh -s",
		"sudo -n /bin/sh -c 'x' sh a": "sudo -n /bin/sh -c 'echo " + beginWord + "; x' sh a",
		"id -u":                       "id -u",
	} {
		if line, script := marked(command); line != want || script != strings.Contains(line, beginWord) {
			t.Errorf("%s: %q %v", command, line, script)
		}
	}
}

// The end of a script comes in any pieces, and nothing that the script says is held back or taken for it.
func TestTheEndOfAScriptIsSeenWhateverThePieces(t *testing.T) {
	t.Parallel()
	e := newEnding(io.Discard)
	for name, x := range map[string]struct {
		text, want string
		over       bool
		status     int
	}{
		"a line":                    {"out\n" + e.word + "0\n", "out\n", true, 0},
		"no line end":               {"out" + e.word + "7\n", "out", true, 7},
		"a beginning of the word":   {"out" + e.word[:9] + e.word + "0\n", "out" + e.word[:9], true, 0},
		"the status is cut":         {"out" + e.word + "1", "out", false, 0},
		"no status":                 {"out" + e.word + "x\n", "out", true, 255},
		"something behind":          {e.word + "0\nlate", "", true, 0},
		"the line that has it said": {e.say(), e.say(), false, 0},
		"nothing":                   {"", "", false, 0},
	} {
		for size := 1; size <= len(e.word)+2; size++ {
			var out bytes.Buffer
			e := &ending{to: &out, word: e.word, seen: make(chan struct{})}
			for rest := []byte(x.text); len(rest) > 0; {
				n := min(size, len(rest))
				if m, err := e.Write(rest[:n]); err != nil || m != n {
					t.Fatalf("%s: %d bytes: %d, %v", name, n, m, err)
				}
				rest = rest[n:]
			}
			if out.String() != x.want || e.over != x.over || e.status != x.status || e.well() != (x.over && x.status == 0) {
				t.Errorf("%s in pieces of %d: %q, %v %d", name, size, out.String(), e.over, e.status)
			}
		}
	}
}

func TestALoginThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	gone := 0
	out := &sink{limit: 10, abort: func() { gone++ }}
	p := &preamble{to: out}
	piece := bytes.Repeat([]byte("x"), 1<<20)
	var err error
	for n := 0; err == nil && n <= maxPreamble; n += len(piece) {
		_, err = p.Write(piece)
	}
	if err == nil || !out.over || gone != 1 {
		t.Errorf("%v, %v, %d", err, out.over, gone)
	}
}

func FuzzPreamble(f *testing.F) {
	f.Add("hello\n"+beginWord+"\nout\n", 3)
	f.Add(beginWord+beginWord+"\n\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		if size < 1 || size > 1<<16 {
			return
		}
		_, want, found := strings.Cut(text, beginWord+"\n")
		if p, got := through(t, text, size); got != want || p.begun != found {
			t.Errorf("%q in pieces of %d: %q", text, size, got)
		}
		if s := plain(text); strings.ContainsAny(s, "\n\x1b\x00") {
			t.Errorf("%q is not plain", s)
		}
	})
}
