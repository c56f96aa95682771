package host

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
	"meshsync.dev/meshsync/internal/remote"
)

// parser reads what observeScript printed. It never takes what ended early for what is
// absent: without the end line there is no result.
type parser struct {
	q      query
	token  string
	root   string // prefix of all paths; empty but in the sandbox
	rest   []byte
	stats  map[string]stat // by path
	begun  string          // the beginning of a line of stat that goes on
	links  map[string]string
	digest map[string]string // of regular files, and of what links lead to
	denied []string          // lines of stat about paths that could not be looked at
	// promised is of how many paths stat was to speak, told of how many it did.
	promised, told int
	named          map[mesh.Kind][]primitive.Seen
	described      map[mesh.Kind]string // what was printed of those, until all is read
	processes      []string             // lines of /proc/PID/stat
	facts          mesh.HostFacts
	btime          int64
	uptime         float64
	os             map[string]string // what os-release says, as far as it was asked for
	odd            int               // entries whose names have line breaks
	texts          map[string]string
	order          []string // of the texts, as they were sent
	record         []byte
	lease          []byte
	recordTold     bool                 // also when there is none
	noRecord       bool                 // the user may not read whether there is one
	oddRecord      bool                 // what lies in its place is no file
	unreadable     map[string]bool      // files of which the user may not read the content
	sealed         map[string]bool      // secrets, which this user cannot compare
	unlisted       map[string]bool      // directories of which the user may not read the entries
	trees          map[string][2]string // directory → how many entries are below it, and their digest
}

// stat is one line of stat: `81a4 root root 12 1700000000 /etc/x`, and where there is a
// link among the paths, behind it `//`, what %N prints (`/etc/x`, or `/etc/l -> /etc/x`), and `//TOKEN`.
type stat struct {
	mode         uint64
	owner, group string
	size         int64
	ctime        int64 // seconds
}

func garbled(q query, format string, args ...any) error {
	return &remote.Error{Outcome: mesh.Garbled, Host: q.host, Msg: "the host's answer is not what the script prints: " + fmt.Sprintf(format, args...)}
}

// parseObservation turns the output of observeScript(q, token) into a state. The error
// is a *remote.Error.
func parseObservation(out []byte, q query, token string) (mesh.TargetState, error) {
	begin := []byte(token + " begin\n")
	i := bytes.Index(out, begin) // a login shell may have said something before
	if i < 0 {
		return mesh.TargetState{}, truncated(q, "it never began")
	}
	end := bytes.Index(out, []byte("\n"+token+" end\n")) // and may say something behind it
	if end < i {
		return mesh.TargetState{}, truncated(q, "it ends early")
	}
	p := &parser{
		q: q, token: token, rest: out[i+len(begin) : end+1],
		stats: map[string]stat{}, links: map[string]string{}, digest: map[string]string{},
		named: map[mesh.Kind][]primitive.Seen{}, described: map[mesh.Kind]string{}, texts: map[string]string{}, os: map[string]string{},
		unreadable: map[string]bool{}, sealed: map[string]bool{}, unlisted: map[string]bool{}, trees: map[string][2]string{},
	}
	if err := p.sections(); err != nil {
		return mesh.TargetState{}, err
	}
	if err := p.kinds(); err != nil {
		return mesh.TargetState{}, err
	}
	return p.state()
}

func truncated(q query, why string) error {
	return &remote.Error{Outcome: mesh.Truncated, Host: q.host, Msg: "the host's answer was cut: " + why}
}

// line takes one line off the output.
func (p *parser) line() (string, bool) {
	i := bytes.IndexByte(p.rest, '\n')
	if i < 0 {
		return "", false
	}
	l := string(p.rest[:i])
	p.rest = p.rest[i+1:]
	return l, true
}

// sections reads the output section by section; a line with the token begins one.
func (p *parser) sections() error {
	section := ""
	for {
		l, ok := p.line()
		if !ok {
			return nil
		}
		if rest, own := strings.CutPrefix(l, p.token+" "); own {
			word, arg, _ := strings.Cut(rest, " ")
			var err error
			section, err = p.enter(word, arg)
			if err != nil {
				return err
			}
			continue
		}
		if err := p.content(section, l); err != nil {
			return err
		}
	}
}

