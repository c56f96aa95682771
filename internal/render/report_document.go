package render

import (
	"io"

	"meshsync.dev/meshsync/internal/apply"
)

// ReportDocument is the JSON of a run.
type ReportDocument struct {
	Schema string `json:"schema"`
	apply.Report
}

// ReportJSON writes the report of a run's events.
func ReportJSON(w io.Writer, events []apply.Event) error {
	r := apply.Fold(events)
	if len(events) == 0 {
		r.Code = apply.CodeDone // nothing was to be done
	}
	return encode(w, ReportDocument{Schema: ReportSchema, Report: r})
}
