package render

import (
	"io"

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
	Drifted    bool               `json:"drifted"`
	Complete   bool               `json:"complete"`
	Moved      []ChangeDocument   `json:"moved"`   // without git
	Pending    []ChangeDocument   `json:"pending"` // wanted by git, not applied yet
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
	flags := flagDirsOf(p)
	return encode(w, DriftDocument{
		Schema: DriftSchema, Version: p.Version, Mesh: p.Mesh, Source: p.Source, Sandbox: p.Sandbox,
		Drifted: p.Moved(), Complete: p.Complete, Moved: changeDocuments(p.MovedChanges(), flags), Pending: changeDocuments(p.PendingChanges(), flags),
		Stale: orEmpty(p.Stale), Unsure: orEmpty(p.Unsure), NotServing: orEmpty(p.NotServing), Unknown: orEmpty(p.Unknown), Unmanaged: orEmpty(p.Unmanaged),
		NotCompare: orEmpty(p.NotCompared), Notes: orEmpty(p.Notes),
	})
}
