package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// freshness says whether a running process has taken in what is on disk.
type freshness struct {
	known  bool   // the record knows this very process: no clock is involved
	stale  string // what it has not taken in; "" if nothing
	unsure string // what the clocks cannot tell, in words; "" if nothing
	why    string // the evidence, in words
	// reported says that the process itself, or systemd, told of it: no change of files mends that.
	reported bool
	// older lists all reads that differ from what the process has taken in.
	older []string
	// unit says that its unit on disk is another one than systemd has loaded.
	unit bool
	// unread says that systemd has yet to read its unit again, which is the one that the process was started by.
	unread bool
}

// judge compares a process with what it reads, best evidence first: the record of
// what it was started with, then the change times of the files against its start.
func judge(unit string, spec mesh.ServiceSpec, s mesh.TargetState) freshness {
	proc, running := s.Host.Processes[unit]
	if !running {
		return freshness{}
	}
	rec, has := s.Record.Services[unit]
	same := has && s.RecordState == mesh.RecordOK && rec.Of(s.Host.BootID, proc)
	if !proc.RenewsWorkers(same && rec.Worker != nil) {
		proc.Worker = nil
	}
	f := freshness{known: same && (proc.Worker == nil || rec.Worker != nil && *rec.Worker == proc.Worker.ProcessID)}
	if slices.Contains(s.Host.Reload, unit) {
		f.unread = f.known && sameUnit(unit, rec, *s.Host)
		f.unit = !f.unread
	}
	if f.unit {
		f.reported = true
		f.stale, f.why = "unit", "its unit on disk is not the one that systemd started "+started(proc)+" by"
	}
	f.byReport(spec.Reports, s.Host.Answers)
	for _, path := range spec.Reads {
		now, seen := s.Host.Reads[path]
		if !seen {
			continue // listed as unknown elsewhere
		}
		was, recorded := rec.Reads[path]
		switch {
		case f.known && recorded:
			if was != now.Digest {
				f.old(path, path+" is not what "+started(proc.Newest())+" was started with")
			}
		case same && recorded && was == now.Digest && now.Ctime <= startTimesOf(proc, *s.Host).first()+clockMargin:
			// Its workers are others by now, and were made of the same all along.
		case primitive.OfPackages(path):
			// A package lays its unit anew with each version, be it the same or not: no clock tells.
		default:
			f.byClock(path, now, proc, *s.Host)
		}
	}
	return f
}

// old notes a read that the process has not taken in; the first one is the evidence that is shown.
func (f *freshness) old(path, why string) {
	f.older = append(f.older, path)
	if f.stale == "" {
		f.stale, f.why = path, why
	}
}

// sameUnit reports whether a unit that systemd has yet to load anew is on disk just as the record
// says that its process was started by it. All that systemd has loaded must be among that: it
// may know of files that nobody else looks at.
func sameUnit(unit string, rec mesh.ServiceRecord, h mesh.HostFacts) bool {
	reads := primitive.UnitReads(unit)
	for _, read := range reads {
		was, recorded := rec.Reads[read]
		if !recorded && primitive.OfPackages(read) {
			was = mesh.AbsentDigest // where packages moved when it started, of their drop-ins nothing is recorded
		}
		if now, seen := h.Reads[read]; !seen || now.Digest != was {
			return false
		}
	}
	loaded := h.Loaded[unit]
	return len(loaded) > 0 && !slices.ContainsFunc(loaded, func(file string) bool {
		file = primitive.ReadName(file)
		return !slices.Contains(reads, file) && !slices.Contains(reads, path.Dir(file)+"/")
	})
}

// byReport takes the best evidence there is: what the process itself says.
func (f *freshness) byReport(r *mesh.Reports, answers []mesh.Answer) {
	if r == nil || f.stale != "" {
		return
	}
	for _, a := range answers {
		told, ok := health.Reported(a)
		if !ok || a.Check != r.Question() {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(r.Values)) {
			if got, tells := told[key]; tells && got != r.Values[key] {
				f.stale, f.reported = key, true
				f.why = fmt.Sprintf("it reports %s=%s, and git wants %s", key, got, r.Values[key])
				return
			}
		}
	}
}

// byClock compares the change time of a path with the start of the process; of one that
// reloads, with that of its newest worker. A worker that is newer than the change was made by a
// reload, or died and was made again of what its master had read before: unless systemd saw the
// service reload since, nobody knows which.
func (f *freshness) byClock(path string, now mesh.Read, proc mesh.Process, h mesh.HostFacts) {
	s := startTimesOf(proc, h)
	switch {
	case now.Digest == mesh.AbsentDigest:
	case h.Now != 0 && now.Ctime > h.Now+clockMargin:
		f.doubt(path + " is newer than the host's clock, which was set back since, so that no clock tells whether " + process(proc) + " runs with it")
	case now.Ctime > s.last()+clockMargin:
		f.old(path, path+" changed after "+process(proc)+" had started")
	case now.Ctime > s.first()-clockMargin:
		f.doubt(s.unsure(path, now.Ctime, process(proc)))
	case proc.Worker != nil && proc.ChangedAt != 0 && now.Ctime > max(proc.StartedAt, proc.ChangedAt)-max(proc.SetSince, 0)+clockMargin:
		f.doubt(fmt.Sprintf("%s changed before %s started, and systemd saw no reload since: it may be made of what the main process had read before", path, process(proc)))
	}
}

