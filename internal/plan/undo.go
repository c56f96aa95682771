package plan

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// What becomes of a batch that fails.
const (
	OnFailureStop     = "stop"     // it stays as it is, for somebody to look at
	OnFailureRollBack = "rollback" // what was there before is put back, and the services take it in
)

// sayUndo says of each batch of a stage that is rolled back on failure whether that can be done.
func sayUndo(s *Stage) {
	for i := range s.Batches {
		if why := s.Batches[i].lasting(); why != "" {
			s.Batches[i].NotRolledBack = why
		} else {
			s.Batches[i].RollBack = true
		}
	}
}

// lasting says why what a batch does cannot be taken back; "" where it can.
func (b Batch) lasting() string {
	if len(b.Changes) == 0 {
		return "nothing is written that could be taken back"
	}
	for _, c := range b.Changes {
		if why := lasts(c); why != "" {
			return c.Addr.Target.Name + ": " + string(c.Addr.Kind) + " " + c.Addr.Name + ": " + why
		}
	}
	for _, s := range b.Service {
		if s.Op != OpRestart && s.Op != OpReload {
			return fmt.Sprintf("%s: to %s %s is not taken back", s.Target.Name, s.Op, s.Unit)
		}
	}
	return ""
}

// lasts says why a change cannot be taken back; "" where it can.
func lasts(c diff.Change) string {
	switch {
	case c.Action == diff.Release, c.Addr.Kind == mesh.Service:
		return "" // only the record forgets it; steps do it
	case !c.Addr.IsPath(), c.Action == diff.Replace, c.Recursive, c.Gone != nil:
		return "what was there before is not known well enough"
	case c.Secret != nil || mesh.SecretContent(c.Before["content"]):
		return "nobody keeps the old content of a secret"
	case c.Addr.Kind == mesh.File && c.Before != nil && c.BeforeText == nil && (c.After == nil || c.Before["content"] != c.After["content"]):
		return "its old content is not known: it is large, or no text, or may not be read"
	default:
		return ""
	}
}

// Undo is the batch that takes back what was done of b: did are the subjects of what ended well, and of
// steps that were tried. It has the gates of b, for its services stop once more.
func (b Batch) Undo(did map[string]bool) Batch {
	out := Batch{Targets: b.Targets, Changes: []diff.Change{}, Before: b.Before, After: b.After, Confirm: b.Confirm}
	touched := map[mesh.Target]bool{}
	for _, c := range b.Changes {
		if c.Action != diff.Release && c.Addr.Kind != mesh.Service && did[c.Addr.String()] {
			out.Changes = append(out.Changes, reverse(c))
			touched[c.Addr.Target] = true
		}
	}
	for _, s := range b.Service {
		if touched[s.Target] && did[s.Addr().String()] {
			out.Service = append(out.Service, s)
		}
	}
	out.Targets = slices.DeleteFunc(slices.Clone(b.Targets), func(t mesh.Target) bool { return !touched[t] })
	return out
}

// reverse is the change from what c makes to what was there before.
func reverse(c diff.Change) diff.Change {
	out := diff.Change{
		Addr: c.Addr, Action: diff.Update, Class: c.Class, Role: c.Role, Purged: c.Purged,
		Before: c.After, After: c.Before, BeforeText: c.AfterText, AfterText: c.BeforeText,
	}
	switch {
	case c.Before == nil:
		out.Action = diff.Delete
	case c.After == nil:
		out.Action = diff.Create
	case c.Before["content"] == c.After["content"]:
		out.AfterText = c.AfterText // it may be known by that side alone
	}
	if out.Action == diff.Update {
		out.Fields = diff.Fields(out.Before, out.After)
	}
	return out
}
