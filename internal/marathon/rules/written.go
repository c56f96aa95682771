package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Written is fields of a definition as somebody would write them, in one line that is right
// in CUE and in JSON; of those that go it says so. Values of env and labels, and what stands
// before the @ of a URL, may be secrets: they are left out.
func Written(fields map[string]any) string {
	var write, leave []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name] == nil {
			leave = append(leave, name)
			continue
		}
		write = append(write, strconv.Quote(name)+": "+written(name, fields[name]))
	}
	out := strings.Join(write, ", ")
	if len(leave) > 0 {
		out = strings.TrimPrefix(out+"; leave out "+strings.Join(leave, ", "), "; ")
	}
	return out
}

var userinfo = regexp.MustCompile(`//[^/\s@]*@`)

// written is the value of the member name.
func written(name string, v any) string {
	switch v := v.(type) {
	case map[string]any:
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			x := v[k]
			if _, text := x.(string); text && (name == "env" || name == "labels") {
				x = "…"
			}
			out = append(out, text(k)+": "+written(k, x))
		}
		return "{" + strings.Join(out, ", ") + "}"
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, written("", x))
		}
		return "[" + strings.Join(out, ", ") + "]"
	case string:
		return text(userinfo.ReplaceAllString(v, "//…@"))
	case nil:
		return "null"
	default:
		return fmt.Sprint(v)
	}
}

// text is a text in quotes, with no more escapes than it needs.
func text(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
