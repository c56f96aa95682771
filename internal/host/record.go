package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
)

// recordPlan is how the record of a host changes with one work: what stays, and for
// each change what the entry is before it is tried, once it is done, and when it was
// not done after all. The script assembles the record from these, because only it
// knows which of them holds.
type recordPlan struct {
	head    string   // the record's own members up to the entries, without the brace before them
	static  []string // entries that this work does not touch, as `"ADDRESS":{…}`
	changes []entryTexts
	kept    []string // service records that stay
	steps   []serviceTexts
}

// serviceTexts are the forms of a service's record around one step: was holds until the step
// is done, for a process that goes on has what it had; starts is that of the new process,
// with PID and TICKS and BOOT to fill in. "" is no record.
type serviceTexts struct{ was, starts string }

// entryTexts are the forms of one entry; "" is no entry.
type entryTexts struct{ old, intends, holds string }

// Placeholders in a service record, filled in by the script. They are no JSON, so a
// record that still has one is never taken for whole.
const (
	bootHere   = "@BOOT@"
	pidHere    = "@PID@"
	ticksHere  = "@TICKS@"
	workerHere = "@WORKER@"
)

// foundHere is the placeholder of a digest that the script finds out, see asFound.
var foundHere = regexp.MustCompile(`@FOUND([0-9]+)@`)

// What stands in a record between its parts, whose members have a line each.
const (
	beforeEntries  = "\"entries\":{\n"
	beforeServices = "\n},\"services\":{\n"
	recordEnd      = "\n}}\n"
)

// whole is the record as the script writes it when all was done: as it would take the host a process to
// tell the digest of. The texts are those of the services that it could record, by step.
func (p recordPlan) whole(steps map[int]string) string {
	entries, services := slices.Clone(p.static), slices.Clone(p.kept)
	for _, c := range p.changes {
		entries = append(entries, c.holds)
	}
	for j := range p.steps {
		services = append(services, steps[j])
	}
	list := func(members []string) string {
		return strings.Join(slices.DeleteFunc(members, func(m string) bool { return m == "" }), ",\n")
	}
	return p.head + beforeEntries + list(entries) + beforeServices + list(services) + recordEnd
}

func planRecord(old mesh.TargetState, meshName string, w plan.Work, starts []*serviceStart) recordPlan {
	rec := old.Record
	if old.RecordState != mesh.RecordOK {
		rec = mesh.Record{Version: mesh.RecordVersion, Mesh: meshName}
	}
	var p recordPlan
	touched := map[string]bool{}
	for _, c := range w.Changes {
		touched[c.Addr.String()] = true
		if other, ok := besides(c); ok {
			touched[other.String()] = true
		}
		p.changes = append(p.changes, entriesOf(rec, c, w))
	}
	entries := maps.Clone(rec.Entries)
	if entries == nil {
		entries = map[string]mesh.RecordEntry{}
	}
	for name, as := range w.Adopt {
		e := mesh.RecordEntry{Digest: as.Digest, Open: as.Open, Commit: w.Commit, Time: w.Time, State: mesh.Holds, Origin: mesh.Adopted}
		was, ok := entries[name]
		if ok && was.Origin != "" {
			e.Origin = was.Origin
		}
		e.Source, e.Keyed = was.Source, was.Keyed
		entries[name] = e
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if !touched[name] {
			p.static = append(p.static, member(name, entries[name]))
		}
	}
	services := maps.Clone(rec.Services)
	if services == nil {
		services = map[string]mesh.ServiceRecord{}
	}
	maps.Copy(services, w.Running)
	p.services(services, starts)
	p.head = recordHead(meshName, old, w)
	return p
}

// recordHead is what the record says of itself.
func recordHead(meshName string, old mesh.TargetState, w plan.Work) string {
	head := mesh.Record{Version: mesh.RecordVersion, Mesh: meshName, Host: old.Target.Name, Members: w.Members}
	if head.Members == nil {
		head.Members = old.Record.Members
	}
	if old.Host != nil {
		head.Machine, head.HostKey = old.Host.MachineID, old.Host.HostKey
	}
	data, err := json.Marshal(head)
	if err != nil {
		panic("host: a record that JSON cannot hold") // strings only
	}
	before, _, _ := strings.Cut(string(data), `"entries":`)
	return before
}

