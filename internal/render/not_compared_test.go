package render

import (
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

func TestWhatIsNotComparedForOneReasonSharesALine(t *testing.T) {
	t.Parallel()
	var p plan.Plan
	for i := range 1000 {
		p.NotCompared = append(p.NotCompared, plan.NotCompared{
			Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: fmt.Sprintf("/a%03d", i)}, Field: "env.A", Reason: fmt.Sprint("of team ", i%2*(i%3)),
		})
	}
	lines := notCompared(p.NotCompared, false)
	if len(lines) != 3 || lines[0] != "marathon/main/app:/a000, marathon/main/app:/a002, marathon/main/app:/a003, marathon/main/app:/a004, "+
		"marathon/main/app:/a006, marathon/main/app:/a008 and 661 more env.A: of team 0" {
		t.Errorf("%q", lines)
	}
	if n := len(notCompared(p.NotCompared, true)); n != 1000 {
		t.Errorf("%d lines in full", n)
	}
	if n := len(notCompared(p.NotCompared[:8], false)); n != 8 {
		t.Errorf("%d lines of 8", n)
	}
	for i := range p.NotCompared {
		p.NotCompared[i].Reason = fmt.Sprint("for reason ", i)
	}
	var text strings.Builder
	if err := PlanMarkdown(&text, p, 4000); err != nil || !strings.Contains(text.String(), "- **not compared:** 1000 fields, in the plan's JSON") {
		t.Errorf("%v: %s", err, text.String())
	}
}
