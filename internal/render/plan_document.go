package render

import (
	"errors"
	"io"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/plan"
)

// PlanDocument is the JSON of a plan: the plan, with how the contents of files change.
type PlanDocument struct {
	plan.Plan
	Stages []StageDocument `json:"stages"`
}

// StageDocument is a stage in a document.
type StageDocument struct {
	plan.Stage
	Batches []BatchDocument `json:"batches"`
}

// BatchDocument is a batch in a document.
type BatchDocument struct {
	plan.Batch
	Changes []ChangeDocument `json:"changes"`
}

// ChangeDocument is a change in a document. A file whose content changes has its unified
// diff, and its keys too where its format is known and nothing else differs. Both are there
// in full, and neither is of a file that not everybody may read.
type ChangeDocument struct {
	diff.Change
	Keys []Key `json:"keys,omitempty"`
}

// PlanJSON writes a plan.
func PlanJSON(w io.Writer, p plan.Plan) error {
	d := PlanDocument{Plan: p}
	for _, s := range p.Stages {
		sd := StageDocument{Stage: s, Batches: []BatchDocument{}}
		for _, b := range s.Batches {
			sd.Batches = append(sd.Batches, BatchDocument{Batch: b, Changes: changeDocuments(b.Changes)})
		}
		d.Stages = append(d.Stages, sd)
	}
	if d.Stages == nil && p.Stages != nil {
		d.Stages = []StageDocument{}
	}
	return encode(w, d)
}

func changeDocuments(in []diff.Change) []ChangeDocument {
	out := make([]ChangeDocument, 0, len(in))
	for _, c := range in {
		c.Diff = contentDiff(c)
		d := ChangeDocument{Keys: keysOf(c)}
		c.Fields = attributes(c)
		d.Change = withoutDigests(c)
		out = append(out, d)
	}
	return out
}

// ReadPlan reads what PlanJSON wrote, to show it again.
func ReadPlan(r io.Reader) (plan.Plan, error) {
	var d PlanDocument
	if err := decode(r, plan.Schema, &d); err != nil {
		return d.Plan, err
	}
	p := d.Plan
	if d.Stages != nil {
		p.Stages = []plan.Stage{}
	}
	for _, sd := range d.Stages {
		s := sd.Stage
		s.Batches = []plan.Batch{}
		for _, bd := range sd.Batches {
			b := bd.Batch
			b.Changes = []diff.Change{}
			for _, cd := range bd.Changes {
				c, err := cd.change()
				if err != nil {
					return p, err
				}
				b.Changes = append(b.Changes, c)
			}
			s.Batches = append(s.Batches, b)
		}
		p.Stages = append(p.Stages, s)
	}
	return p, nil
}

// change is the change that a document tells.
func (d ChangeDocument) change() (diff.Change, error) {
	c := d.Change
	if err := errors.Join(normalise(&c.Before), normalise(&c.After)); err != nil {
		return c, err
	}
	for i := range c.Fields {
		c.Fields[i].Before, c.Fields[i].After = masked(c.Fields[i].Before), masked(c.Fields[i].After)
	}
	carry(&c, d.Keys)
	return c, nil
}
