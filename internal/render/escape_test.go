package render

import "testing"

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
