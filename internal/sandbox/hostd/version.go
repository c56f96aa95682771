package hostd

import (
	"path"
	"strings"
)

// compareVersions orders Debian versions as dpkg does: by epoch, version, revision.
func compareVersions(a, b string) int {
	ea, ua, ra := versionParts(a)
	eb, ub, rb := versionParts(b)
	for _, p := range [][2]string{{ea, eb}, {ua, ub}, {ra, rb}} {
		if c := compareParts(p[0], p[1]); c != 0 {
			return c
		}
	}
	return 0
}

func versionParts(v string) (epoch, upstream, revision string) {
	epoch, rest, ok := strings.Cut(v, ":")
	if !ok {
		epoch, rest = "0", v
	}
	if i := strings.LastIndexByte(rest, '-'); i >= 0 {
		return epoch, rest[:i], rest[i+1:]
	}
	return epoch, rest, ""
}

// compareParts takes turns between what is no digit, where ~ comes before the end and letters
// before all else, and numbers.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !isDigit(a[0]) || b != "" && !isDigit(b[0]) {
			x, y := weight(a), weight(b)
			if x != y {
				return x - y
			}
			a, b = a[1:], b[1:]
		}
		var x, y string
		x, a = leadingDigits(a)
		y, b = leadingDigits(b)
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func weight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z':
		return int(s[0])
	default:
		return int(s[0]) + 256
	}
}

// leadingDigits cuts the digits off the front, without zeros before them.
func leadingDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return strings.TrimLeft(s[:i], "0"), s[i:]
}

func isGlob(version string) bool { return strings.ContainsAny(version, "*?[") }

// plausible is a version that fits what is asked for: one of those known, else the pattern
// with something in the place of its stars and question marks.
func plausible(asked string, known []string) string {
	if asked == "" || asked == "any" {
		asked = "*"
	}
	if !isGlob(asked) {
		return asked
	}
	for _, k := range known {
		if ok, err := path.Match(asked, k); err == nil && ok {
			return k
		}
	}
	out := ""
	for i, r := range asked {
		switch {
		case r == '?':
			out += "0"
		case r != '*':
			out += string(r)
		case i+1 < len(asked): // more follows
		case out == "" || strings.HasSuffix(out, ":"):
			out += "1.0-1"
		case strings.HasSuffix(out, "."):
			out += "0-1"
		case strings.ContainsAny(out[len(out)-1:], "-+~"):
			out += "1"
		case strings.Contains(out, "-"):
		default:
			out += ".0-1"
		}
	}
	return out
}
