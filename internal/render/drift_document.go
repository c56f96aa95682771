package render

import (
	"io"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// DriftDocument is the JSON of a drift report.
type DriftDocument struct {
	Schema     string             `json:"schema"`
	Version    string             `json:"meshsync"`
	Mesh       string             `json:"mesh"`
	Source     mesh.Source        `json:"source"`
	Sandbox    bool               `json:"sandbox"`
	Marathons  []string           `json:"marathons,omitempty"` // as in a plan
	Drifted    bool               `json:"drifted"`
	Complete   bool               `json:"complete"`
	Moved      []ChangeDocument   `json:"moved"`    // without git
	Pending    []ChangeDocument   `json:"pending"`  // wanted by git, not applied yet
	Refusals   []plan.Refusal     `json:"refusals"` // of hosts that are not as they were, of Marathons, of rules that are over
	Warnings   []plan.Warning     `json:"warnings,omitempty"`
	Stale      []plan.Evidence    `json:"stale"`
	Unsure     []plan.Evidence    `json:"unsure"`
	NotServing []plan.Evidence    `json:"not_serving"`
	Unknown    []plan.Unknown     `json:"unknown"`
	Unmanaged  []mesh.Address     `json:"unmanaged"`
	NotCompare []plan.NotCompared `json:"not_compared"`
	Notes      []string           `json:"notes"`
}

// DriftJSON writes the plan as a drift report.
func DriftJSON(w io.Writer, p plan.Plan) error {
	return encode(w, DriftDocument{
		Schema: DriftSchema, Version: p.Version, Mesh: p.Mesh, Source: p.Source, Sandbox: p.Sandbox, Marathons: p.Marathons,
		Drifted: p.Moved(), Complete: p.Complete, Moved: changeDocuments(p.MovedChanges()), Pending: changeDocuments(p.PendingChanges()),
		Refusals: orEmpty(p.StandingRefusals()), Warnings: p.StandingWarnings(), Stale: orEmpty(p.Stale), Unsure: orEmpty(p.Unsure), NotServing: orEmpty(p.NotServing), Unknown: orEmpty(p.Unknown), Unmanaged: orEmpty(p.Unmanaged),
		NotCompare: orEmpty(p.NotCompared), Notes: orEmpty(p.Notes),
	})
}

// ReadDrift reads what DriftJSON wrote as the plan that it was made from, to show it
// again: all changes stand in one batch, since the report does not tell their order.
func ReadDrift(r io.Reader) (plan.Plan, error) {
	var d DriftDocument
	if err := decode(r, DriftSchema, &d); err != nil {
		return plan.Plan{}, err
	}
	b := plan.Batch{Changes: []diff.Change{}}
	for _, doc := range slices.Concat(d.Moved, d.Pending) {
		c, err := doc.change()
		if err != nil {
			return plan.Plan{}, err
		}
		b.Changes = append(b.Changes, c)
	}
	return plan.Plan{
		Version: d.Version, Mesh: d.Mesh, Source: d.Source, Sandbox: d.Sandbox, Marathons: d.Marathons, Complete: d.Complete,
		Stages:   []plan.Stage{{N: 1, Batches: []plan.Batch{b}}},
		Refusals: d.Refusals, Warnings: d.Warnings, Stale: d.Stale, Unsure: d.Unsure, NotServing: d.NotServing, Unknown: d.Unknown, Unmanaged: d.Unmanaged,
		NotCompared: d.NotCompare, Notes: d.Notes,
	}, nil
}
