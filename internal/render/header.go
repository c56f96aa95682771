package render

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// header says what is shown and how far it can be trusted.
func (t *printer) header(p plan.Plan, what string) {
	if p.Sandbox {
		t.line("%s", t.paint(bold, "SANDBOX: no real cluster is involved"))
	}
	t.line("%s", t.paint(bold, fmt.Sprintf("%s of %s %s", what, safe(p.Mesh), sourceText(p.Source))))
	switch {
	case p.Source.Worktree:
		t.line("read from the work tree, as the files are now%s", ifText(p.Source.Dirty, "; they differ from the commit"))
	case p.Source.Dirty:
		t.line("%s", t.paint(yellow, "files of the mesh differ from this commit and are not read; --worktree reads them"))
	}
	if p.Policy != "" && p.Policy != "this commit" {
		t.line("policy is read from %s", safe(p.Policy))
	}
	if p.Snapshot != "" {
		t.line("planned against the snapshot %s, not against the live cluster", safe(p.Snapshot))
	}
	if p.Restart != "" {
		t.line("restart of %s, and nothing else: what git wants anew waits for an apply", safe(p.Restart))
	}
	if p.Filter != nil {
		t.line("narrowed: only %s, exclude %s; %s left out", orAll(p.Filter.Only), orNone(p.Filter.Exclude), count(p.Filter.Hidden, "change"))
	}
	if !p.Complete {
		t.line("%s", t.paint(red, fmt.Sprintf("INCOMPLETE: %s could not be observed; nothing is assumed about what was not seen", unseen(p))))
		for _, u := range p.Unknown {
			t.line("  ? %s  %s: %s", unknownName(u), u.Outcome, safe(u.Message))
		}
	}
	t.line("")
}

func unknownName(u plan.Unknown) string {
	if u.Addr != nil {
		return safe(u.Addr.String())
	}
	return u.Target.String()
}

// unseen counts what could not be observed: "1 target and 2 resources".
func unseen(p plan.Plan) string {
	targets, resources := 0, 0
	for _, u := range p.Unknown {
		if u.Addr == nil {
			targets++
		} else {
			resources++
		}
	}
	switch {
	case resources == 0:
		return count(targets, "target")
	case targets == 0:
		return count(resources, "resource")
	default:
		return count(targets, "target") + " and " + count(resources, "resource")
	}
}

func ifText(cond bool, s string) string {
	if cond {
		return s
	}
	return ""
}

func orAll(l []string) string {
	if len(l) == 0 {
		return "everything"
	}
	return safe(strings.Join(l, " "))
}

func orNone(l []string) string {
	if len(l) == 0 {
		return "nothing"
	}
	return safe(strings.Join(l, " "))
}

// sourceText is `@ 4f2c9e1a7b03 "raise tickTime" (Ann, 2026-11-27)`.
func sourceText(s mesh.Source) string {
	if s.Commit == "" {
		return "without a commit"
	}
	day, _, _ := strings.Cut(s.Time, "T")
	return fmt.Sprintf("@ %.12s \"%s\" (%s, %s)", s.Commit, safe(s.Subject), safe(s.Author), day)
}
