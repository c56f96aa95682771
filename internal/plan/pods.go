package plan

import (
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// pods lists the pods of each Marathon among what is unmanaged: nobody declares any. What the
// account may not read of groups and pods is said.
func (b *builder) pods() {
	for _, m := range b.in.Mesh.Marathons {
		state, _ := b.in.Seen.Of(mesh.Marathon(m.Name))
		if state.Marathon == nil {
			continue
		}
		for _, id := range state.Marathon.Pods {
			b.plan.Unmanaged = append(b.plan.Unmanaged, mesh.Address{Target: state.Target, Kind: mesh.Pod, Name: id})
		}
		if why := state.Marathon.GroupsUnread; why != "" {
			b.plan.Notes = append(b.plan.Notes, state.Target.String()+": its groups and pods could not be read ("+why+
				"): pods are not listed, and what groups say of their apps, on what they depend and which role they have, is not known")
		}
	}
	slices.SortFunc(b.plan.Unmanaged, mesh.Address.Compare)
}
