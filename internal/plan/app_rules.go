package plan

import (
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// refusedApps lists what Marathon would refuse of the apps that are written. One that stays as
// it is was taken, whatever the rules say.
func (b *builder) refusedApps() {
	if b.in.AppRefusals == nil {
		return
	}
	for _, c := range b.changes {
		if !writesApp(c) || b.otherRelease(c.Addr.Target) {
			continue
		}
		for _, r := range b.in.AppRefusals(c) {
			r.Subject = c.Addr.String()
			b.plan.Refusals = append(b.plan.Refusals, r)
		}
	}
}

// writesApp reports whether a change sends a definition.
func writesApp(c diff.Change) bool {
	return c.Addr.Kind == mesh.App && (c.Action == diff.Create || c.Action == diff.Update)
}
