package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// folded is one change that is the same on several targets.
type folded struct {
	change  diff.Change
	targets []string
}

// fold joins changes that differ in nothing but their target. The order is that of
// their first appearance.
func fold(changes []diff.Change) []folded {
	at := map[string]int{}
	var out []folded
	for _, c := range changes {
		key := foldKey(c)
		if i, ok := at[key]; ok {
			out[i].targets = append(out[i].targets, c.Addr.Target.Name)
			continue
		}
		at[key] = len(out)
		out = append(out, folded{change: c, targets: []string{c.Addr.Target.Name}})
	}
	return out
}

func foldKey(c diff.Change) string {
	before, _ := json.Marshal(c.Before) // trees are JSON; a failure would fold too much, and the tests of mesh rule it out
	after, _ := json.Marshal(c.After)
	return strings.Join([]string{string(c.Addr.Target.Kind), string(c.Addr.Kind), c.Addr.Name, string(c.Action), string(c.Class), string(before), string(after), c.Reason}, "\x00")
}

// sign is the mark of a change; the word beside it says the same.
func sign(c diff.Change) string {
	switch c.Action {
	case diff.Create:
		return "+"
	case diff.Delete:
		return "-"
	case diff.Release:
		return "."
	default:
		return "~"
	}
}

// shortPath is what tells files apart at a glance: the last two parts.
func shortPath(name string) string {
	parts := strings.Split(strings.TrimSuffix(name, "/"), "/")
	if len(parts) <= 3 {
		return name
	}
	return strings.Join(parts[len(parts)-2:], "/")
}

// value shows one side of a field.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if strings.HasPrefix(v, "sha256:") && len(v) == 71 {
			return v[:19] + "…"
		}
		return safe(fmt.Sprintf("%q", v))
	case mesh.Tree, map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return "?"
		}
		if len(b) > 200 {
			return safe(string(b[:200])) + "…"
		}
		return safe(string(b))
	default:
		return safe(fmt.Sprint(v))
	}
}

func sortedUnique(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}
