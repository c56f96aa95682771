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
	for command, want := range map[string][2]string{
		"/bin/sh -s":                  {"/bin/sh -s", "echo " + beginWord + "\nin"},
		"sudo -n /bin/sh -s":          {"sudo -n /bin/sh -s", "echo " + beginWord + "\nin"},
		"sudo -n /bin/sh -c 'x' sh a": {"sudo -n /bin/sh -c 'echo " + beginWord + "; x' sh a", "in"},
		"id -u":                       {"id -u", "in"},
	} {
		line, in, script := marked(command, strings.NewReader("in"))
		got, err := io.ReadAll(in)
		if line != want[0] || string(got) != want[1] || err != nil || script != strings.Contains(line+string(got), beginWord) {
			t.Errorf("%s: %q %q %v", command, line, got, script)
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
