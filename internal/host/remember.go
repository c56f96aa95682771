package host

import (
	"encoding/json"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// rememberRecord takes over what the script wrote into the record, as far as outcomes
// tell: the next work builds on it.
func (h *Host) rememberRecord(b *batch, f *follower) {
	rec := mesh.Record{Version: mesh.RecordVersion, Mesh: h.o.Mesh, Entries: map[string]mesh.RecordEntry{}, Services: map[string]mesh.ServiceRecord{}}
	rec.Host = h.o.Name
	if h.last.Host != nil {
		rec.Machine, rec.HostKey = h.last.Host.MachineID, h.last.Host.HostKey
	}
	if rec.Members = b.work.Members; rec.Members == nil {
		rec.Members = h.last.Record.Members
	}
	take := func(text string) {
		if text == "" {
			return
		}
		_ = json.Unmarshal([]byte("{"+text+"}"), &rec.Entries) // our own text
	}
	for _, e := range b.record.static {
		take(e)
	}
	for i, e := range b.record.changes {
		switch {
		case f.ended[i] == plan.ResultDone:
			take(e.holds)
		case f.ended[i] == plan.ResultConflict || f.undone[i]:
			take(e.old)
		default:
			take(e.intends)
		}
	}
	_ = json.Unmarshal([]byte("{"+strings.Join(b.record.kept, ",")+"}"), &rec.Services) // our own text
	for j, t := range b.record.steps {
		if f.ended[len(b.work.Changes)+j] != plan.ResultDone {
			_ = json.Unmarshal([]byte("{"+t.was+"}"), &rec.Services) // likewise
		}
	}
	for name, s := range f.services {
		rec.Services[name] = s
	}
	h.last.Record, h.last.RecordState = rec, mesh.RecordOK
	if f.wrote {
		h.last.RecordDigest = "sha256:" + f.record
		if f.record == "" {
			h.last.RecordDigest = mesh.DigestBytes([]byte(b.record.whole(f.texts)))
		}
	}
}
