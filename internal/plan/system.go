package plan

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// otherSystems refuses hosts that run another system than git says: packages, units and
// paths are those of one release, and a host that was upgraded by hand, or is another
// machine than is thought, must not be told by half a batch that failed.
func (b *builder) otherSystems() {
	for _, h := range b.in.Mesh.Hosts {
		state, _ := b.in.Seen.Of(mesh.Host(h.Name))
		if h.OS == "" || state.Host == nil || state.Host.OS == h.OS {
			continue
		}
		runs := state.Host.OS
		if runs == "" {
			runs = "a system that does not say which it is"
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "os.differs", Subject: mesh.Host(h.Name).String(),
			Message: fmt.Sprintf("git says that %s runs %s, and it runs %s", h.Name, h.OS, runs),
			Hint:    "see whether the address is right; after an upgrade write the new os in the same commit as the packages for it",
			Source:  h.Origin.String(),
		})
	}
}
