package host

import "strings"

// quote makes one shell word of any text. Within single quotes a POSIX shell takes
// every byte as it is, the single quote itself excepted.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// words are texts as shell words, with a blank before each.
func words(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(" " + quote(s))
	}
	return b.String()
}

// rooted makes a shell word of a path on the host: $R, which is empty but in the
// sandbox, and the quoted path.
func rooted(path string) string { return `"$R"` + quote(path) }

// plain reports whether s is made of lower-case letters, digits and dashes only, so that
// it may stand in a command line.
func plain(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
