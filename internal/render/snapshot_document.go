package render

import (
	"fmt"
	"io"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Snapshot is a saved observation.
type Snapshot struct {
	Schema   string        `json:"schema"`
	Version  string        `json:"meshsync"`
	Mesh     string        `json:"mesh"`
	At       string        `json:"at"` // RFC 3339 in UTC
	Sandbox  bool          `json:"sandbox"`
	Observed mesh.Observed `json:"observed"`
}

// SnapshotJSON writes a snapshot. Secrets appear as their mask.
func SnapshotJSON(w io.Writer, s Snapshot) error {
	s.Schema = SnapshotSchema
	s.Observed.Targets = slices.Clone(s.Observed.Targets)
	for i := range s.Observed.Targets {
		if r := &s.Observed.Targets[i].Record; r.Entries == nil { // there is no record
			r.Entries = map[string]mesh.RecordEntry{}
		}
	}
	return encode(w, s)
}

// ReadSnapshot reads what SnapshotJSON wrote.
func ReadSnapshot(r io.Reader) (Snapshot, error) {
	var s Snapshot
	if err := decode(r, SnapshotSchema, &s); err != nil {
		return s, err
	}
	for i := range s.Observed.Targets {
		t := &s.Observed.Targets[i]
		for _, rs := range [][]mesh.Resource{t.Resources, t.Strays} {
			for j := range rs {
				if err := normalise(&rs[j].Attrs); err != nil {
					return s, fmt.Errorf("%s: %w", rs[j].Addr, err)
				}
			}
		}
	}
	return s, nil
}
