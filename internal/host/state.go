package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
	"meshsync.dev/meshsync/internal/remote"
)

// state makes the observed state of what was parsed.
func (p *parser) state() (mesh.TargetState, error) {
	s := mesh.TargetState{Target: mesh.Host(p.q.host), Outcome: mesh.OK, RecordState: mesh.RecordNone}
	if p.q.probeOnly {
		s.Host = &p.facts
		return s, nil
	}
	for _, w := range p.q.paths {
		p.place(&s, w.addr)
	}
	p.strays(&s)
	if err := p.others(&s); err != nil {
		return s, err
	}
	p.facts.Now = p.now()
	p.facts.Lease = holderOf(s.Target, string(p.lease), p.facts.Now)
	p.reads()
	p.versions()
	for _, dir := range p.q.parents {
		if _, there := p.stats[dir]; !there && p.whyUnseen(dir) == "" {
			p.facts.Missing = append(p.facts.Missing, dir)
		}
	}
	if p.noRecord {
		return s, &remote.Error{
			Outcome: mesh.ScriptFailed, Host: p.q.host, Msg: fmt.Sprintf("the user %s may not read the record below %s", p.q.user, stateDir(p.q.mesh)),
			Hint: "it is made for all to read: chmod 755 its folders and 644 record.json",
		}
	}
	if !p.recordTold { // whatever was to read it failed; a host without a record says so
		return s, garbled(p.q, "it does not say what the record of the host is; see whether perl or bash work there")
	}
	s.Record, s.RecordState = readRecord(p.record, p.q.mesh)
	if p.oddRecord {
		s.RecordState = mesh.RecordCorrupt
	}
	s.RecordDigest = mesh.DigestBytes(p.record)
	p.recorded(&s)
	s.Host = &p.facts
	sortState(&s)
	return s, nil
}

// place puts one path that was asked for into the state: present, absent or unknown.
func (p *parser) place(s *mesh.TargetState, a mesh.Address) {
	st, there := p.stats[a.Name]
	if !there {
		if p.q.gone[a.Name] && p.whyUnseen(a.Name) == "" { // just as it is wanted
			s.Resources = append(s.Resources, mesh.Resource{Addr: a, Attrs: mesh.MustTree(map[string]any{})})
			return
		}
		if why := p.whyUnseen(a.Name); why != "" {
			s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: why, Denied: p.denies(why)})
			return
		}
		s.Absent = append(s.Absent, a)
		return
	}
	r, reason := p.resource(a.Target, a.Name, st)
	if reason != "" {
		s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: p.reason(a.Name, reason), Denied: p.kept(a.Name)})
		return
	}
	if why := p.withTree(&r); why != "" {
		s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: p.unasked(why), Denied: p.q.user != ""})
		return
	}
	s.Resources = append(s.Resources, r)
}

// whyUnseen says why nobody can tell whether something is at a path that stat did not
// describe; "" when nothing is there. A stat that does not speak of every path, or speaks
// of one by a name that cannot be read back, leaves all of them open.
func (p *parser) whyUnseen(name string) string {
	for _, line := range p.denied {
		if strings.Contains(line, name) {
			return clean(line)
		}
	}
	if p.told != p.promised {
		return clean(fmt.Sprintf("the host's stat speaks of %d of %d paths: %s", p.told, p.promised, strings.Join(p.denied, "; ")))
	}
	for _, line := range p.denied {
		if !p.q.names(line) {
			return clean(line)
		}
	}
	return ""
}

// resource describes what is at a path; reason says why it cannot be described.
func (p *parser) resource(t mesh.Target, name string, st stat) (r mesh.Resource, reason string) {
	is, ok := primitive.At(st.mode)
	r = mesh.Resource{Addr: mesh.Address{Target: t, Kind: is.Kind, Name: name}}
	if !ok {
		return r, "what is there is none of the kinds that meshsync knows"
	}
	to, hasTarget := p.links[name]
	attrs, reason := is.Path.Attrs(primitive.Found{
		Mode: fmt.Sprintf("%04o", st.mode&0o7777), Owner: st.owner, Group: st.group,
		Digest: p.digest[name], Target: to, HasTarget: hasTarget,
	})
	if reason != "" {
		return r, reason
	}
	r.Attrs = mesh.MustTree(attrs)
	if text, ok := p.texts[name]; ok && !r.Confidential() && p.guarded(name) {
		r.Text = &text
	}
	return r, ""
}