// enter handles a line of the script's own and returns the section that follows it.
func (p *parser) enter(word, arg string) (string, error) {
	switch word {
	case "root":
		p.root = arg
	case "boot":
		p.facts.BootID = arg
	case "machine":
		p.facts.MachineID = arg
	case "btime":
		p.btime, _ = strconv.ParseInt(arg, 10, 64)
	case "process":
		p.processes = append(p.processes, arg)
	case "uptime":
		p.uptime = uptimeOf(arg)
	case "os":
		key, v, _ := strings.Cut(arg, "=")
		p.os[key] = strings.Trim(clean(v), `"'`)
		p.facts.OS = strings.TrimSpace(p.os["ID"] + " " + p.os["VERSION_ID"]) // Debian's file has them the other way round
	case "unlisted":
		p.unlisted[p.bare(arg)] = true
	case "tree":
		return "", p.treeLine(arg)
	case "norecord":
		p.noRecord = true
	case "oddrecord":
		p.oddRecord = true
	case "oddname":
		p.odd++
	case "record":
		p.recordTold = true
		return "", p.until("recordend", &p.record)
	case "lease":
		return "", p.until("leaseend", &p.lease)
	case "probe":
		return "", p.probe(arg)
	case "kind":
		return "", p.kind(mesh.Kind(arg))
	case "bytes":
		return "", p.contents()
	case "contents":
		return "names", nil
	case "stat", "missing":
		n, err := strconv.Atoi(arg)
		if err != nil {
			return "", garbled(p.q, "it does not say of how many paths it speaks")
		}
		p.promised += n
		return word, nil
	case "digests", "unreadable", "keyed", "sealed":
		return word, nil
	default:
		return "", garbled(p.q, "unknown section %q", clean(word))
	}
	return "", nil
}

// content handles a line within a section.
func (p *parser) content(section, l string) error {
	switch section {
	case "stat":
		return p.statLine(l)
	case "missing":
		p.told++
		if !strings.HasSuffix(l, "No such file or directory") && !strings.HasSuffix(l, "Not a directory") {
			p.denied = append(p.denied, l)
		}
	case "digests":
		return p.digestLine(l)
	case "unreadable":
		p.unreadable[p.bare(l)] = true
	case "sealed":
		p.sealed[p.bare(l)] = true
	case "keyed":
		return p.keyedLine(l)
	case "names":
		p.texts[p.bare(l)] = ""
		p.order = append(p.order, p.bare(l))
	case "":
		if l != "" {
			return garbled(p.q, "a line of no section")
		}
	}
	return nil
}

// unquoted is a line of stat's %N without the quotes that busybox puts around both
// names; coreutils was told to put none, and no path begins with a quote.
func unquoted(l string) string {
	inner, ok := strings.CutPrefix(l, "'")
	if !ok {
		return l
	}
	return strings.Replace(strings.TrimSuffix(inner, "'"), "' -> '", " -> ", 1)
}

// bare is a path without the root that the sandbox puts before it.
func (p *parser) bare(name string) string {
	return strings.TrimPrefix(name, p.root)
}

