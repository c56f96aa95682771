package plan

import (
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// Outdated lists the processes that run with old input, whatever a plan would do about them,
// and those of which the clocks cannot tell; in the order of the mesh's resources.
func Outdated(m *mesh.Mesh, seen mesh.Observed) (stale, unsure []Evidence) {
	b := &builder{in: Input{Mesh: m, Seen: seen}}
	b.changes = diff.Diff(Desired(b.in), seen).Changes
	for _, r := range m.Resources {
		if r.Service == nil {
			continue
		}
		state, _ := seen.Of(r.Addr.Target)
		if state.Host == nil {
			continue
		}
		spec := *r.Service
		if len(b.causes(r, state, freshness{})) > 0 {
			spec.Reports = nil // it cannot report what git wants as long as that is not on disk
		}
		f := judge(r.Addr.Name, spec, state)
		if f.stale != "" {
			stale = append(stale, Evidence{Target: r.Addr.Target, Unit: r.Addr.Name, Message: f.why, Owed: owed(state, f)})
		} else if f.unsure != "" {
			unsure = append(unsure, Evidence{Target: r.Addr.Target, Unit: r.Addr.Name, Message: f.unsure})
		}
	}
	return stale, unsure
}
