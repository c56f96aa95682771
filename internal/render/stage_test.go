package render

import (
	"bytes"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// What the batches of a long stage are of is counted in the words of what is in them.
func TestBatchesOfALongStageAreNamed(t *testing.T) {
	t.Parallel()
	hosts := func(n int) plan.Batch {
		b := plan.Batch{Changes: []diff.Change{}}
		for range n {
			b.Targets = append(b.Targets, mesh.Host("m1"))
		}
		return b
	}
	app := plan.Batch{Targets: []mesh.Target{mesh.Marathon("main")}, Layer: 1, Changes: []diff.Change{}}
	for want, of := range map[string]plan.Batch{"7 batches, of 1 app each": app, "7 batches, of 1 host each": hosts(1), "7 batches, of up to 3 hosts each": hosts(3)} {
		s := plan.Stage{N: 1, Batches: []plan.Batch{of, of, of, of, of, of, of}}
		if strings.Contains(want, "up to") {
			s.Batches[0] = hosts(1)
		}
		var b bytes.Buffer
		p := &printer{w: &b}
		p.batches(s)
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("want %s: %s", want, b.String())
		}
	}
}