// doubt notes what the clocks cannot tell; the first of it is shown.
func (f *freshness) doubt(why string) {
	if f.unsure == "" {
		f.unsure = why
	}
}

// process names what a service runs with.
func process(p mesh.Process) string {
	if p.Worker != nil {
		return fmt.Sprintf("its newest worker (pid %d)", p.Worker.PID)
	}
	return started(p)
}

// started names what was started: a process, or a unit that runs without one.
func started(p mesh.Process) string {
	if p.PID == 0 {
		return "the unit"
	}
	return fmt.Sprintf("the process (pid %d)", p.PID)
}

// ReadAfter is what a path that a service reads will be once the changes of its host
// are done. ok is false when that cannot be told, because a link or a directory takes
// the place of a file.
func ReadAfter(path string, now mesh.Read, changes []diff.Change) (after mesh.Read, ok bool) {
	after, touched := afterwards(path, now, changes)
	return after, !touched || after.Digest != unknowable
}

// unknowable is the digest of a path of which the changes do not tell the content.
const unknowable = "unknowable"

// afterwards is ReadAfter with whether any of the changes touches the path.
func afterwards(path string, now mesh.Read, changes []diff.Change) (after mesh.Read, touched bool) {
	if name, ok := mesh.PackageRead(path); ok {
		return packageAfter(name, now, changes)
	}
	if !strings.HasSuffix(path, "/") {
		return fileAfter(path, now, changes)
	}
	if deletesDirectory(path, changes) {
		return mesh.Read{Digest: mesh.AbsentDigest}, true
	}
	entries := maps.Clone(now.Entries)
	if entries == nil {
		entries = map[string]string{}
	}
	for _, c := range changes {
		name, inside := strings.CutPrefix(primitive.ReadName(c.Addr.Name), primitive.ReadName(path))
		if !inside || name == "" || strings.Contains(name, "/") || c.Action == diff.Release {
			continue
		}
		touched = true
		if c.After == nil {
			delete(entries, name)
		} else {
			entries[name] = entryDigest(c)
		}
	}
	if !touched && !createsDirectory(path, changes) {
		return now, false
	}
	return mesh.Read{Digest: mesh.DirDigest(entries), Entries: entries}, true
}

// createsDirectory reports whether the changes make the directory itself.
func createsDirectory(path string, changes []diff.Change) bool {
	return slices.ContainsFunc(changes, func(c diff.Change) bool {
		return c.Addr.Kind == mesh.Directory && is(c, path) && c.Action != diff.Update && c.After != nil
	})
}

// deletesDirectory reports whether the changes remove the directory itself: in the end nothing
// is there, whatever becomes of what is in it.
func deletesDirectory(path string, changes []diff.Change) bool {
	return slices.ContainsFunc(changes, func(c diff.Change) bool {
		return c.BeforeKind() == mesh.Directory && is(c, path) && c.After == nil && c.Action == diff.Delete
	})
}

// is reports whether a change is of the directory that is read.
func is(c diff.Change, read string) bool {
	return primitive.ReadName(c.Addr.Name)+"/" == primitive.ReadName(read)
}

func packageAfter(name string, now mesh.Read, changes []diff.Change) (mesh.Read, bool) {
	for _, c := range changes {
		if c.Addr.Kind != mesh.Package || c.Addr.Name != name || c.Action == diff.Release {
			continue
		}
		version, _ := c.After["version"].(string)
		switch {
		case c.After == nil:
			return mesh.Read{Digest: mesh.AbsentDigest}, true
		case mesh.VersionDigest(version) == now.Digest:
			return now, false // it is only held, or no longer
		case strings.ContainsAny(version, "*?") || version == "any":
			return mesh.Read{Digest: unknowable}, true
		default:
			return mesh.Read{Digest: mesh.VersionDigest(version)}, true
		}
	}
	return now, false
}

func fileAfter(path string, now mesh.Read, changes []diff.Change) (mesh.Read, bool) {
	for _, c := range changes {
		if primitive.ReadName(c.Addr.Name) != primitive.ReadName(path) || c.Action == diff.Release || c.Addr.Kind == mesh.Service {
			continue
		}
		if c.After == nil {
			return mesh.Read{Digest: mesh.AbsentDigest}, true
		}
		if content, ok := c.After["content"].(string); ok {
			return mesh.Read{Digest: content}, true
		}
		return mesh.Read{Digest: unknowable}, true
	}
	return now, false
}

// entryDigest is what DirDigest takes for a resource in a directory.
func entryDigest(c diff.Change) string {
	p, ok := primitive.Of(c.Addr.Kind)
	if !ok || p.Path == nil {
		return unknowable
	}
	return p.Path.Entry(c.After)
}
