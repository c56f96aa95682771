package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// folded is one change that is the same on several targets.
type folded struct {
	change  diff.Change // of the first target
	targets []string
	varied  bool // the content is another on each target; shown is the first one's
}

// fold joins changes that differ in nothing but their target. Unless all is to be
// shown, files that differ in their content only are joined, too. The order is that of
// their first appearance.
func fold(changes []diff.Change, full bool) []folded {
	at, same := map[string]int{}, map[string]string{}
	var out []folded
	for _, c := range changes {
		key, exact := foldKey(c, full), foldKey(c, true)
		if i, ok := at[key]; ok {
			out[i].targets = append(out[i].targets, c.Addr.Target.Name)
			out[i].varied = out[i].varied || same[key] != exact
			continue
		}
		at[key], same[key] = len(out), exact
		out = append(out, folded{change: c, targets: []string{c.Addr.Target.Name}})
	}
	return out
}

// foldKey is equal for changes that are shown as one.
func foldKey(c diff.Change, exact bool) string {
	return strings.Join([]string{
		string(c.Addr.Target.Kind), string(c.Addr.Kind), c.Addr.Name, string(c.Action), string(c.Class),
		foldTree(c.Before, exact), foldTree(c.After, exact), c.Reason, strconv.FormatBool(c.Purged),
	}, "\x00")
}

func foldTree(t mesh.Tree, exact bool) string {
	if !exact && t["content"] != nil {
		t = t.Clone()
		t["content"] = ""
	}
	b, _ := json.Marshal(t) // trees are JSON; a failure would fold too much, and the tests of mesh rule it out
	return string(b)
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

// value shows a value beside which there is no other one.
func value(v any) string { return literal(written(v), false) }

// written is one side of a field as it is written, in full.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if strings.HasPrefix(v, "sha256:") && len(v) == 71 {
			return shortDigest(v)
		}
		return fmt.Sprintf("%q", v)
	case mesh.Tree, map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return "?"
		}
		return string(b)
	default:
		return fmt.Sprint(v)
	}
}

func sortedUnique(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}