// strays are the entries of purged directories that git does not name.
func (p *parser) strays(s *mesh.TargetState) {
	named := map[string]bool{}
	for _, w := range p.q.paths {
		named[w.addr.Name] = true
	}
	for name, st := range p.stats {
		dir := path.Dir(name)
		if named[name] || !p.q.purged[dir] {
			continue
		}
		r, reason := p.resource(s.Target, name, st)
		if reason != "" { // there is no address for it, but there is one for where it lies
			a := mesh.Address{Target: s.Target, Kind: mesh.Directory, Name: dir}
			s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: fmt.Sprintf("its entry %q: %s", path.Base(name), p.reason(name, reason)), Denied: p.kept(name)})
			continue
		}
		s.Strays = append(s.Strays, r)
	}
	for dir := range p.q.purged {
		if p.closed(dir) {
			a := mesh.Address{Target: s.Target, Kind: mesh.Directory, Name: dir}
			s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: "the user " + p.q.user + " may not list its entries", Denied: true})
		}
	}
	if p.odd > 0 {
		for dir := range p.q.purged {
			a := mesh.Address{Target: s.Target, Kind: mesh.Directory, Name: dir}
			s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: "it, or another listed directory, has an entry with a line break, or another odd character, in its name: remove it by hand"})
			break
		}
	}
}

// others puts what lies at no path into the state.
func (p *parser) others(s *mesh.TargetState) error {
	p.facts.Processes = map[string]mesh.Process{}
	for kind, wanted := range p.q.named {
		seen := p.named[kind]
		if len(seen) != len(wanted) {
			return garbled(p.q, "it does not say how each %s is", kind)
		}
		for i, w := range wanted {
			if kind == mesh.Service && w.Name == primitive.RootSlice {
				p.facts.SetSinceBoot = p.setSince(seen[i])
			}
			if kind == mesh.Package && p.q.undeclared[w.Name] || kind == mesh.Service && w.Name == p.q.onlyTimes {
				continue
			}
			p.other(s, mesh.Address{Target: s.Target, Kind: kind, Name: w.Name}, seen[i])
		}
	}
	return nil
}

// recorded puts what cannot be looked at into the state: it is as the record says that it
// was made, or it is not there.
func (p *parser) recorded(s *mesh.TargetState) {
	for _, r := range p.q.recorded {
		e := s.Record.Entries[r.Addr.String()]
		if s.RecordState == mesh.RecordOK && e.State == mesh.Holds && e.Digest == mesh.Digest(r.Attrs) {
			s.Resources = append(s.Resources, mesh.Resource{Addr: r.Addr, Attrs: r.Attrs})
		} else {
			s.Absent = append(s.Absent, r.Addr)
		}
	}
}

func (p *parser) other(s *mesh.TargetState, a mesh.Address, seen primitive.Seen) {
	switch {
	case seen.Unknown != "":
		s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: p.unasked(seen.Unknown), Denied: p.q.user != ""})
	case seen.Attrs == nil:
		s.Absent = append(s.Absent, a)
	default:
		s.Resources = append(s.Resources, mesh.Resource{Addr: a, Attrs: mesh.MustTree(seen.Attrs)})
	}
	if seen.NoUnit {
		p.facts.NoUnit = append(p.facts.NoUnit, a.Name)
	}
	if seen.Tidy {
		p.facts.Tidy = append(p.facts.Tidy, a.Name)
	}
	if seen.Reload {
		p.facts.Reload = append(p.facts.Reload, a.Name)
		if p.facts.Loaded == nil {
			p.facts.Loaded = map[string][]string{}
		}
		p.facts.Loaded[a.Name] = seen.Loaded
	}
	if len(seen.Offers) > 0 {
		if p.facts.Offers == nil {
			p.facts.Offers = map[string][]string{}
		}
		p.facts.Offers[a.String()] = seen.Offers
	}
	if seen.StartTicks != 0 {
		p.facts.Processes[a.Name] = p.process(seen)
	}
}

// process is the main process of a service, with the worker that was asked for.
func (p *parser) process(seen primitive.Seen) mesh.Process {
	is := func(id mesh.ProcessID) mesh.Process {
		return mesh.Process{ProcessID: id, StartedAt: startedAt(p.btime, id.StartTicks)}
	}
	out := is(mesh.ProcessID{PID: seen.PID, StartTicks: seen.StartTicks})
	out.SetSince = p.setSince(seen)
	if seen.Worker.StartTicks != 0 {
		worker := is(seen.Worker)
		out.Worker = &worker
	}
	if seen.ChangedAt != 0 {
		out.ChangedAt = p.btime*1e9 + int64(seen.ChangedAt)*1e3 //nolint:gosec // microseconds since boot
	}
	return out
}

