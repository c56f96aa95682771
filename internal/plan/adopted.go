package plan

import (
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// Adopted is the record of a service that nobody recorded, or whose process is another by now, and that
// by all evidence runs with what is on disk; ok is false for all others. Once it is recorded no clock is
// needed any more, which a file that is written anew with the same content would set.
func Adopted(unit string, spec mesh.ServiceSpec, s mesh.TargetState) (rec mesh.ServiceRecord, ok bool) {
	if s.Host == nil {
		return rec, false
	}
	proc, running := s.Host.Processes[unit]
	if f := judge(unit, spec, s); !running || f.known || f.unread || f.stale != "" || f.unsure != "" {
		return rec, false
	}
	rec = mesh.ServiceRecord{BootID: s.Host.BootID, ProcessID: proc.ProcessID, Reads: map[string]string{}}
	if was := s.Record.Services[unit]; proc.RenewsWorkers(was.Worker != nil && was.Of(s.Host.BootID, proc)) {
		rec.Worker = &proc.Worker.ProcessID
	}
	proc.Worker = nil
	main := startTimesOf(proc, *s.Host)
	for _, read := range slices.Sorted(slices.Values(spec.Reads)) {
		now, seen := s.Host.Reads[read]
		if !seen || now.Digest == "" || primitive.OfPackages(read) && now.Ctime > main.first()-clockMargin {
			continue // nobody knows whether it started with that
		}
		rec.Reads[read] = now.Digest
	}
	if was := s.Record.Services[unit]; maps.Equal(was.Reads, rec.Reads) {
		rec.Members = was.Members
	}
	return rec, true
}
