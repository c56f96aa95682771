package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// hostKeys notes what the keys of the hosts tell. None of it stops a plan: SSH took each key
// for the host's before anything was asked there, and the machine ids say who is who.
func (b *builder) hostKeys() {
	shown := map[mesh.HostKey][]string{} // hosts, by key
	machines := map[mesh.HostKey]map[string]bool{}
	for _, t := range b.in.Seen.Targets {
		if t.Host == nil || t.Host.HostKey == "" || t.Host.MachineID == "" {
			continue
		}
		b.changedKey(t)
		key := t.Host.HostKey
		shown[key] = append(shown[key], t.Target.Name)
		if machines[key] == nil {
			machines[key] = map[string]bool{}
		}
		machines[key][t.Host.MachineID] = true
	}
	for _, key := range slices.Sorted(maps.Keys(shown)) {
		if len(machines[key]) > 1 {
			slices.Sort(shown[key])
			b.plan.Notes = append(b.plan.Notes, sharedKey(key, shown[key]))
		}
	}
}

// sharedKey says that machines which are not one have one key.
func sharedKey(key mesh.HostKey, hosts []string) string {
	return fmt.Sprintf("%s are different machines and show the same host key, %s, as copies of one disk do: whoever reads it on one of them can pass for the others; "+
		"on all but one, remove /etc/ssh/ssh_host_*_key*, run ssh-keygen -A, restart sshd, and make the new keys known", strings.Join(hosts, " and "), key)
}

// changedKey notes a machine that is the one of its record and shows another key.
func (b *builder) changedKey(t mesh.TargetState) {
	now, was := t.Host.HostKey, t.Record.HostKey
	if t.Record.Machine != t.Host.MachineID || now == was || !now.Comparable(was) {
		return
	}
	b.plan.Notes = append(b.plan.Notes, fmt.Sprintf("%s: its host key is %s and was %s when its record was written, and its machine id is the same: "+
		"if its keys were made anew, all is well, and the next apply that changes something there records it; if nobody did that, find out who answers there",
		t.Target, now, was.Fingerprint()))
}

// whatBecame says how a host may have come by another machine id than that of its record.
func whatBecame(t mesh.TargetState) string {
	now, was := t.Host.HostKey, t.Record.HostKey
	switch {
	case !now.Comparable(was):
		return "its disk was copied or restored"
	case now == was:
		return "its host key is still the one of the record, so its disk was copied, or it was reinstalled and its keys were restored"
	default:
		return "its host key is another one, too, so it was reinstalled, or made of a copy, and the record was restored"
	}
}
