package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
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
	if err := p.services(&s); err != nil {
		return s, err
	}
	p.reads()
	s.Record, s.RecordState = readRecord(p.record, p.q.mesh)
	s.Host = &p.facts
	sortState(&s)
	return s, nil
}

// place puts one path that was asked for into the state: present, absent or unknown.
func (p *parser) place(s *mesh.TargetState, a mesh.Address) {
	st, there := p.stats[a.Name]
	if !there {
		for _, line := range p.denied {
			if strings.Contains(line, a.Name) {
				s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: clean(line)})
				return
			}
		}
		s.Absent = append(s.Absent, a)
		return
	}
	r, reason := p.resource(a.Target, a.Name, st)
	if reason != "" {
		s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: reason})
		return
	}
	s.Resources = append(s.Resources, r)
}

// resource describes what is at a path; reason says why it cannot be described.
func (p *parser) resource(t mesh.Target, name string, st stat) (r mesh.Resource, reason string) {
	kind := kindOf(st.mode)
	r = mesh.Resource{Addr: mesh.Address{Target: t, Kind: kind, Name: name}}
	mode := fmt.Sprintf("%04o", st.mode&0o7777)
	switch kind {
	case mesh.File:
		digest, ok := p.digest[name]
		if !ok {
			return r, "the file cannot be read"
		}
		r.Attrs = mesh.MustTree(map[string]any{"content": digest, "mode": mode, "owner": st.owner, "group": st.group})
		if text, ok := p.texts[name]; ok {
			r.Text = &text
		}
	case mesh.Directory:
		r.Attrs = mesh.MustTree(map[string]any{"mode": mode, "owner": st.owner, "group": st.group})
	case mesh.Symlink:
		to, ok := p.links[name]
		if !ok {
			return r, "the symbolic link cannot be read"
		}
		r.Attrs = mesh.MustTree(map[string]any{"to": to})
	default:
		return r, "something else than a file, directory or symbolic link is there"
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
		if reason != "" {
			s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: r.Addr, Reason: reason})
			continue
		}
		s.Strays = append(s.Strays, r)
	}
	if p.odd > 0 {
		for dir := range p.q.purged {
			a := mesh.Address{Target: s.Target, Kind: mesh.Directory, Name: dir}
			s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: "it, or another listed directory, has an entry with a line break in its name: remove it by hand"})
			break
		}
	}
}

func (p *parser) services(s *mesh.TargetState) error {
	if len(p.units) != len(p.q.units) && len(p.q.units) > 0 {
		return garbled(p.q, "systemctl described %d of %d units", len(p.units), len(p.q.units))
	}
	p.facts.Processes = map[string]mesh.Process{}
	for i, name := range p.q.units {
		u := p.units[i]
		a := mesh.Address{Target: s.Target, Kind: mesh.Service, Name: name}
		switch {
		case !u.known:
			s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: "systemctl does not describe it: is this a systemd host?"})
			continue
		case u.load == "not-found":
			s.Absent = append(s.Absent, a)
			continue
		}
		s.Resources = append(s.Resources, mesh.Resource{Addr: a, Attrs: mesh.MustTree(map[string]any{
			"enabled": u.enabled(), "running": u.running(),
		})})
		if ticks, ok := p.procs[u.pid]; ok && u.running() {
			p.facts.Processes[name] = mesh.Process{PID: u.pid, StartTicks: ticks, StartedAt: startedAt(p.btime, ticks)}
		}
	}
	return nil
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
		case !there:
			p.facts.Reads[r] = mesh.Read{Digest: mesh.AbsentDigest}
		case r != name:
			p.facts.Reads[r] = p.listing(name, st)
		default:
			if d, ok := p.digest[name]; ok {
				p.facts.Reads[r] = mesh.Read{Digest: d, Ctime: st.ctime * 1e9}
			}
		}
	}
}

func (p *parser) listing(dir string, st stat) mesh.Read {
	out := mesh.Read{Ctime: st.ctime * 1e9, Entries: map[string]string{}}
	for name, e := range p.stats {
		if path.Dir(name) != dir || name == dir {
			continue
		}
		out.Ctime = max(out.Ctime, e.ctime*1e9)
		switch kindOf(e.mode) {
		case mesh.File:
			out.Entries[path.Base(name)] = p.digest[name]
		case mesh.Directory:
			out.Entries[path.Base(name)] = "directory"
		case mesh.Symlink:
			out.Entries[path.Base(name)] = "symlink:" + p.links[name]
		default:
			out.Entries[path.Base(name)] = "other"
		}
	}
	out.Digest = mesh.DirDigest(out.Entries)
	return out
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
	case "0": // curl, with the HTTP status
		a.Status, _ = strconv.Atoi(arg)
		a.Body = strings.ToValidUTF8(string(body), "?")
	case "http", "tcp":
		a.Err = map[string]string{"0": "", "7": "refused", "28": "timeout", "1": "refused"}[arg]
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