func (p *recordPlan) services(recorded map[string]mesh.ServiceRecord, starts []*serviceStart) {
	restarted := map[string]bool{}
	for _, s := range starts {
		var t serviceTexts
		if s != nil {
			if was, has := recorded[s.unit]; has && !restarted[s.unit] {
				t.was = member(s.unit, was)
			}
			restarted[s.unit] = true
			t.starts = s.recordText()
		}
		p.steps = append(p.steps, t)
	}
	for _, unit := range slices.Sorted(maps.Keys(recorded)) {
		if !restarted[unit] {
			p.kept = append(p.kept, member(unit, recorded[unit]))
		}
	}
}

// entriesOf are the forms of one change's entry, and of the one that goes along with it.
func entriesOf(rec mesh.Record, c diff.Change, w plan.Work) entryTexts {
	name := c.Addr.String()
	was, had := rec.Entries[name]
	t := entryTexts{}
	if had {
		t.old = member(name, was)
	}
	if c.Action == diff.Release {
		t.intends = t.old
		return t // done: no entry
	}
	e := entryOf(rec, c, w)
	t.intends = t.old
	if was.State != mesh.Holds || was.Digest != e.Digest { // else only the target moved: that stays known until it is put back
		e.State, e.Was = mesh.Intends, c.Was()
		t.intends = member(name, e)
	}
	e.State, e.Was = mesh.Holds, ""
	if c.After != nil {
		t.holds = member(name, e)
	} // a deleted resource leaves the record: nothing there is what a host without entry means
	return t.along(rec, c, w)
}

// entryOf is what a change comes to.
func entryOf(rec mesh.Record, c diff.Change, w plan.Work) mesh.RecordEntry {
	was := rec.Entries[c.Addr.String()]
	e := mesh.RecordEntry{Commit: w.Commit, Time: w.Time, Origin: origin(rec, c), Open: c.Open}
	switch {
	case c.After == nil:
		e.Digest, e.Source, e.Keyed, e.Open = mesh.AbsentDigest, was.Source, was.Keyed, nil
	case c.Secret != nil:
		e.Source = c.Secret.ID()
		e.Keyed, _ = c.After["content"].(string)
		e.Digest = mesh.Digest(c.After)
	default:
		e.Digest = diff.Applied(mesh.Resource{Attrs: c.After, Open: c.Open})
	}
	return e
}

// besides is the other entry that a change settles: of what it replaces, or of the wish that
// nothing be at the path.
func besides(c diff.Change) (a mesh.Address, ok bool) {
	switch {
	case c.Gone != nil:
		return *c.Gone, true
	case c.Replaces != "":
		return mesh.Address{Target: c.Addr.Target, Kind: c.Replaces, Name: c.Addr.Name}, true
	default:
		return a, false
	}
}

// along adds that entry: it is as it was until the change is done.
func (t entryTexts) along(rec mesh.Record, c diff.Change, w plan.Work) entryTexts {
	other, ok := besides(c)
	if !ok {
		return t
	}
	if was, had := rec.Entries[other.String()]; had {
		text := member(other.String(), was)
		t.old, t.intends = joined(t.old, text), joined(t.intends, text)
	}
	if c.Gone != nil {
		nothing := mesh.RecordEntry{Digest: mesh.Digest(mesh.Tree{}), Commit: w.Commit, Time: w.Time, State: mesh.Holds, Origin: mesh.Adopted}
		t.holds = joined(t.holds, member(other.String(), nothing))
	}
	return t
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + ",\n" + b
}

