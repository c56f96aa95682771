package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// The bounds beyond which there is a warning. Clocks tell what a process has read where
// there is no record, and leases expire by the host's own. A batch puts the contents of all
// its files beside the record before it begins.
const (
	maxSkew = time.Second
	minFree = 100 << 20
)

// Host judges a host.
func Host(f HostFacts) Diagnosis {
	t := Diagnosis{Target: mesh.Host(f.Name)}
	if f.Outcome != mesh.OK {
		t.add(Problem, "reach", fmt.Sprintf("%s: %s", f.Outcome, f.Message), f.Hint)
		return t
	}
	t.add(OK, "reach", fmt.Sprintf("TCP, SSH, the host key and the login as %s are fine, and /bin/sh runs scripts", f.User), "")
	t.tools(f)
	t.clock(f)
	t.sudo(f)
	t.read(f)
	t.write(f)
	return t
}

func (t *Diagnosis) tools(f HostFacts) {
	if len(f.Lacks) > 0 {
		t.add(Problem, "shell", "the host lacks "+strings.Join(f.Lacks, ", "), "install them: scripts for what git names there need them")
	} else {
		t.add(OK, "shell", "the tools that scripts need are there", "")
	}
	switch {
	case slices.Contains(f.Clients, "perl") || slices.Contains(f.Clients, "bash"):
	case slices.Contains(f.Clients, "curl"):
		t.add(Warning, "shell", "there is neither perl nor bash, so only services that speak HTTP can be asked", "install perl or bash")
	default:
		t.add(Warning, "shell", "there is neither perl, bash nor curl: no service can be asked how it is", "install perl or bash")
	}
}

func (t *Diagnosis) clock(f HostFacts) {
	if f.Skew.Abs() <= maxSkew {
		t.add(OK, "clock", "its clock and ours differ by no more than "+maxSkew.String(), "")
		return
	}
	word := "ahead of"
	if f.Skew < 0 {
		word = "behind"
	}
	t.add(Warning, "clock", fmt.Sprintf("its clock is %s %s ours", f.Skew.Abs().Round(100*time.Millisecond), word), "see that both keep time: timedatectl, chronyc tracking")
}

func (t *Diagnosis) sudo(f HostFacts) {
	switch {
	case f.User == "root":
		t.add(OK, "sudo", "it is not used: the login is root's", "")
		return
	case f.Sudo == mesh.SudoNone:
		t.add(OK, "sudo", "it is not used there: the user reads what it may", "")
		return
	}
	for _, r := range f.Rights {
		if r.Denied == "" {
			t.add(OK, "sudo", "may be run without a password: the command for "+r.Purpose, "")
			continue
		}
		t.add(Problem, "sudo", fmt.Sprintf("may not be run without a password: the command for %s (%s)", r.Purpose, r.Denied),
			"meshsync doctor --sudoers prints the line; ssh.sudo in the mesh says what sudo is to be used for")
	}
}

func (t *Diagnosis) read(f HostFacts) {
	s := f.State
	if s.Outcome != mesh.OK {
		t.add(Problem, "read", fmt.Sprintf("it cannot be observed: %s: %s", s.Outcome, s.Message), "see the findings above")
		return
	}
	unknown := map[mesh.Address]bool{}
	for _, u := range s.Unknown {
		unknown[u.Addr] = true
	}
	t.add(OK, "read", fmt.Sprintf("of %d resources in git and on the record, %d can be read", max(f.Declared, len(unknown)), max(f.Declared, len(unknown))-len(unknown)), "")
	for _, u := range s.Unknown {
		if u.Denied && f.Blind[u.Addr] {
			t.add(OK, "read", fmt.Sprintf("%s is a blind spot by policy: %s", u.Addr, u.Reason), "")
			continue
		}
		t.add(Problem, "read", fmt.Sprintf("%s: %s", u.Addr, u.Reason), f.remedy(u))
	}
}

// remedy says by whom a resource could be read.
func (f HostFacts) remedy(u mesh.UnknownResource) string {
	if !u.Denied {
		return "look at it on the host"
	}
	blind := "or declare it in policy.blind"
	if u.Addr.Kind == mesh.Service {
		return "a plain user asks systemd by D-Bus: install dbus there, or have ssh.sudo read; " + blind
	}
	if f.Secrets[u.Addr] || f.State.Record.Entries[u.Addr.String()].Keyed != "" {
		return "a secret is compared by a key that is root's alone: ssh.sudo all, " + blind
	}
	b, known := f.Barriers[u.Addr.Name]
	if !known {
		return "root can see it: ssh.sudo all, " + blind
	}
	const groupReads, groupEnters = 0o040, 0o010
	need := uint32(groupReads)
	if b.Path != u.Addr.Name || u.Addr.Kind == mesh.Directory {
		need |= groupEnters
	}
	who := fmt.Sprintf("root or the user %s can, by %s (mode %04o, %s:%s)", b.Owner, b.Path, b.Mode, b.Owner, b.Group)
	if b.Owner == "root" {
		who = fmt.Sprintf("root can, by %s (mode %04o, %s:%s)", b.Path, b.Mode, b.Owner, b.Group)
	}
	if b.Mode&need == need {
		who += fmt.Sprintf(", and so could %s in the group %s: usermod -aG %[2]s %[1]s", f.User, b.Group)
	}
	if f.Sudo != mesh.SudoRead {
		who += "; ssh.sudo read has its digest"
	}
	return who + "; " + blind
}

func (t *Diagnosis) write(f HostFacts) {
	switch {
	case !f.AsRoot && f.Sudo != mesh.SudoAll:
		t.add(OK, "write", fmt.Sprintf("%s only reads there, and apply is refused", f.User), "")
		return
	case !f.AsRoot:
		t.add(Problem, "write", fmt.Sprintf("%s may not write there, and apply is refused", f.User), "meshsync doctor --sudoers prints the lines for the account that writes")
		return
	case !f.Writable:
		t.add(Problem, "write", "nothing can be written to "+f.Folder, "see whether the file system there is mounted read-only")
	case f.Recorded:
		t.add(OK, "write", "the record's folder "+f.Folder+" can be written", "")
	default:
		t.add(OK, "write", "nothing was applied there yet; the record's folder can be made in "+f.Folder, "")
	}
	switch {
	case f.Free < 0:
		t.add(Warning, "write", "the host does not say how much space is free in "+f.Folder, "look with df")
	case f.Free < minFree:
		t.add(Warning, "write", fmt.Sprintf("%d MiB are free in %s, less than %d", f.Free>>20, f.Folder, minFree>>20), "make room: the files of a batch lie there before it begins")
	}
}
