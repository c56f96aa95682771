package config

import (
	"cmp"
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// needed are paths of one kind that a host cannot be without, with the reason.
type needed struct{ why, paths string }

// neededPaths are those whose absence would end a host, or meshsync's way to it. What the
// host's own packages bring beyond them is the operator's to judge.
func neededPaths(h mesh.HostSpec) []needed {
	return []needed{
		{"meshsync keeps there what it has applied", ownRecords},
		{"the host's accounts and their rights are there", "/etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/nsswitch.conf /etc/sudoers /etc/pam.d/sudo"},
		{"the host can no longer be reached without it", "/etc/ssh/sshd_config /etc/pam.d/sshd /usr/sbin/sshd /run/sshd"},
		{"the host does not boot as itself without it", "/etc/fstab /etc/machine-id"},
		{"meshsync logs in by what lies there", home(h) + "/.ssh/authorized_keys"},
	}
}

// home is where the account of the host's login most likely lives. Where git does not say
// which one it is, it is taken to be root.
func home(h mesh.HostSpec) string {
	if user := cmp.Or(h.User, "root"); user != "root" {
		return "/home/" + user
	}
	return "/root"
}

// checkAbsent refuses to delete what a host needs: it would be one deletion, which no limit
// holds back. Without recursive, too: on Debian /bin is a link.
func checkAbsent(m *mesh.Mesh, l *loader) {
	for _, r := range m.Resources {
		if !r.Gone || r.Addr.Name == ownRecords {
			continue // checkRecords reports the latter
		}
		h, _ := m.Host(r.Addr.Target.Name)
		why := whyShared(r.Addr.Name)
		for _, n := range neededPaths(h) {
			for _, p := range strings.Fields(n.paths) {
				if why == "" && atOrBelow(p, r.Addr.Name) {
					why = n.why
				}
			}
		}
		if why != "" {
			l.errs.add(Error{
				Pos: l.madeAt(r), Rule: "needed",
				Msg:  fmt.Sprintf("role %s wants nothing to be at %s, but %s", r.Role, r.Addr.Name, why),
				Hint: "leave it out, or name what is to go below it, one thing at a time",
			})
		}
	}
}

// atOrBelow reports whether a path is dir, or lies below it.
func atOrBelow(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}
