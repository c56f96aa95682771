package apply

import (
	"fmt"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

func TestABatchOfACrowdNamesSome(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		1: "batch on a1",
		8: "batch on a1, a2, a3, a4, a5, a6, a7, a8",
		9: "batch on a1, a2, a3, a4, a5, a6 and 3 more",
	} {
		var b plan.Batch
		for i := range n {
			b.Targets = append(b.Targets, mesh.Host(fmt.Sprintf("a%d", i+1)))
		}
		if got := batchText(b); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
