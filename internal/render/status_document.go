package render

import (
	"io"

	"meshsync.dev/meshsync/internal/status"
)

// StatusDocument is the JSON of meshsync status.
type StatusDocument struct {
	Schema  string `json:"schema"`
	Version string `json:"meshsync"`
	Mesh    string `json:"mesh"`
	At      string `json:"at"` // RFC 3339 in UTC
	Sandbox bool   `json:"sandbox"`
	status.Status
}

// StatusJSON writes a status for machines.
func StatusJSON(w io.Writer, d StatusDocument) error {
	d.Schema = StatusSchema
	return encode(w, d)
}
