package main

import (
	"fmt"
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/repo"
)

// appliedCommits lists the commits that the records name, sorted.
func appliedCommits(seen mesh.Observed) []string {
	set := map[string]bool{}
	for _, t := range seen.Targets {
		if t.RecordState != mesh.RecordOK {
			continue
		}
		for _, e := range t.Record.Entries {
			if e.Commit != "" {
				set[e.Commit] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// ancestryText says how the commit relates to one that was applied before, and
// whether that forbids applying it. An empty text means that it descends from it.
func ancestryText(rel repo.Relation, err error, applied, now string) (text string, refuse bool) {
	switch {
	case err != nil:
		return fmt.Sprintf("whether %.12s descends from %.12s, which was applied before, cannot be told: %v", now, applied, err), false
	case rel == repo.Same || rel == repo.Ahead:
		return "", false
	case rel == repo.Behind:
		return fmt.Sprintf("%.12s is older than %.12s, which was applied before", now, applied), true
	case rel == repo.Diverged:
		return fmt.Sprintf("%.12s does not descend from %.12s, which was applied before", now, applied), true
	default:
		return fmt.Sprintf("whether %.12s descends from %.12s, which was applied before, cannot be told: the clone is shallow or lacks that commit (in CI: fetch the whole history)", now, applied), false
	}
}

// unrecorded lists what is as desired and not in the record yet: it is adopted with
// the next write to its target. Of a machine that was accepted it is all that is as desired:
// the record says whose it is, and is written anew where nothing else is to do.
func unrecorded(in plan.Input) map[mesh.Target]map[string]mesh.RecordEntry {
	desired := plan.Desired(in)
	byAddr := map[mesh.Address]mesh.Resource{}
	for _, r := range desired {
		byAddr[r.Addr] = r
	}
	out := map[mesh.Target]map[string]mesh.RecordEntry{}
	d := diff.Diff(desired, in.Seen)
	for _, a := range d.Equal {
		if d.Record[a.String()] == diff.Recorded && !accepted(in, a.Target) {
			continue
		}
		if out[a.Target] == nil {
			out[a.Target] = map[string]mesh.RecordEntry{}
		}
		out[a.Target][a.String()] = mesh.RecordEntry{Digest: diff.Applied(byAddr[a]), Open: byAddr[a].Open}
	}
	return out
}

// accepted reports whether the user took the target for the host that it seems not to be.
func accepted(in plan.Input, t mesh.Target) bool {
	seen, _ := in.Seen.Of(t)
	if t.Kind != mesh.HostTarget || seen.Host == nil || in.Machines[t.Name] == "" {
		return false
	}
	return in.Machines[t.Name] == seen.Host.MachineID && (seen.Record.Machine != seen.Host.MachineID || seen.Record.Host != t.Name)
}