// origin keeps what the record says, of what is replaced, too; else it tells by whether
// something was there.
func origin(rec mesh.Record, c diff.Change) string {
	if was := rec.Entries[c.Addr.String()].Origin; was != "" {
		return was
	}
	if other, ok := besides(c); ok && c.Replaces != "" && rec.Entries[other.String()].Origin != "" {
		return rec.Entries[other.String()].Origin
	}
	if c.Before == nil {
		return mesh.Created
	}
	return mesh.Adopted
}

func member(name string, v any) string {
	key, err1 := json.Marshal(name)
	val, err2 := json.Marshal(v)
	if err1 != nil || err2 != nil {
		panic("host: a record that JSON cannot hold") // strings and numbers only
	}
	return string(key) + ":" + string(val)
}

// serviceStart is a step after which a new process, or the same one after a reload,
// has taken in what the service reads.
type serviceStart struct {
	unit  string
	spec  mesh.ServiceSpec
	renew bool                 // a reload makes new workers
	reads map[string]mesh.Read // as they are once the changes of the work are done; nil when one is not known
	found []string             // those of which the script finds out the digest
}

// asFound is the digest of a read that is not known before the step: a unit that a package brings.
const asFound = "as found"

// recordText is the service's record with placeholders for the process.
func (s *serviceStart) recordText() string {
	if s.reads == nil {
		return ""
	}
	digests := map[string]string{}
	for path, r := range s.reads {
		if digests[path] = r.Digest; r.Digest == asFound {
			digests[path] = fmt.Sprintf("@FOUND%d@", slices.Index(s.found, path))
		}
	}
	text := member(s.unit, mesh.ServiceRecord{BootID: bootHere, Reads: digests, Members: s.spec.Members})
	text = strings.Replace(text, `"pid":0`, `"pid":`+pidHere, 1)
	return strings.Replace(text, `"start_ticks":0`, `"start_ticks":`+ticksHere+workerHere, 1)
}

// startsOf lists, for each service step, the start it is; nil for steps that start nothing.
func startsOf(w plan.Work, last mesh.TargetState) []*serviceStart {
	var out []*serviceStart
	for _, s := range w.Services {
		if s.Op != plan.OpStart && s.Op != plan.OpRestart && s.Op != plan.OpReload {
			out = append(out, nil)
			continue
		}
		start := &serviceStart{unit: s.Unit, spec: s.Spec, renew: renewsWorkers(s.Unit, last), reads: readsAfter(s.Spec.Reads, w.Changes, last)}
		for _, read := range s.Spec.Reads {
			if start.reads[read].Digest == asFound {
				start.found = append(start.found, read)
			}
		}
		out = append(out, start)
	}
	return out
}

// renewsWorkers reports whether a reload of a service makes new workers, as it was seen.
func renewsWorkers(unit string, last mesh.TargetState) bool {
	if last.Host == nil {
		return false
	}
	proc, rec := last.Host.Processes[unit], last.Record.Services[unit]
	return proc.RenewsWorkers(rec.Worker != nil && rec.Of(last.Host.BootID, proc))
}

// changesPackages reports whether packages are brought or removed, and units with them.
func changesPackages(changes []diff.Change) bool {
	return slices.ContainsFunc(changes, func(c diff.Change) bool { return c.Addr.Kind == mesh.Package && c.Action != diff.Release })
}

// readsAfter is what a service's reads are once the changes are done; nil when that is
// not known of one of them. What packages bring to a unit is found out by the script where packages change, or
// changed since the host was observed: its file, while drop-ins of packages are left out.
func readsAfter(paths []string, changes []diff.Change, last mesh.TargetState) map[string]mesh.Read {
	out := map[string]mesh.Read{}
	for _, path := range paths {
		var now mesh.Read
		if last.Host != nil {
			now = last.Host.Reads[path]
		}
		if primitive.OfPackages(path) && (now.Digest == "" || changesPackages(changes)) {
			if !strings.HasSuffix(path, "/") {
				out[path] = mesh.Read{Digest: asFound}
			}
			continue
		}
		after, ok := plan.ReadAfter(path, now, changes)
		if !ok || after.Digest == "" {
			return nil
		}
		out[path] = after
	}
	return out
}
