package render

import (
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// flagKey tells a change of a file of a flag directory as its flag, when both sides are
// nothing or one line. A flag directory is one that git purges, as kit.#FlagDirectory declares
// it: a process takes each small file in it as one flag, by its name and its one line. A
// missing end of the line is not told by key.
func flagKey(c diff.Change) (Key, bool) {
	if !c.Purged || c.Replaces != "" {
		return Key{}, false
	}
	value := func(text *string) (*string, bool) {
		if text == nil || *text == "" {
			return text, true
		}
		line, ended := strings.CutSuffix(*text, "\n")
		return &line, ended && line != "" && !strings.Contains(line, "\n") && !binary(line)
	}
	before, ok := value(c.BeforeText)
	after, ok2 := value(c.AfterText)
	changed := (before == nil) != (after == nil) || before != nil && *before != *after
	return Key{path.Base(c.Addr.Name), before, after}, ok && ok2 && changed
}

// shownChange is what is shown under one header: a change, or changed flags.
type shownChange struct {
	folded
	flags []folded // of one directory on the same hosts and of one class; nil for a change
}

// byDirectory groups the flags among folded changes; all else keeps its place.
func byDirectory(fs []folded) []shownChange {
	at := map[string]int{}
	var out []shownChange
	for _, f := range fs {
		c := f.change
		if !isFlag(c) {
			out = append(out, shownChange{folded: f})
			continue
		}
		key := strings.Join(append([]string{path.Dir(c.Addr.Name), string(c.Class)}, f.targets...), "\x00")
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, shownChange{folded: f})
		}
		out[i].flags = append(out[i].flags, f)
	}
	for _, x := range out { // what git names comes first, then what is removed, reason by reason
		slices.SortStableFunc(x.flags, func(a, b folded) int { return strings.Compare(a.change.Reason, b.change.Reason) })
	}
	return out
}

// isFlag reports whether the flag's key says all that differs.
func isFlag(c diff.Change) bool {
	if c.Addr.Kind != mesh.File || declaredSecret(c) || !c.Purged || c.Action != diff.Create && c.Action != diff.Update && c.Action != diff.Delete {
		return false
	}
	if slices.ContainsFunc(attributes(c), func(f diff.Field) bool { return f.Path != "content" }) {
		return false
	}
	keys := keysOf(c)
	return confidential(c) || unread(c) || len(keys) == 1 && keys[0].Key == path.Base(c.Addr.Name)
}

// unread reports whether a file comes or goes of which only the digest is known, as of one
// that git does not name.
func unread(c diff.Change) bool {
	return c.After == nil && c.BeforeText == nil && contentDiff(c) == "" || c.Before == nil && c.AfterText == nil && contentDiff(c) == ""
}

// flagRow is the line of a flag. Where its value is not to be shown or not known, it says so.
func flagRow(c diff.Change, full bool) keyRow {
	if keys := keysOf(c); len(keys) > 0 {
		return keyRowOf(keys[0], full)
	}
	r := keyRow{sign: sign(c), key: safe(path.Base(c.Addr.Name))}
	switch digest, _ := sideThatIs(c)["content"].(string); {
	case confidential(c) && c.Action == diff.Update:
		r.note = "changed (" + notShown + ")"
	case confidential(c):
		r.note = notShown
	default:
		r.note = shortDigest(safe(digest))
	}
	return r
}

// sideThatIs are the attributes of what comes, or of what goes.
func sideThatIs(c diff.Change) mesh.Tree {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// flagsTitle names flags under one header: "2 flags of /etc/mesos-master".
func (s shownChange) flagsTitle() string {
	return count(len(s.flags), "flag") + " of " + safe(path.Dir(s.change.Addr.Name))
}

// flagNames names each flag by itself, where their values are not shown.
func (s shownChange) flagNames(full bool) string {
	var list []string
	for _, f := range s.flags {
		list = append(list, safe(path.Base(f.change.Addr.Name)))
	}
	return names(list, full)
}

// representative is a change that stands for all flags: of their common action, or an update.
func (s shownChange) representative() diff.Change {
	c := s.change
	for _, f := range s.flags {
		if f.change.Action != c.Action {
			c.Action = diff.Update
		}
	}
	return c
}
