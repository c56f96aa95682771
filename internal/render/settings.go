package render

import (
	"slices"
	"strings"
)

// setting is one line of a text of settings: KEY, separator and value, or with an empty
// key a comment or an empty line.
type setting struct{ key, sep, value string }

// settings reads a text of lines KEY=VALUE, comments and empty lines, such as zoo.cfg. It
// refuses what may mean something else than it says line by line: a key that stands twice,
// a value that goes on in the next line, and anything else.
func settings(text string) ([]setting, bool) {
	var out []setting
	seen := map[string]bool{}
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		bare := strings.TrimSpace(l)
		if bare == "" || strings.ContainsAny(bare[:1], "#!") {
			out = append(out, setting{value: l})
			continue
		}
		left, right, ok := strings.Cut(l, "=")
		key, value := strings.TrimRight(left, " "), strings.TrimLeft(right, " ")
		if !ok || !isSettingKey(key) || seen[key] || goesOn(value) {
			return nil, false
		}
		seen[key] = true
		out = append(out, setting{key, l[len(key) : len(l)-len(value)], value})
	}
	return out, true
}

func isSettingKey(s string) bool {
	for _, r := range s {
		if !isWordRune(r) && !strings.ContainsRune(".-", r) {
			return false
		}
	}
	return s != ""
}

// goesOn reports whether a value may not end with its line.
func goesOn(value string) bool {
	bare := strings.TrimRight(value, "\r")
	return strings.HasSuffix(bare, `\`) ||
		strings.Count(bare, `"`)%2 == 1 || strings.Count(bare, "'")%2 == 1 || strings.Count(bare, "`")%2 == 1
}

// settingKeys compares two texts of settings. Beside the values, and the lines that only
// one of them has, they must be the same, in the same order, with one way to separate.
func settingKeys(before, after string) []Key {
	a, ok := settings(before)
	b, ok2 := settings(after)
	if !ok || !ok2 || strings.HasSuffix(before, "\n") != strings.HasSuffix(after, "\n") || !sameSeparator(a, b) {
		return nil
	}
	av, bv := byKey(a), byKey(b)
	if !slices.Equal(frame(a, bv), frame(b, av)) {
		return nil
	}
	var keys []Key
	for _, s := range slices.Concat(a, b) {
		old, had := av[s.key]
		now, has := bv[s.key]
		switch {
		case s.key == "" || had && has && old == now:
		case had && has:
			keys = append(keys, Key{s.key, &old, &now})
		case had:
			keys = append(keys, Key{s.key, &old, nil})
		default:
			keys = append(keys, Key{s.key, nil, &now})
		}
	}
	return sortedKeys(keys)
}

func sameSeparator(texts ...[]setting) bool {
	sep := ""
	for _, s := range slices.Concat(texts...) {
		if s.key == "" {
			continue
		}
		if sep == "" {
			sep = s.sep
		}
		if s.sep != sep {
			return false
		}
	}
	return true
}

func byKey(ss []setting) map[string]string {
	out := map[string]string{}
	for _, s := range ss {
		if s.key != "" {
			out[s.key] = s.value
		}
	}
	return out
}

// frame is what is left of a text without the values, and without what the other lacks.
func frame(ss []setting, other map[string]string) []setting {
	var out []setting
	for _, s := range ss {
		if s.key != "" {
			s.value = ""
			if _, both := other[s.key]; !both {
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// sortedKeys sorts keys and leaves out what stands there twice.
func sortedKeys(keys []Key) []Key {
	slices.SortStableFunc(keys, func(a, b Key) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(keys, func(a, b Key) bool { return a.Key == b.Key })
}
