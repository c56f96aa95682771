package render

import (
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// verdictsOf are what Marathon makes of the changes of apps, in words.
func verdictsOf(p plan.Plan) map[mesh.Address]string {
	out := make(map[mesh.Address]string, len(p.Apps))
	for _, v := range p.Apps {
		out[v.Addr] = v.Text
	}
	return out
}
