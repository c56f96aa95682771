package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/doctor"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// Examine finds out what the user may do on the host, and changes nothing there. now is
// our clock.
func (h *Host) Examine(ctx context.Context, now func() time.Time) doctor.HostFacts {
	f := doctor.HostFacts{Name: h.o.Name, User: h.o.Dialer.User(), Sudo: h.o.Sudo, Outcome: mesh.OK, Declared: len(h.o.Resources), Free: -1}
	if err := h.examine(ctx, now, &f); err != nil {
		s := h.failed(err)
		f.Outcome, f.Message = s.Outcome, s.Message
		var known *remote.Error
		if errors.As(err, &known) {
			f.Message, f.Hint = clean(known.Msg), printable(known.Hint)
		}
		return f
	}
	f.State = h.Observe(ctx)
	f.Secrets = map[mesh.Address]bool{}
	for _, r := range h.o.Resources {
		f.Secrets[r.Addr] = r.Secret != nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	f.Barriers = h.barriers(ctx, f.State.Unknown)
	return f
}

func (h *Host) examine(ctx context.Context, now func() time.Time, f *doctor.HostFacts) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	if err := h.connect(ctx); err != nil {
		return err
	}
	f.AsRoot = f.User == "root"
	if !f.AsRoot {
		asRoot, err := h.rights(ctx, f)
		if err != nil {
			return err
		}
		f.AsRoot = asRoot
	}
	command := shellCommand
	if f.AsRoot && f.User != "root" {
		command = sudoPrefix + shellCommand
	}
	token := newToken()
	before := now()
	r, err := h.said(ctx, command, h.examineScript(token))
	if err != nil {
		return err
	}
	return readExamination(r, token, before, now(), f)
}

// rights asks for each of the commands, and reports whether scripts may run as root.
func (h *Host) rights(ctx context.Context, f *doctor.HostFacts) (asRoot bool, err error) {
	for _, r := range Rights(h.o.Mesh) {
		if r.Write != (h.o.Sudo == mesh.SudoAll) || h.o.Sudo == mesh.SudoNone {
			continue
		}
		why, err := h.allowed(ctx, r.Command)
		if err != nil {
			return false, err
		}
		f.Rights = append(f.Rights, doctor.Right{Purpose: r.Purpose, Denied: why})
		asRoot = asRoot || r.Command == shellCommand && why == ""
	}
	return asRoot, nil
}

// said runs a script by a command and returns what it printed.
func (h *Host) said(ctx context.Context, command, script string) ([]byte, error) {
	r, err := h.conn.Run(ctx, command, strings.NewReader(script), maxOutput, nil)
	if err != nil {
		h.drop()
		return nil, err
	}
	return r.Stdout, h.shellError(r)
}

// tools lists the programs that scripts need for what git names on the host.
func (h *Host) tools() []string {
	out := []string{"stat", "sha256sum", "head", "date"}
	if h.o.Sudo == mesh.SudoAll || h.o.Dialer.User() == "root" {
		out = append(out, "flock", "find", "mv", "sync", "tail", "chmod")
	} else if h.o.Sudo == mesh.SudoRead {
		out = append(out, "xargs")
	}
	byKind := map[mesh.Kind]string{mesh.Service: "systemctl", mesh.Package: "dpkg-query", "user": "getent", "group": "getent"}
	for _, r := range h.o.Resources {
		if tool := byKind[r.Addr.Kind]; tool != "" && !slices.Contains(out, tool) {
			out = append(out, tool)
		}
	}
	return out
}

func (h *Host) examineScript(token string) string {
	return fmt.Sprintf(`ms_examine() {
T=%s
%sprintf '%%s clock %%s\n' "$T" "$(date +%%s.%%N)"
for c in %s; do command -v "$c" >/dev/null 2>&1 || printf '%%s lacks %%s\n' "$T" "$c"; done
for c in perl bash curl; do if command -v "$c" >/dev/null 2>&1; then printf '%%s client %%s\n' "$T" "$c"; fi; done
printf '%%s groups %%s\n' "$T" "$(id -Gn)"
d=%s
if [ -d "$d" ]; then printf '%%s recorded\n' "$T"; fi
while [ -n "$d" ] && [ ! -d "$d" ]; do d=${d%%/*}; done
d=${d:-/}
printf '%%s folder %%s\n' "$T" "$d"
if [ -w "$d" ]; then printf '%%s writable\n' "$T"; fi
df -Pk -- "$d" 2>/dev/null | while read -r l; do printf '%%s space %%s\n' "$T" "$l"; done
printf '%%s end\n' "$T"
}
{ ms_examine </dev/null; }
`, quote(token), observePrelude, strings.Join(h.tools(), " "), rooted(stateDir(h.o.Mesh)))
}

