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
	for _, t := range b.in.Seen.Targets {
		if t.Host == nil || t.Host.MachineID == "" {
			continue
		}
		names[t.Host.MachineID] = append(names[t.Host.MachineID], t.Target.Name)
		if b.in.Machines[t.Target.Name] != t.Host.MachineID {
			b.machine(t)
		}
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
