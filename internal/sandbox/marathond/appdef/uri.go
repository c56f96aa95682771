package appdef

import "strings"

// validURI follows java.net.URI: a scheme begins with a letter and is followed by
// something, an authority is not empty, and what may not stand unescaped does not.
func validURI(s string) bool {
	if strings.ContainsAny(s, " {}|\\^<>\"`") || !escaped(s) || strings.Count(s, "#") > 1 {
		return false
	}
	for _, c := range s {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	rest := s
	if i := strings.IndexAny(s, ":/?#"); i >= 0 && s[i] == ':' {
		if !validScheme(s[:i]) {
			return false
		}
		rest = s[i+1:]
		if rest == "" || rest[0] == '#' {
			return false
		}
		if rest[0] != '/' {
			return true // opaque, such as mailto:[x]: there is no path in which brackets could be wrong
		}
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority, p, hasPath := strings.Cut(after, "/")
		if authority == "" && !hasPath {
			return false
		}
		rest = p
	}
	return !strings.ContainsAny(rest, "[]")
}

func validScheme(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", c)) {
			return false
		}
	}
	return s != ""
}

// escaped reports whether every percent sign begins an escape.
func escaped(s string) bool {
	const hex = "0123456789abcdefABCDEF"
	for i := range len(s) {
		if s[i] == '%' && (i+2 >= len(s) || !strings.Contains(hex, s[i+1:i+2]) || !strings.Contains(hex, s[i+2:i+3])) {
			return false
		}
	}
	return true
}
