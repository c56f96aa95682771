package config

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// What Linux takes, in bytes: limits.h's NAME_MAX, and PATH_MAX without its final NUL.
const (
	maxPart = 255
	maxPath = 4095
)

// checkLengths finds paths that no host can hold.
func checkLengths(m *mesh.Mesh, l *loader) {
	for _, r := range m.Resources {
		if r.Service == nil {
			l.checkLength(r, "the path", r.Addr.Name)
		}
		if to, ok := leadsTo(r); ok {
			l.checkLength(r, "a link to", to, "to")
		}
		if r.Service != nil {
			for i, read := range r.Service.Reads {
				l.checkLength(r, "a service that reads", read, "reads", strconv.Itoa(i))
			}
		}
	}
}

func (l *loader) checkLength(r mesh.Resource, what, p string, field ...string) {
	var wrong string
	switch n := longestPart(p); {
	case len(p) > maxPath:
		wrong = fmt.Sprintf("it has %d bytes, and a host takes at most %d", len(p), maxPath)
	case n > maxPart:
		wrong = fmt.Sprintf("a part of it has %d bytes, and a host takes at most %d", n, maxPart)
	default:
		return
	}
	l.errs.add(Error{
		Pos: l.madeAt(r, field...), Rule: "path-length", Msg: fmt.Sprintf("role %s yields %s %q: %s", r.Role, what, short(p, 40), wrong),
		Hint: "shorten it; a letter beyond ASCII counts as two bytes or more",
	})
}

func longestPart(p string) int {
	longest := 0
	if len(p) <= maxPart {
		return len(p) // no part is longer than the whole, and that is all that matters
	}
	for part := range strings.SplitSeq(p, "/") {
		longest = max(longest, len(part))
	}
	return longest
}

// leadsTo is the path that a link leads to. ok is false for all other kinds.
func leadsTo(r mesh.Resource) (to string, ok bool) {
	to, ok = r.Attrs["to"].(string)
	return to, ok
}

// checkParents finds what lies below something that is no directory.
func checkParents(m *mesh.Mesh, l *loader) {
	type place struct{ host, path string }
	solid := map[place]int{}
	for i, r := range m.Resources {
		if r.Service == nil && r.Addr.Kind != mesh.Directory {
			solid[place{r.Addr.Target.Name, r.Addr.Name}] = i
		}
	}
	for _, r := range m.Resources {
		if r.Service != nil || path.Clean(r.Addr.Name) != r.Addr.Name {
			continue // checkPaths reports what is not plain
		}
		for dir := path.Dir(r.Addr.Name); len(dir) > 1; dir = path.Dir(dir) {
			if i, ok := solid[place{r.Addr.Target.Name, dir}]; ok {
				l.belowNoDirectory(r, m.Resources[i])
				break
			}
		}
	}
}

// belowNoDirectory reports a resource whose parent is declared as what holds nothing.
func (l *loader) belowNoDirectory(r, parent mesh.Resource) {
	at, owner, on := l.madeAt(r), "the same role", ""
	if parent.Role != r.Role {
		owner, on = "role "+parent.Role, " on "+r.Addr.Target.Name
	}
	hint := fmt.Sprintf("declare %s in directories, or move one of the two", parent.Addr.Name)
	if r.Gone && parent.Gone {
		hint = fmt.Sprintf("with recursive: true at %s, all that is below it goes along: leave this one out", parent.Addr.Name)
	}
	if to, ok := leadsTo(parent); ok {
		if !path.IsAbs(to) {
			to = path.Join(path.Dir(parent.Addr.Name), to)
		}
		hint = "a link may lead elsewhere tomorrow; name the real path, " + path.Join(to, strings.TrimPrefix(r.Addr.Name, parent.Addr.Name))
	}
	l.errs.add(Error{
		Pos: at, Also: alsoUnless(at, l.madeAt(parent)), Rule: "below-no-directory",
		Msg:  fmt.Sprintf("role %s yields %s below %s, which is no directory: %s yields that in %s%s", r.Role, r.Addr.Name, parent.Addr.Name, owner, kindField(parent.Addr.Kind), on),
		Hint: hint,
	})
}

// ownRecords is where meshsync keeps what it has applied, on every host;
// see the formats in docs/ARCHITECTURE.md.
const ownRecords = "/var/lib/meshsync"

// checkRecords keeps roles off meshsync's own records: a purge of them, or another file in
// their place, would make all of the host look as if it had never been applied.
func checkRecords(m *mesh.Mesh, l *loader) {
	for _, r := range m.Resources {
		at, field := r.Addr.Name, []string{}
		if to, ok := unpackedTo(r); ok {
			at, field = to, []string{"to"}
		}
		if strings.HasPrefix(at, "/") && atOrBelow(at, ownRecords) {
			l.errs.add(Error{
				Pos: l.madeAt(r, field...), Rule: "own-records",
				Msg:  fmt.Sprintf("role %s yields %s, and %s holds meshsync's own records", r.Role, at, ownRecords),
				Hint: "meshsync makes that folder and keeps it; put files of your own elsewhere",
			})
		}
	}
}

// unpackedTo is the directory that an archive is unpacked in. ok is false for all other kinds.
func unpackedTo(r mesh.Resource) (dir string, ok bool) {
	if r.Addr.Kind != "archive" {
		return "", false
	}
	to, ok := leadsTo(r)
	return path.Clean(to), ok
}

// checkKernelPaths finds paths of file systems in which the kernel makes all files itself: one
// that is written beside them and moved there, as each file is, cannot be.
func checkKernelPaths(m *mesh.Mesh, l *loader) {
	for _, r := range m.Resources {
		if r.Addr.IsPath() && (atOrBelow(r.Addr.Name, "/proc") || atOrBelow(r.Addr.Name, "/sys")) {
			l.errs.add(Error{
				Pos: l.madeAt(r), Rule: "kernel-path",
				Msg:  fmt.Sprintf("role %s yields %s, and only the kernel makes files there", r.Role, r.Addr.Name),
				Hint: "declare what lies below /proc/sys in sysctls, by its name with dots; for other settings use a unit or a command",
			})
		}
	}
}
