package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// checkContradictions finds declarations of one host of which each undoes what the other
// does: every apply would write both, and none would be the last.
func checkContradictions(m *mesh.Mesh, l *loader) {
	for _, h := range m.Hosts {
		c := contradictions{l: l, on: m.ResourcesOf(mesh.Host(h.Name))}
		slices.SortFunc(c.on, func(a, b mesh.Resource) int { return a.Addr.Compare(b.Addr) })
		for _, r := range c.on {
			c.keptFiles(r)
			c.unpacked(r)
			c.maskedUnit(r)
		}
		c.twoNames()
	}
}

// contradictions are looked for among the resources of one host.
type contradictions struct {
	l  *loader
	on []mesh.Resource
}

// report says that r and other cannot both be; at is the field of r that says so.
func (c contradictions) report(r, other mesh.Resource, why, hint string, at ...string) {
	pos := c.l.madeAt(r, at...)
	c.l.errs.add(Error{
		Pos: pos, Also: alsoUnless(pos, c.l.madeAt(other)), Rule: "contradiction",
		Msg:  fmt.Sprintf("role %s yields %s, and %s yields %s: %s", r.Role, named(r), c.owner(other, r), named(other), why),
		Hint: hint,
	})
}

func (c contradictions) owner(other, r mesh.Resource) string {
	if other.Role == r.Role {
		return "it also"
	}
	return "role " + other.Role
}

// named is a resource as a role's yield names it.
func named(r mesh.Resource) string { return fmt.Sprintf("%s: %q", kindField(r.Addr.Kind), r.Addr.Name) }

// keptIn are the files that a change of a kind writes, a part of each.
func keptIn(k mesh.Kind) []string {
	switch kindField(k) {
	case "hostsEntries":
		return []string{"/etc/hosts"}
	case "users":
		return []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"}
	case "groups":
		return []string{"/etc/group", "/etc/gshadow"}
	case "debconf":
		return []string{"/var/cache/debconf/config.dat"}
	default:
		return nil
	}
}

// keptFiles finds a whole file, of which r is a part.
func (c contradictions) keptFiles(r mesh.Resource) {
	for _, file := range keptIn(r.Addr.Kind) {
		for _, other := range c.on {
			if other.Addr.IsPath() && other.Addr.Name == file {
				c.report(r, other, "each apply would write the file, and then its part, anew", "declare either the whole file or its parts")
			}
		}
	}
}

// unpacked finds what deletes an archive again.
func (c contradictions) unpacked(r mesh.Resource) {
	to, ok := unpackedTo(r)
	if !ok {
		return
	}
	for _, other := range c.on {
		switch {
		case !other.Addr.IsPath():
		case other.Purge && other.Addr.Name == to:
			c.report(r, other, "a purge deletes what git does not name, and git does not name what is in an archive", "unpack it into a directory that is not purged", "to")
		case other.Addr.Kind != mesh.Directory && atOrBelow(to, other.Addr.Name):
			c.report(r, other, "there is no directory to unpack it in", "declare "+other.Addr.Name+" in directories, or unpack it elsewhere", "to")
		}
	}
}

// maskedUnit finds a service that cannot be as it is declared: a masked unit is a link to
// /dev/null in the place of a unit of the host's own, and neither enabled nor running.
func (c contradictions) maskedUnit(r mesh.Resource) {
	if r.Service == nil || r.Attrs["masked"] != true {
		return
	}
	if r.Attrs["enabled"] == true || r.Attrs["running"] == true {
		c.l.errs.add(Error{
			Pos: c.l.madeAt(r, "masked"), Rule: "masked",
			Msg:  fmt.Sprintf("role %s yields the service %s masked, and enabled or running: a masked unit is neither", r.Role, r.Addr.Name),
			Hint: "write enabled: false, running: false beside masked: true",
		})
	}
	for _, other := range c.on {
		if other.Addr.IsPath() && other.Addr.Name == "/etc/systemd/system/"+primitive.UnitFile(r.Addr.Name) {
			c.report(r, other, "to mask a unit is to put a link in that very place", "leave one of the two out", "masked")
		}
	}
}

// twoNames finds one thing under two names that are to be different.
func (c contradictions) twoNames() {
	seen := map[string]mesh.Resource{}
	for _, r := range c.on {
		thing, why := oneThing(r)
		if thing == "" {
			continue
		}
		if old, ok := seen[thing]; ok && old.Addr.Name != r.Addr.Name && (old.Addr.Kind != r.Addr.Kind || !mesh.EqualValues(old.Attrs, r.Attrs)) {
			c.report(r, old, why, "leave one of the two out")
		}
		seen[thing] = r
	}
}

// oneThing is what r is about, where another name would be about the same.
func oneThing(r mesh.Resource) (thing, why string) {
	switch field := kindField(r.Addr.Kind); {
	case field == "debconf":
		question := strings.Fields(r.Addr.Name)[1]
		return "question " + question, "a question has one answer, whoever asks it"
	case r.Addr.IsPath():
		return "path " + realPath(path.Clean(r.Addr.Name)), "on Debian both are one place"
	default:
		return "", ""
	}
}

// realPath is a path below Debian's links from / into /usr and /run.
func realPath(p string) string {
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if atOrBelow(p, dir) {
			return "/usr" + p
		}
	}
	for link, dir := range map[string]string{"/var/run": "/run", "/var/lock": "/run/lock"} {
		if atOrBelow(p, link) {
			return dir + strings.TrimPrefix(p, link)
		}
	}
	return p
}
