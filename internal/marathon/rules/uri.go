package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The characters that java.net.URI, by which Marathon reads URIs, takes in each part of one.
const (
	unreservedChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-!.~'()*"
	pathChars       = unreservedChars + ":@&=+$,;/"
	anyChars        = unreservedChars + ";/?:@&=+$,[]"
	registryChars   = unreservedChars + "$,;:@&=+"
	schemeChars     = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."
)

// uriFault says why a text is no URI, and what to write; "" if it is one. It follows RFC 2396
// as Java does: other letters than ASCII's may stand in it.
func uriFault(uri string) (wrong, hint string) {
	rest, fragment, _ := strings.Cut(uri, "#")
	if scheme, after, ok := cutScheme(rest); ok {
		if scheme == "" {
			return "there is nothing before its colon", `such as "http://host/file"`
		}
		if !isLetter(scheme[0]) || strings.Trim(scheme, schemeChars) != "" {
			return "what stands before its colon is no scheme", `a scheme is such as http; a colon in a file's name is written as %3A`
		}
		if after == "" {
			return "there is nothing behind its scheme", `such as "http://host/file"`
		}
		if after[0] != '/' {
			return firstFault([]part{{after, anyChars}, {fragment, anyChars}})
		}
		rest = after
	}
	if rest, ok := strings.CutPrefix(rest, "//"); ok {
		end := strings.IndexAny(rest, "/?")
		if rest == "" && !strings.Contains(uri, "#") {
			return "it names no host", `such as "http://host/file"`
		}
		if end < 0 {
			end = len(rest)
		}
		if wrong, hint := authorityFault(rest[:end]); wrong != "" {
			return wrong, hint
		}
		return hierarchyFault(rest[end:], fragment)
	}
	return hierarchyFault(rest, fragment)
}

func isLetter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }

// cutScheme cuts what stands before a colon that comes before each slash.
func cutScheme(s string) (scheme, after string, ok bool) {
	if i := strings.IndexAny(s, ":/?"); i >= 0 && s[i] == ':' {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// authorityFault is about a host, with what may stand around it.
func authorityFault(authority string) (wrong, hint string) {
	if !strings.ContainsAny(authority, "[]") {
		return firstFault([]part{{authority, registryChars}})
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	address, port, closed := strings.Cut(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(address)
	if !strings.HasPrefix(host, "[") || !closed || err != nil || !ip.Is6() || strings.Trim(port, ":0123456789") != "" || port != "" && port[0] != ':' {
		return "in brackets stands an IPv6 address and nothing else", `such as "http://[::1]:8080/file"`
	}
	return "", ""
}

func hierarchyFault(rest, fragment string) (wrong, hint string) {
	p, query, _ := strings.Cut(rest, "?")
	return firstFault([]part{{p, pathChars}, {query, anyChars}, {fragment, anyChars}})
}

// part is a part of a URI with the characters that it may have beside escapes.
type part struct{ text, chars string }

func firstFault(parts []part) (wrong, hint string) {
	for _, p := range parts {
		for i := 0; i < len(p.text); {
			r, size := utf8.DecodeRuneInString(p.text[i:])
			switch {
			case r == '%' && !isEscape(p.text[i:]):
				return "a % in it is followed by other than two hexadecimal digits", "a % itself is written as %25"
			case r != '%' && !mayStand(r, p.chars):
				return fmt.Sprintf("%q cannot stand in it as it is", r), "write " + escaped(p.text[i:i+size]) + " in its place"
			}
			i += size
		}
	}
	return "", ""
}

func isEscape(s string) bool {
	return len(s) >= 3 && strings.Trim(s[1:3], "0123456789abcdefABCDEF") == ""
}

func mayStand(r rune, chars string) bool {
	if r < 128 {
		return strings.ContainsRune(chars, r)
	}
	return r != 128 && !unicode.IsControl(r) && !unicode.Is(unicode.Z, r)
}

func escaped(s string) string {
	var out strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&out, "%%%02X", s[i])
	}
	return out.String()
}
