package plan

import (
	"cmp"
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// listOf is with which members the process of a host was started, by its record; nil for one of
// which nothing is recorded. A record of an older version knows with which ones its host was worked on.
func listOf(e mesh.Ensemble, s mesh.TargetState) []string {
	rec, started := s.Record.Services[e.Service]
	if s.RecordState != mesh.RecordOK || !started || !readsTheSame(e.Service, rec, s) {
		return nil
	}
	if rec.Members != nil {
		return rec.Members
	}
	return slices.Sorted(maps.Keys(s.Record.Members[e.Name]))
}

// readsTheSame reports whether the process of a service, if one runs, has read what the record says: it is
// the recorded one, or one that somebody else started, at a boot for one, with the same on disk.
func readsTheSame(unit string, rec mesh.ServiceRecord, s mesh.TargetState) bool {
	if s.Host == nil {
		return true // its host cannot be looked at, and this is the last that is known
	}
	proc, running := s.Host.Processes[unit]
	if !running || rec.Of(s.Host.BootID, proc) {
		return true
	}
	for path, digest := range rec.Reads {
		if s.Host.Reads[path].Digest != digest {
			return false
		}
	}
	return true
}

// lists are the members by which each host of the ensemble judges whether there is a majority, as
// far as it is known: during a change of members they differ.
func (b *builder) lists(e mesh.Ensemble) map[string][]string {
	out := map[string][]string{}
	for _, name := range e.Members {
		s, _ := b.in.Seen.Of(mesh.Host(name))
		if list := listOf(e, s); len(list) > 0 {
			out[name] = list
		}
	}
	return out
}

// with is the ensemble as somebody takes it who has another list of its members.
func with(e mesh.Ensemble, members []string) mesh.Ensemble {
	if slices.Equal(e.Members, members) {
		return e
	}
	e.Members, e.Quorum = members, len(members)/2+1
	return e
}

// views are the ensemble by the lists of the members that go on while t stops, and by git's, which t
// comes back with. Each of them needs its own majority. Sorted, the one of git first.
func (r rollingEnsemble) views(t mesh.Target) []mesh.Ensemble {
	out := []mesh.Ensemble{r.e}
	for _, host := range slices.Sorted(maps.Keys(r.lists)) {
		known := slices.ContainsFunc(out, func(e mesh.Ensemble) bool { return slices.Equal(e.Members, r.lists[host]) })
		if host != t.Name && r.serving[host] && !known {
			out = append(out, with(r.e, r.lists[host]))
		}
	}
	slices.SortFunc(out[1:], func(x, y mesh.Ensemble) int {
		return cmp.Or(cmp.Compare(len(x.Members), len(y.Members)), slices.Compare(x.Members, y.Members))
	})
	return out
}

// left is how many members of a list serve when t does not.
func (r rollingEnsemble) left(e mesh.Ensemble, t mesh.Target) int {
	n := 0
	for _, m := range e.Members {
		if r.serving[m] && m != t.Name {
			n++
		}
	}
	return n
}