// ticksPerSecond is USER_HZ, which is 100 on every architecture that Debian runs on.
const ticksPerSecond = 100

func startedAt(btime int64, ticks uint64) int64 {
	return btime*1e9 + int64(ticks)*(1e9/ticksPerSecond)
}

// reads fills in what the services read.
func (p *parser) reads() {
	p.facts.Reads = map[string]mesh.Read{}
	for _, r := range p.q.reads {
		name := strings.TrimSuffix(r, "/")
		st, there := p.stats[name]
		switch {
		case !there && p.whyUnseen(name) != "": // it has no digest, which is not that of nothing
		case !there:
			p.facts.Reads[r] = mesh.Read{Digest: mesh.AbsentDigest}
		case r != name && !p.closed(name):
			if list := p.listing(name, st); !slices.Contains(slices.Collect(maps.Values(list.Entries)), unreadableEntry) {
				p.facts.Reads[r] = list
			}
		default:
			if d, ok := p.digest[name]; ok {
				p.facts.Reads[r] = mesh.Read{Digest: d, Ctime: st.ctime * 1e9}
			}
		}
	}
}

// versions fills in the versions of packages that services read.
func (p *parser) versions() {
	for i, w := range p.q.named[mesh.Package] {
		if !slices.Contains(p.q.packages, w.Name) {
			continue
		}
		read := mesh.Read{Digest: mesh.AbsentDigest, Ctime: p.stats[packageList(w.Name)].ctime * 1e9}
		if version, ok := p.named[mesh.Package][i].Attrs["version"].(string); ok {
			read.Digest = mesh.VersionDigest(version)
		}
		p.facts.Reads[mesh.ReadOfPackage(w.Name)] = read
	}
}

func (p *parser) listing(dir string, st stat) mesh.Read {
	out := mesh.Read{Ctime: st.ctime * 1e9, Entries: map[string]string{}}
	for name, e := range p.stats {
		if path.Dir(name) != dir || name == dir {
			continue
		}
		out.Ctime = max(out.Ctime, e.ctime*1e9)
		out.Entries[path.Base(name)] = p.entry(name, e)
	}
	out.Digest = mesh.DirDigest(out.Entries)
	return out
}

// entry is what stands for a path in the listing of its directory.
func (p *parser) entry(name string, st stat) string {
	is, ok := primitive.At(st.mode)
	if !ok {
		return "other"
	}
	r, reason := p.resource(mesh.Target{}, name, st)
	if reason != "" {
		return unreadableEntry
	}
	return is.Path.Entry(r.Attrs)
}

// readRecord decodes the record of a mesh.
func readRecord(data []byte, meshName string) (mesh.Record, mesh.RecordState) {
	if len(bytes.TrimSpace(data)) == 0 {
		return mesh.Record{}, mesh.RecordNone
	}
	var r mesh.Record
	if err := json.Unmarshal(data, &r); err != nil || r.Version < 1 || r.Mesh != meshName && r.Version <= mesh.RecordVersion {
		return mesh.Record{}, mesh.RecordCorrupt
	}
	if r.Version > mesh.RecordVersion {
		return mesh.Record{}, mesh.RecordNewer
	}
	return r, mesh.RecordOK
}

// answer makes the raw answer to a probe of the reply and of how it ended.
func answer(host string, c mesh.Check, body []byte, how string) mesh.Answer {
	a := mesh.Answer{Host: host, Check: c}
	word, arg, _ := strings.Cut(how, " ")
	switch word {
	case "unit":
		a.Body = strings.ToValidUTF8(string(body), "?")
	case "0": // curl, with the HTTP status
		a.Status, _ = strconv.Atoi(arg)
		a.Body = strings.ToValidUTF8(string(body), "?")
	case "http", "tcp":
		a.Err = map[string]string{"0": "", "7": "refused", "13": "denied", "28": "timeout"}[arg]
		if arg != "0" && a.Err == "" {
			a.Err = "error"
		}
		if a.Err == "" {
			a.Body = strings.ToValidUTF8(string(body), "?")
		}
		if word == "http" && a.Err == "" {
			a.Status, a.Body = splitHTTP(a.Body)
		}
	default:
		a.Err = clean(word)
	}
	return a
}

// splitHTTP divides a plain HTTP/1.0 reply into status and body.
func splitHTTP(reply string) (status int, body string) {
	head, body, _ := strings.Cut(strings.ReplaceAll(reply, "\r\n", "\n"), "\n\n")
	fields := strings.Fields(head)
	if len(fields) > 1 && strings.HasPrefix(fields[0], "HTTP/") {
		status, _ = strconv.Atoi(fields[1])
	}
	return status, body
}
