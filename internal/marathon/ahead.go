package marathon

import (
	"context"
	"fmt"
	"maps"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// ahead is what the record is to say of a stage: it is written before the first of its
// changes and after the last, and not for each of them, or a stage of many apps would
// write the whole record twice for each. A run that leaves a stage amid its batches settles it when it
// gives its lease back. One that is killed leaves changes
// recorded as intended: of those, the next one looks what came of them.
type ahead struct {
	// begun says that the stage's changes are written down.
	begun bool
	// was is what the record said of changes that are intended and not begun.
	was map[string]mesh.RecordEntry
	// now is what the record is to say of the changes that have ended.
	now map[string]mesh.RecordEntry
}

// writeAhead records, before the first change of a stage, what is as desired already, and what
// the changes of the stage intend.
func (m *Marathon) writeAhead(ctx context.Context, w plan.Work) error {
	entries := m.adopted(w)
	if !m.ahead.begun {
		m.ahead = ahead{begun: true, was: map[string]mesh.RecordEntry{}, now: map[string]mesh.RecordEntry{}}
		for _, changes := range [][]diff.Change{w.Changes, w.Later} {
			for _, c := range changes {
				if writes(c) {
					address := c.Addr.String()
					m.ahead.was[address], entries[address] = m.rec.record.Entries[address], m.intends(w, c)
				}
			}
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return m.noteAll(ctx, entries)
}

// writes reports whether a change writes an app.
func writes(c diff.Change) bool { return c.Action != diff.Release && c.Action != diff.Finish }

// intends is the entry of a change that has not ended.
func (m *Marathon) intends(w plan.Work, c diff.Change) mesh.RecordEntry {
	e := m.entry(w, c)
	e.State, e.Was = mesh.Intends, mesh.AbsentDigest
	if c.Before != nil {
		e.Was = diff.Found(c.Addr, c.Before, c.Open)
	}
	return e
}

// adopted are the entries of what is already as desired.
func (m *Marathon) adopted(w plan.Work) map[string]mesh.RecordEntry {
	entries := map[string]mesh.RecordEntry{}
	for address, as := range w.Adopt {
		e := mesh.RecordEntry{Digest: as.Digest, Open: as.Open, Commit: w.Commit, Time: w.Time, State: mesh.Holds, Origin: mesh.Adopted}
		if was, ok := m.rec.record.Entries[address]; ok && was.Origin != "" {
			e.Origin = was.Origin
		}
		entries[address] = e
	}
	return entries
}

// begin says that from now on what becomes of a change is not known until it ends.
func (m *Marathon) begin(address string) (was mesh.RecordEntry) {
	was = m.ahead.was[address]
	delete(m.ahead.was, address)
	return was
}

// settle records what came of a stage: what ended holds, and what was not begun is intended no more.
func (m *Marathon) settle(ctx context.Context) error {
	entries := m.ahead.now
	maps.Copy(entries, m.ahead.was)
	m.ahead = ahead{}
	if len(entries) == 0 {
		return nil
	}
	err := m.stillHolds(ctx)
	if err == nil {
		err = m.noteAll(ctx, entries)
	}
	if err != nil {
		return fmt.Errorf("what was done is done, but it is not recorded: %w", err)
	}
	return nil
}
