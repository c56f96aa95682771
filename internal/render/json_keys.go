package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// jsonNode is a JSON value as it is written: numbers and strings keep their spelling.
type jsonNode struct {
	raw     string     // without white space between tokens
	members []jsonNode // of an object, in their order
	items   []jsonNode // of an array
	name    string     // of a member, as it is written
}

func (n jsonNode) object() bool { return strings.HasPrefix(n.raw, "{") }
func (n jsonNode) array() bool  { return strings.HasPrefix(n.raw, "[") }

// jsonKeys compares two JSON texts by path. Beside values, and members that only one of
// them has, they must be the same: spelling, order, white space.
func jsonKeys(before, after string) []Key {
	a, styleA, ok := readJSON(before)
	b, styleB, ok2 := readJSON(after)
	if !ok || !ok2 || styleA != styleB {
		return nil
	}
	var keys []Key
	if !nodeKeys("", &a, &b, &keys) {
		return nil
	}
	return keys
}

// readJSON reads a text that is indented in one of the usual ways. The style is how.
func readJSON(text string) (n jsonNode, style string, ok bool) {
	bare := strings.TrimSuffix(text, "\n")
	if !json.Valid([]byte(bare)) || bare != strings.TrimSpace(bare) {
		return n, "", false
	}
	ending := text[len(bare):]
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(bare)); err != nil {
		return n, "", false
	}
	n, rest, ok := parseJSON(compact.String(), maxNesting)
	if !ok || rest != "" {
		return n, "", false
	}
	styles := map[string]string{compact.String(): "compact"}
	for _, indent := range []string{"\t", "    ", "  "} {
		var b bytes.Buffer
		if err := json.Indent(&b, []byte(bare), "", indent); err != nil {
			return n, "", false
		}
		styles[b.String()] = indent // a text without lines is of any style: of the last one
	}
	style, ok = styles[bare]
	return n, style + ending, ok
}

// maxNesting bounds how deep a document may be nested: indented, a deep one is of any size.
const maxNesting = 64

// parseJSON takes one value off valid, compact JSON. It is not ok when a member's name
// stands twice, and when it is nested too deep.
func parseJSON(s string, depth int) (n jsonNode, rest string, ok bool) {
	rest = s
	if depth == 0 {
		return n, rest, false
	}
	switch s[0] {
	case '{', '[':
		isObject, seen := s[0] == '{', map[string]bool{}
		rest = s[1:]
		for rest[0] != '}' && rest[0] != ']' {
			var name string
			if isObject {
				end := stringEnd(rest)
				name, rest = rest[:end], rest[end+1:]
				if plain := unquoted(name); seen[plain] {
					return n, rest, false
				}
				seen[unquoted(name)] = true
			}
			var item jsonNode
			if item, rest, ok = parseJSON(rest, depth-1); !ok {
				return n, rest, false
			}
			item.name = name
			if isObject {
				n.members = append(n.members, item)
			} else {
				n.items = append(n.items, item)
			}
			rest = strings.TrimPrefix(rest, ",")
		}
		rest = rest[1:]
	case '"':
		rest = s[stringEnd(s):]
	default:
		rest = ""
		if i := strings.IndexAny(s, ",]}"); i >= 0 {
			rest = s[i:]
		}
	}
	n.raw = s[:len(s)-len(rest)]
	return n, rest, true
}

// stringEnd is where the string at the beginning of s ends.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

func unquoted(name string) string {
	var s string
	_ = json.Unmarshal([]byte(name), &s) // it is valid JSON
	return s
}

// nodeKeys adds the paths at which two values differ. False: they differ in more than keys.
func nodeKeys(at string, a, b *jsonNode, out *[]Key) bool {
	switch {
	case a.raw == b.raw:
		return true
	case a.object() && b.object() && len(a.members) > 0 && len(b.members) > 0:
		return memberKeys(at, a.members, b.members, out)
	case a.array() && b.array() && len(a.items) == len(b.items):
		for i := range a.items {
			if !nodeKeys(fmt.Sprintf("%s[%d]", at, i), &a.items[i], &b.items[i], out) {
				return false
			}
		}
		return true
	default:
		if at == "" {
			return false // another document altogether
		}
		*out = append(*out, Key{at, &a.raw, &b.raw})
		return true
	}
}

func memberKeys(at string, a, b []jsonNode, out *[]Key) bool {
	av, bv := byName(a), byName(b)
	if !slices.Equal(common(a, bv), common(b, av)) {
		return false
	}
	names := slices.Collect(maps.Keys(av))
	for name := range bv {
		if av[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		old, now := av[name], bv[name]
		switch {
		case old == nil:
			*out = append(*out, Key{memberPath(at, now.name), nil, &now.raw})
		case now == nil:
			*out = append(*out, Key{memberPath(at, old.name), &old.raw, nil})
		case !nodeKeys(memberPath(at, now.name), old, now, out):
			return false
		}
	}
	return true
}

func byName(members []jsonNode) map[string]*jsonNode {
	out := map[string]*jsonNode{}
	for i := range members {
		out[unquoted(members[i].name)] = &members[i]
	}
	return out
}

// common lists the names, as they are written, of the members that the other has, too.
func common(members []jsonNode, other map[string]*jsonNode) (names []string) {
	for _, m := range members {
		if other[unquoted(m.name)] != nil {
			names = append(names, m.name)
		}
	}
	return names
}

// memberPath is at.NAME, with the name in quotes where it is no plain word.
func memberPath(at, name string) string {
	if bare := strings.Trim(name, `"`); bare != "" && isPlainName(bare) {
		name = bare
	}
	if at == "" {
		return name
	}
	return at + "." + name
}

func isPlainName(s string) bool {
	for _, r := range s {
		if !isWordRune(r) && r != '-' {
			return false
		}
	}
	return true
}
