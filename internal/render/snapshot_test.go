package render

import (
	"bytes"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// A target without a record, or one that was not reached, has no entries: an empty object, as
// the schema says.
func TestASnapshotOfATargetWithoutARecordIsAsItsSchemaSays(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	seen := mesh.Observed{Targets: []mesh.TargetState{{Target: mesh.Host("m1"), Outcome: mesh.OK, RecordState: mesh.RecordNone}}}
	if err := SnapshotJSON(&out, Snapshot{Mesh: "prod", Observed: seen}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"entries": {}`) {
		t.Error(out.String())
	}
	if seen.Targets[0].Record.Entries != nil {
		t.Error("what was given is another thing now")
	}
}
