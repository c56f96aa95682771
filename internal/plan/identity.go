package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// identities refuses hosts that are not who they seem: two names for one machine, a record
// that came with a copied disk, and a member of an ensemble that was reinstalled under its
// old name, which comes back with its number and without its data.
func (b *builder) identities() {
	b.hostKeys()
	names := map[string][]string{} // by machine id
	var silent []string
	for _, t := range b.in.Seen.Targets {
		if t.Host == nil {
			continue
		}
		if t.Host.MachineID == "" {
			silent = append(silent, t.Target.Name)
			continue
		}
		names[t.Host.MachineID] = append(names[t.Host.MachineID], t.Target.Name)
		if b.in.Machines[t.Target.Name] != t.Host.MachineID {
			b.machine(t)
		}
	}
	if len(silent) > 0 {
		slices.Sort(silent)
		b.plan.Notes = append(b.plan.Notes, few(silent)+": without an /etc/machine-id, so it is not checked whether each is the machine of its record, and none has two names; systemd-machine-id-setup makes one")
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		if hosts := names[id]; len(hosts) > 1 {
			slices.Sort(hosts)
			b.plan.Refusals = append(b.plan.Refusals, Refusal{
				Code: "identity.duplicate", Subject: strings.Join(hosts, " "),
				Message: fmt.Sprintf("%s are one machine, or copies of one: all have the machine id %s", list(hosts), id),
				Hint:    "give each host of the mesh one address; on a copied machine remove /etc/machine-id and run systemd-machine-id-setup",
				Source:  "built in",
			})
		}
	}
}

// machine refuses a host whose machine id is not the one that is known of it.
func (b *builder) machine(t mesh.TargetState) {
	now, name := t.Host.MachineID, t.Target.Name
	if t.Record.Machine != "" && t.Record.Machine != now {
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "identity.copied", Subject: name,
			Message: fmt.Sprintf("the record on %s was written by the machine %s, and this is %s: %s", name, t.Record.Machine, now, whatBecame(t)),
			Hint:    fmt.Sprintf("see that no two of them run; if this one is meant: --accept-machine %s=%s", name, now),
			Source:  "built in",
		})
		return
	}
	if other := b.otherName(t); other != "" {
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "identity.duplicate", Subject: other + " " + name,
			Message: fmt.Sprintf("%s and %s are one machine: the record that is on %s was written under the name %s, which the mesh has, too", other, name, name, other),
			Hint:    fmt.Sprintf("give each host of the mesh one address, or take the old name out of the mesh; if this machine is %s now: --accept-machine %s=%s", name, name, now),
			Source:  "built in",
		})
		return
	}
	for _, r := range b.in.Mesh.Roles {
		if r.Ensemble == nil || t.Record.Machine != "" {
			continue
		}
		if was := knownMember(b.in.Seen, r.Ensemble.Name, name); was != "" && was != now {
			b.plan.Refusals = append(b.plan.Refusals, Refusal{
				Code: "identity.reinstalled", Subject: name,
				Message: fmt.Sprintf("%s is a member of %s, and the others know it as the machine %s; this is %s, without a record: it was reinstalled, and its data is gone", name, r.Ensemble.Name, was, now),
				Hint:    fmt.Sprintf("see that the others serve without it, then let it join with empty data: --accept-machine %s=%s", name, now),
				Source:  "built in",
			})
			return
		}
	}
}

// otherName is another host of the mesh, as which this machine was known when its record was
// written; "" for none. The other one need not be observed: --only may leave it out.
func (b *builder) otherName(t mesh.TargetState) string {
	names := []string{t.Record.Host}
	if t.Record.Host == "" { // it is of a meshsync that did not write it down
		for name := range t.Record.Entries {
			if a, err := mesh.ParseAddress(name); err == nil {
				names = append(names, a.Target.Name)
			}
		}
		slices.Sort(names)
	}
	for _, name := range names {
		if _, there := b.in.Mesh.Host(name); !there {
			continue
		}
		if seen, _ := b.in.Seen.Of(mesh.Host(name)); seen.Host == nil || seen.Host.MachineID != t.Host.MachineID {
			return name // else it is this host, or identities names both
		}
	}
	return ""
}

// few is a list that stays readable however many there are.
func few(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return list(names)
	}
	return fmt.Sprintf("%s and %d more", list(names[:shown]), len(names)-shown)
}

// knownMember is the machine id of an ensemble's member by the records of the others.
func knownMember(seen mesh.Observed, ensemble, name string) string {
	for _, t := range seen.Targets {
		if id := t.Record.Members[ensemble][name]; t.RecordState == mesh.RecordOK && t.Target.Name != name && id != "" {
			return id
		}
	}
	return ""
}

// Members are the machine ids of the members of each ensemble: as they were seen, else as
// the records know them.
func Members(in Input) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, r := range in.Mesh.Roles {
		if r.Ensemble == nil {
			continue
		}
		ids := map[string]string{}
		for _, name := range r.Ensemble.Members {
			id := knownMember(in.Seen, r.Ensemble.Name, name)
			if s, _ := in.Seen.Of(mesh.Host(name)); s.Host != nil && s.Host.MachineID != "" {
				id = s.Host.MachineID
			}
			if id != "" {
				ids[name] = id
			}
		}
		out[r.Ensemble.Name] = ids
	}
	return out
}