// readExamination reads what the script printed between two looks at our clock.
func readExamination(out []byte, token string, before, after time.Time, f *doctor.HostFacts) error {
	root, whole := "", false
	for line := range bytes.Lines(out) {
		rest, own := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), token+" ")
		if !own {
			continue
		}
		word, arg, _ := strings.Cut(rest, " ")
		switch word {
		case "root":
			root = arg
		case "clock":
			f.Skew = skew(arg, before, after)
		case "lacks":
			f.Lacks = append(f.Lacks, clean(arg))
		case "client":
			f.Clients = append(f.Clients, clean(arg))
		case "groups":
			f.Groups = strings.Fields(clean(arg))
		case "recorded":
			f.Recorded = true
		case "folder":
			f.Folder = path.Clean("/" + clean(strings.TrimPrefix(arg, root)))
		case "writable":
			f.Writable = true
		case "space":
			if n := free(arg); n >= 0 { // the first line is a heading
				f.Free = n
			}
		case "end":
			whole = true
		}
	}
	if !whole {
		return &remote.Error{Outcome: mesh.Truncated, Host: f.Name, Msg: "the host's answer was cut"}
	}
	return nil
}

// skew is by how much a clock that was read between two moments of ours is certainly ahead.
func skew(text string, before, after time.Time) time.Duration {
	seconds, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return 0
	}
	early, late := time.Unix(s, 0), time.Unix(s+1, 0)
	if ns, err := strconv.ParseInt(fraction, 10, 64); err == nil {
		early = time.Unix(s, ns)
		late = early
	}
	switch {
	case early.After(after):
		return early.Sub(after)
	case late.Before(before):
		return late.Sub(before)
	default:
		return 0
	}
}

// free reads a line of df -Pk: the fourth column of six, of which the first may have blanks.
func free(line string) int64 {
	fields := strings.Fields(line)
	if len(fields) < 6 {
		return -1
	}
	n, err := strconv.ParseInt(fields[len(fields)-3], 10, 64)
	if err != nil || n < 0 || n > 1<<50 {
		return -1
	}
	return n << 10
}

// barriers finds what keeps the user from paths that it may not look at. It is asked as
// the user; where that fails nothing is known of them.
func (h *Host) barriers(ctx context.Context, unknown []mesh.UnknownResource) map[string]doctor.Barrier {
	out := map[string]doctor.Barrier{}
	token := newToken()
	var s strings.Builder
	fmt.Fprintf(&s, "ms_barriers() {\nT=%s\n%s%s", quote(token), observePrelude, barrierFunction)
	var asked []string
	for _, u := range unknown {
		if u.Denied && u.Addr.IsPath() && !slices.Contains(asked, u.Addr.Name) {
			fmt.Fprintf(&s, "ms_barrier %d %s\n", len(asked), rooted(u.Addr.Name))
			asked = append(asked, u.Addr.Name)
		}
	}
	s.WriteString("}\n{ ms_barriers </dev/null; }\n")
	if len(asked) == 0 || h.connect(ctx) != nil {
		return out
	}
	said, err := h.said(ctx, h.shell(), s.String())
	if err != nil {
		return out
	}
	root := ""
	for line := range bytes.Lines(said) {
		rest, own := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), token+" ")
		word, arg, _ := strings.Cut(rest, " ")
		fields := strings.SplitN(arg, " ", 5)
		switch {
		case own && word == "root":
			root = arg
		case own && word == "barrier" && len(fields) == 5:
			i, err1 := strconv.Atoi(fields[0])
			mode, err2 := strconv.ParseUint(fields[1], 8, 32)
			if err1 == nil && err2 == nil && i >= 0 && i < len(asked) {
				out[asked[i]] = doctor.Barrier{Mode: uint32(mode), Owner: clean(fields[2]), Group: clean(fields[3]), Path: clean(strings.TrimPrefix(fields[4], root))}
			}
		}
	}
	return out
}

// barrierFunction tells of the first directory on the way to a path that cannot be
// entered, else of what is at the path.
const barrierFunction = `ms_barrier() {
  i=$1 b='' rest=${2#/}
  while [ -n "$rest" ]; do
    b=$b/${rest%%/*}
    case $rest in */*) rest=${rest#*/};; *) rest='';; esac
    if [ -z "$rest" ] || { [ -d "$b" ] && [ ! -x "$b" ]; }; then break; fi
  done
  stat -c "$T barrier $i %a %U %G %n" -- "$b" 2>/dev/null
}
`
