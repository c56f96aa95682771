package render

import (
	"fmt"
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// changes writes changes, equal ones once.
func (t *printer) changes(all []diff.Change) {
	last := mesh.Pos{}
	for _, f := range fold(all, t.o.Full) {
		t.change(f)
		if t.o.Brief {
			continue
		}
		if o := f.change.Origin; !o.IsZero() && (o != last || t.o.Full) {
			t.line("      %s", t.paint(dim, "from "+safe(o.String())))
			last = o
		}
	}
}

// change writes one change with its details.
func (t *printer) change(f folded) {
	c := f.change
	where := ""
	if len(f.targets) > 1 || c.Addr.Target.Kind == mesh.HostTarget {
		where = "  on " + names(f.targets, t.o.Full)
	}
	head := fmt.Sprintf("  %s %s %s %s%s  (%s)", sign(c), t.verb(c), c.Addr.Kind, safe(c.Addr.Name), where, c.Class)
	t.line("%s", t.paint(changeColor(c), head))
	if t.o.Brief {
		return
	}
	if c.Reason != "" {
		t.line("      %s", safe(c.Reason))
	}
	if f.varied && c.Action != diff.Delete {
		t.line("      each has its own content; this is %s's (--full shows all)", safe(f.targets[0]))
	}
	t.details(c)
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
	for _, f := range c.Fields {
		if f.Path == "content" && t.content(c) {
			continue
		}
		if f.Path == "content" && (mesh.ConfidentialAttrs(c.Before) || mesh.ConfidentialAttrs(c.After)) {
			t.line("      content: another one; not shown, because not everybody may read the file")
			continue
		}
		t.line("      %s: %s → %s", safe(f.Path), value(f.Before), value(f.After))
	}
	switch {
	case c.Action == diff.Create && c.Addr.Kind == mesh.File:
		if !t.content(c) && c.AfterText != nil {
			t.line("      %d bytes", len(*c.AfterText))
		}
	case c.Action == diff.Create && c.Addr.Kind == mesh.App:
		t.newApp(c)
	case c.Action == diff.Create && c.Addr.IsPath() && c.Addr.Kind != mesh.Directory:
		for _, key := range slices.Sorted(maps.Keys(c.After)) {
			t.line("      %s %s", safe(key), value(c.After[key]))
		}
	case c.Action == diff.Delete && c.Addr.Kind == mesh.File && c.BeforeText != nil:
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
