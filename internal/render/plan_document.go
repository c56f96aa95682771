package render

import (
	"errors"
	"io"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/plan"
)

// PlanJSON writes a plan. Changes of files carry a unified diff where both sides are known.
func PlanJSON(w io.Writer, p plan.Plan) error { return encode(w, withDiffs(p)) }

// withDiffs is the plan with the diffs of file contents filled in.
func withDiffs(p plan.Plan) plan.Plan {
	p.Stages = slices.Clone(p.Stages)
	for i := range p.Stages {
		p.Stages[i].Batches = slices.Clone(p.Stages[i].Batches)
		for j := range p.Stages[i].Batches {
			b := &p.Stages[i].Batches[j]
			b.Changes = changesWithDiffs(b.Changes)
		}
	}
	return p
}

func changesWithDiffs(in []diff.Change) []diff.Change {
	out := make([]diff.Change, 0, len(in))
	for _, c := range in {
		c.Diff = contentDiff(c)
		out = append(out, c)
	}
	return out
}

// ReadPlan reads what PlanJSON wrote, to show it again.
func ReadPlan(r io.Reader) (plan.Plan, error) {
	var d plan.Plan
	if err := decode(r, plan.Schema, &d); err != nil {
		return d, err
	}
	for i := range d.Stages {
		for j := range d.Stages[i].Batches {
			cs := d.Stages[i].Batches[j].Changes
			for k := range cs {
				if err := errors.Join(normalise(&cs[k].Before), normalise(&cs[k].After)); err != nil {
					return d, err
				}
				for f := range cs[k].Fields {
					cs[k].Fields[f].Before, cs[k].Fields[f].After = masked(cs[k].Fields[f].Before), masked(cs[k].Fields[f].After)
				}
			}
		}
	}
	return d, nil
}
