package plan

import (
	"slices"

	"meshsync.dev/meshsync/internal/primitive"
)

// unseenResources names what is taken for as git says by its record alone, since nobody looks
// at it: a plan runs nobody's code, the test of a command among it.
func (b *builder) unseenResources() {
	for _, r := range b.in.Mesh.Resources {
		kind, _ := primitive.Of(r.Addr.Kind)
		if kind.Recorded == nil || !slices.Contains(b.diff.Equal, r.Addr) || !b.in.Filter.Match(r.Addr.String()) {
			continue
		}
		state, _ := b.in.Seen.Of(r.Addr.Target)
		b.plan.NotCompared = append(slices.Clip(b.plan.NotCompared), NotCompared{
			Addr: r.Addr, Reason: "its test is not run by a plan; it passed at " + state.Record.Entries[r.Addr.String()].Time + ", says the record",
		})
	}
}
