package plan

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// sameMarathons refuses one Marathon under two names, behind URLs that differ: what one of
// them has made, the other one's record does not tell, and each writes its record over the other's.
func (b *builder) sameMarathons() {
	first := map[string]string{} // id of the framework → the Marathon that has it
	for _, m := range b.in.Mesh.Marathons {
		state, _ := b.in.Seen.Of(mesh.Marathon(m.Name))
		if state.Marathon == nil || state.Marathon.Framework == "" {
			continue
		}
		id := state.Marathon.Framework
		if first[id] == "" {
			first[id] = m.Name
			continue
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "marathon.same", Subject: mesh.Marathon(m.Name).String(),
			Message: fmt.Sprintf("the Marathons %s and %s are one: both say that they are the framework %s", first[id], m.Name, id),
			Hint:    "correct the URLs of one, or give all apps one of the two names and take the other out of the mesh",
			Source:  m.Origin.String(),
		})
	}
}