func (p *parser) statLine(l string) error {
	if l = p.begun + l; strings.Contains(l, "//") && !strings.HasSuffix(l, "//"+p.token) {
		p.begun = l + "\n"
		return nil
	}
	p.begun = ""
	f := strings.SplitN(l, " ", 6)
	if len(f) != 6 {
		return garbled(p.q, "a line of stat has %d fields", len(f))
	}
	mode, err1 := strconv.ParseUint(f[0], 16, 32)
	size, err2 := strconv.ParseInt(f[3], 10, 64)
	ctime, err3 := strconv.ParseInt(f[4], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || size < 0 {
		return garbled(p.q, "a line of stat has no numbers")
	}
	p.told++
	name, arrow, _ := strings.Cut(strings.TrimSuffix(f[5], "//"+p.token), "//")
	bare := cmp.Or(p.bare(name), "/") // whose slash is taken for one of the mark's
	p.stats[bare] = stat{mode: mode, owner: f[1], group: f[2], size: size, ctime: ctime}
	if to, ok := strings.CutPrefix(unquoted(arrow), name+" -> "); ok {
		p.links[bare] = to
	}
	return nil
}

// digestLine reads `HEX  PATH`; a path with a backslash or a line end of either kind is
// escaped, which a leading backslash says.
func (p *parser) digestLine(l string) error {
	if l == "" {
		return nil
	}
	escaped := strings.HasPrefix(l, `\`)
	l = strings.TrimPrefix(l, `\`)
	sum, name, ok := strings.Cut(l, "  ")
	if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != 32 {
		return garbled(p.q, "a line of sha256sum has no digest")
	}
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	p.digest[p.bare(name)] = "sha256:" + sum
	return nil
}

// kind takes what is said of the things of one kind that lie at no path.
func (p *parser) kind(k mesh.Kind) error {
	var text []byte
	if err := p.until("kindend "+string(k), &text); err != nil {
		return err
	}
	p.described[k] = string(text)
	return nil
}

// kinds reads what was said of each kind, once the processes are known.
func (p *parser) kinds() error {
	for k, text := range p.described {
		is, ok := primitive.Of(k)
		if !ok || is.Named == nil {
			return garbled(p.q, "it speaks of %q, which was not asked for", clean(string(k)))
		}
		if k == mesh.Service {
			text += primitive.ProcessLines + strings.Join(p.processes, "\n")
		}
		var names []string
		for _, w := range p.q.named[k] {
			names = append(names, w.Name)
		}
		if p.named[k] = is.Named.Read(text, names); p.named[k] == nil {
			return garbled(p.q, "it does not describe each %s that it was asked for", k)
		}
	}
	return nil
}

// until takes all bytes up to the line TOKEN WORD.
func (p *parser) until(word string, into *[]byte) error {
	mark := []byte("\n" + p.token + " " + word + "\n")
	if bytes.HasPrefix(p.rest, mark[1:]) {
		p.rest = p.rest[len(mark)-1:]
		return nil
	}
	i := bytes.Index(p.rest, mark)
	if i < 0 {
		return garbled(p.q, "section without its end: %s", word)
	}
	*into = bytes.Clone(p.rest[:i])
	p.rest = p.rest[i+len(mark):]
	return nil
}

// maxBody is how much of a reply is kept.
const maxBody = 64 << 10

func (p *parser) probe(arg string) error {
	i, err := strconv.Atoi(arg)
	if err != nil || i < 0 || i >= len(p.q.checks) {
		return garbled(p.q, "an answer to no probe")
	}
	var body []byte
	mark := []byte("\n" + p.token + " probeend " + arg + " ")
	at := bytes.Index(p.rest, mark)
	if at < 0 {
		return garbled(p.q, "an answer without its end")
	}
	body, p.rest = bytes.Clone(p.rest[:at]), p.rest[at+len(mark):]
	how, ok := p.line()
	if !ok {
		return garbled(p.q, "an answer without its end")
	}
	p.facts.Answers = append(p.facts.Answers, answer(p.q.host, p.q.checks[i], body[:min(len(body), maxBody)], how))
	return nil
}

// contents divides the bytes that head sent by the sizes that stat gave. When a file
// changed in between, none of them is taken: the digests tell the difference anyway.
func (p *parser) contents() error {
	data := p.rest
	p.rest = nil
	data = bytes.TrimSuffix(data, []byte("\n"))
	total := int64(0)
	for _, name := range p.order {
		total += min(p.stats[name].size, mesh.MaxText)
	}
	if total != int64(len(data)) {
		p.texts = map[string]string{}
		return nil
	}
	for _, name := range p.order {
		n := min(p.stats[name].size, mesh.MaxText)
		text := data[:n]
		data = data[n:]
		if p.stats[name].size <= mesh.MaxText && mesh.DigestBytes(text) == p.digest[name] {
			p.texts[name] = string(text)
		} else {
			delete(p.texts, name)
		}
	}
	return nil
}
