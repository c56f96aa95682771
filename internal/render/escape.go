package render

import (
	"fmt"
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
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

func safeLines(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(safe(strings.TrimSuffix(l, "\n")) + "\n")
	}
	return b.String()
}

// md keeps text from being taken for Markdown or HTML.
func md(s string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "@", "&#64;", "\n", " ").Replace(safe(s))
}
