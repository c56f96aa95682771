package render

import (
	"fmt"
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// changes writes changes, equal ones once, and flags below their directory.
func (t *printer) changes(all []diff.Change) {
	last := mesh.Pos{}
	for _, s := range byDirectory(fold(all, t.o.Full)) {
		if s.flags != nil {
			t.flagsOf(s, &last)
			continue
		}
		t.change(s.folded)
		t.origin(s.change.Origin, &last)
	}
}

// origin names the line of the repository that a change comes from, once for a series.
func (t *printer) origin(o mesh.Pos, last *mesh.Pos) {
	if t.o.Brief || o.IsZero() || o == *last && !t.o.Full {
		return
	}
	t.line("      %s", t.paint(dim, "from "+safe(o.String())))
	*last = o
}

// head is the line about a change, or about several that c stands for.
func (t *printer) head(f folded, c diff.Change, what string) {
	where := ""
	if len(f.targets) > 1 || t.several || c.Addr.Target.Kind == mesh.HostTarget {
		where = "  on " + names(f.targets, t.o.Full)
	}
	t.line("%s", t.paint(changeColor(c), fmt.Sprintf("  %s %s %s%s  (%s)", sign(c), t.verb(c), what, where, c.Class)))
}

// flagsOf writes the changed flags of one directory, one a line. Why and from where is told
// behind those that share it.
func (t *printer) flagsOf(s shownChange, last *mesh.Pos) {
	c := s.representative()
	if t.o.Brief {
		t.head(s.folded, c, s.flagsTitle()+": "+s.flagNames(t.o.Full))
		return
	}
	t.head(s.folded, c, s.flagsTitle())
	hidden := hiddenBeyond(len(s.flags), maxKeys, t.o.Full)
	shown := s.flags[:len(s.flags)-hidden]
	for i, f := range shown {
		note := ""
		if f.varied {
			note = "  (each has its own; this is " + safe(f.targets[0]) + "'s, --full shows all)"
		}
		t.key(flagRow(f.change, t.o.Full), note)
		if next := i + 1; next < len(shown) && shown[next].change.Reason == f.change.Reason && shown[next].change.Origin == f.change.Origin {
			continue
		}
		if f.change.Reason != "" {
			t.line("        %s", safe(f.change.Reason))
		}
		t.origin(f.change.Origin, last)
	}
	if hidden > 0 {
		t.line("      … %s (--full shows them)", count(hidden, "more flag"))
	}
}

// change writes one change with its details.
func (t *printer) change(f folded) {
	c := f.change
	t.head(f, c, string(c.Addr.Kind)+" "+safe(c.Addr.Name))
	if t.o.Brief {
		return
	}
	if c.Reason != "" {
		t.line("      %s", safe(c.Reason))
	}
	if v := t.verdicts[c.Addr]; v != "" {
		t.line("      Marathon: %s", safe(v))
	}
	if f.varied && c.Action != diff.Delete {
		t.line("      each has its own content; this is %s's (--full shows all)", safe(f.targets[0]))
	}
	t.details(c)
}

const notShown = "not shown: not everybody may read the file"

// hiddenChange is all that is said of how a confidential file's content differs.
func hiddenChange(c diff.Change) string {
	switch {
	case !declaredSecret(c):
		return "content: changed (" + notShown + ")"
	case c.Class.Moved() && c.Before["content"] == mesh.KeyedPrefix:
		return "content: nobody can tell, for the key of the host is gone, by which secrets are compared"
	case c.Class.Moved():
		return "content: another one (a secret, not shown)"
	default:
		return "content changes (a secret, not shown)"
	}
}

// hiddenContent is all that is said of the content of a confidential file that comes.
func hiddenContent(c diff.Change) string {
	if declaredSecret(c) {
		return "content not shown: it is a secret"
	}
	return "content " + notShown
}

// declaredSecret reports whether git says, or once said, that the content is a secret.
func declaredSecret(c diff.Change) bool {
	return c.Secret != nil || keyed(c.Before) || keyed(c.After)
}

func keyed(attrs mesh.Tree) bool {
	content, ok := attrs["content"].(string)
	return ok && mesh.SecretContent(content)
}

// fieldText is `instances: 4 → 6`. Of a secret it only says that it changed.
func fieldText(f diff.Field, o Options) string {
	_, was := f.Before.(secret.Value)
	if _, is := f.After.(secret.Value); was && is {
		return safe(f.Path) + ": changed " + secret.Mask
	}
	before, after := literals(written(f.Before), written(f.After), o.Full)
	return safe(f.Path) + ": " + onlyASCII(before, o) + " → " + onlyASCII(after, o)
}

func changeColor(c diff.Change) string {
	switch {
	case c.Action == diff.Delete:
		return red
	case c.Class.Moved():
		return yellow
	default:
		return green
	}
}

func (t *printer) details(c diff.Change) {
	for _, f := range attributes(c) {
		if f.Path == "content" && confidential(c) {
			t.line("      %s", hiddenChange(c))
			continue
		}
		if f.Path == "content" && t.content(c) {
			continue
		}
		t.line("      %s", fieldText(f, t.o))
	}
	switch {
	case (c.Action == diff.Create || c.Action == diff.Replace) && c.Addr.Kind == mesh.File:
		if confidential(c) {
			t.line("      %s", hiddenContent(c))
		} else if !t.content(c) && c.AfterText != nil {
			t.line("      %s", count(len(*c.AfterText), "byte"))
		}
	case c.Action == diff.Create && c.Addr.Kind == mesh.App:
		t.newApp(c)
	case c.Action == diff.Create && c.Addr.Kind != mesh.Directory:
		for _, key := range slices.Sorted(maps.Keys(c.After)) {
			t.line("      %s %s", safe(key), value(c.After[key]))
		}
	case c.Action == diff.Delete && c.Addr.Kind == mesh.File:
		t.content(c)
	}
}

// newApp shows the fields of a new app that people look for first.
func (t *printer) newApp(c diff.Change) {
	for _, f := range []string{"instances", "cpus", "mem", "cmd"} {
		if v, ok := c.After[f]; ok {
			t.line("      %s: %s", f, value(v))
		}
	}
	con, _ := c.After["container"].(map[string]any)
	docker, _ := con["docker"].(map[string]any)
	if image, ok := docker["image"]; ok {
		t.line("      image: %s", value(image))
	}
	t.line("      the whole definition: -o json")
}
