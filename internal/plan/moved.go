package plan

import (
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// Moved reports whether something moved without git, as far as one can tell: a
// resource, what a process runs with, or a host that is another machine. It is what drift
// alarms about.
func (p Plan) Moved() bool {
	return len(p.MovedChanges()) > 0 || len(p.MovedStale()) > 0 || p.Strangers() > 0
}

// MovedChanges lists the changes whose target moved without git, sorted by address
// within each stage.
func (p Plan) MovedChanges() []diff.Change { return p.changes(diff.Class.Moved) }

// PendingChanges lists the changes that git wants and nobody else made.
func (p Plan) PendingChanges() []diff.Change {
	return p.changes(func(c diff.Class) bool { return !c.Moved() })
}

// MovedStale lists the processes with old input that git's own writes do not explain.
func (p Plan) MovedStale() []Evidence {
	return slices.DeleteFunc(slices.Clone(p.Stale), func(e Evidence) bool { return e.Owed })
}

func (p Plan) changes(keep func(diff.Class) bool) []diff.Change {
	var out []diff.Change
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			for _, c := range b.Changes {
				if keep(c.Class) {
					out = append(out, c)
				}
			}
		}
	}
	diff.Sort(out)
	return out
}

// owed reports whether a process is stale by git's own hand: all that it reads and has not
// taken in yet is as an apply wrote it, so its restart is owed, or left to somebody by policy.
func owed(s mesh.TargetState, fresh freshness) bool {
	return len(fresh.older) > 0 && !slices.ContainsFunc(fresh.older, func(read string) bool { return !written(s, read) })
}

// written reports whether what a service reads is just as the record says that it was last
// written: a file, each entry of a directory, or a package of the version that git named.
func written(s mesh.TargetState, read string) bool {
	if name, ok := mesh.PackageRead(read); ok {
		return holdsAt(s, func(a mesh.Address, e mesh.RecordEntry) bool {
			_, open := e.Open["version"]
			return a.Kind == mesh.Package && a.Name == name && !open
		})
	}
	if !strings.HasSuffix(read, "/") {
		return holdsPath(s, read)
	}
	for name := range s.Host.Reads[read].Entries {
		if !holdsPath(s, read+name) {
			return false
		}
	}
	return true
}

func holdsPath(s mesh.TargetState, path string) bool {
	path = primitive.ReadName(path)
	return holdsAt(s, func(a mesh.Address, _ mesh.RecordEntry) bool {
		return a.IsPath() && primitive.ReadName(a.Name) == path
	})
}

// holdsAt reports whether one of the things that are meant is there as its entry says.
func holdsAt(s mesh.TargetState, meant func(mesh.Address, mesh.RecordEntry) bool) bool {
	return s.RecordState == mesh.RecordOK && slices.ContainsFunc(s.Resources, func(r mesh.Resource) bool {
		e, ok := s.Record.Entries[r.Addr.String()]
		return ok && meant(r.Addr, e) && e.Digest == mesh.Digest(primitive.Opened(r.Attrs, e.Open))
	})
}
