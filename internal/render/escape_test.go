package render

import (
	"strings"
	"testing"
)

func TestWhereOnlyASCIIMayBeWrittenTypographyInFilesIsToldFromOurs(t *testing.T) {
	t.Parallel()
	p := onHosts(1)
	p.Stages[0].Batches[0].Changes[0] = change("a1", "/x", "a… b→c "+strings.Repeat("x", 500)+"\n", "a... b->c "+strings.Repeat("x", 500)+"\n")
	p.Stages[0].Batches[0].Changes = append(p.Stages[0].Batches[0].Changes, change("a1", "/x/zoo.cfg", "a=…\n", "a=...\n"))
	for _, color := range []bool{false, true} {
		out := plain(t, p, Options{ASCII: true, Color: color})
		for _, want := range []string{`\u2026`, `\u2192`, "...(4", " -> "} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
		if strings.ContainsAny(out, typography) {
			t.Errorf("%s", out)
		}
	}
}

func TestMarkdownShowsTextAsItIs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a":              "`a`",
		"`a`":            "`` `a` ``",
		"a``b":           "```a``b```",
		" a":             "`  a `",
		"<b>&lt; @x #1*": "`<b>&lt; @x #1*`",
	} {
		if got := mdCode(in); got != want {
			t.Errorf("%q as code is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"<b> &lt; @x #1":   "&lt;b&gt; &amp;lt; &#64;x \\#1",
		`a\*_[x]` + "\x1b": `a\\\*\_\[x\]\\x1b`,
	} {
		if got := md(in); got != want {
			t.Errorf("%q as Markdown is %q, want %q", in, got, want)
		}
	}
}
