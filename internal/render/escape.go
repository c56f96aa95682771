package render

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// safe makes text of foreign origin harmless: control characters, which could move a
// terminal's cursor or hide lines, are shown as escapes. Tabs stay.
func safe(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || r != '\t' && !unicode.IsPrint(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// visible is safe; with blanks, tabs and spaces at the end are written out, too.
func visible(s string, blanks bool) string {
	s = safe(s)
	if !blanks {
		return s
	}
	bare := strings.TrimRight(s, " ")
	return strings.ReplaceAll(bare, "\t", `\t`) + strings.Repeat(`\x20`, len(s)-len(bare))
}

// literal is a value beside which there is no other one: as it stands, with blanks at its
// ends written out, cut where it is long.
func literal(s string, full bool) string {
	if !full {
		s, _ = cutAround(s, s, maxValue)
	}
	return wrapped(s)
}

// literals are a value and the one that takes its place. They never look the same.
func literals(a, b string, full bool) (string, string) {
	x, y := legible(a, b, maxValue, full)
	x, y = wrapped(x), wrapped(y)
	if x == y && a != b {
		return strconv.QuoteToASCII(a), strconv.QuoteToASCII(b)
	}
	return x, y
}

func wrapped(s string) string {
	switch {
	case s == "":
		return "(empty)"
	case strings.Contains(s, "→"): // which stands between the values
		return strconv.QuoteToASCII(s)
	default:
		return visible(s, true)
	}
}

// onlyASCII writes out those characters of foreign text that stand for our own typography,
// which is replaced where only ASCII may be written: else "…" and "..." would look the same.
// The marks for what was cut, and of a short digest, are ours.
func onlyASCII(s string, o Options) string {
	if !o.ASCII || !strings.ContainsAny(s, typography) {
		return s
	}
	ours := regexp.MustCompile(`…\(\d+ characters?\)…|sha256:[0-9a-f]{12}…`)
	var b strings.Builder
	at := 0
	for _, m := range append(ours.FindAllStringIndex(s, -1), []int{len(s), len(s)}) {
		for _, r := range s[at:m[0]] {
			if strings.ContainsRune(typography, r) {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
		b.WriteString(s[m[0]:m[1]])
		at = m[1]
	}
	return b.String()
}

// md keeps text from being taken for Markdown or HTML.
func md(s string) string {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", "\n", " ",
		`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "~", `\~`, "#", `\#`, "$", `\$`,
	).Replace(safe(s))
}

// mdCode shows text as it is, between as many backticks as that takes.
func mdCode(s string) string {
	s = safe(s)
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || s == "" {
		pad = " "
	}
	ticks := strings.Repeat("`", longestTicks(s)+1)
	return ticks + pad + s + pad + ticks
}

// longestTicks is the length of the longest run of backticks.
func longestTicks(s string) int {
	longest, n := 0, 0
	for _, r := range s {
		if n++; r != '`' {
			n = 0
		}
		longest = max(longest, n)
	}
	return longest
}
