package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// wayIn is what meshsync, and whoever would mend a host, needs to come in, and what it is made of.
type wayIn struct {
	name         string // "SSH": what is cut off
	paths, units string // globs, of which one that ends in "/" stands for all that is below it; names of units
}

// waysIn is closed: what is not in it goes out as any other change. Client settings of ssh are not in it.
func waysIn() []wayIn {
	return []wayIn{
		{
			"SSH", `/etc/ssh/sshd_config /etc/ssh/sshd_config.d/ /etc/ssh/ssh_host_* /etc/ssh/authorized_keys* /etc/ssh/auth_principals*
			/etc/ssh/*.pub /etc/ssh/*.keys /etc/ssh/*krl* /root/.ssh/authorized_keys* /home/*/.ssh/authorized_keys*
			/etc/default/ssh /etc/sysconfig/sshd /etc/hosts.allow /etc/hosts.deny`, "ssh sshd ssh.socket sshd.socket",
		},
		{"sudo", "/etc/sudoers /etc/sudoers.d/ /etc/sudo.conf", ""},
		{
			"logins", `/etc/pam.d/ /etc/pam.conf /etc/security/ /etc/nologin /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/shells
			/etc/login.defs /etc/sssd/`, "sssd",
		},
		{
			"the lookup of names", `/etc/resolv.conf /etc/nsswitch.conf /etc/hosts /etc/host.conf /etc/gai.conf /etc/resolvconf/ /etc/resolvconf.conf
			/etc/systemd/resolved.conf /etc/systemd/resolved.conf.d/`, "systemd-resolved resolvconf",
		},
		{
			"the network, by its firewall", `/etc/nftables.conf /etc/nftables/ /etc/nftables.d/ /etc/iptables/ /etc/iptables.* /etc/sysconfig/iptables*
			/etc/sysconfig/ip6tables* /etc/sysconfig/nftables.conf /etc/ufw/ /etc/default/ufw /etc/firewalld/ /etc/ferm/ /etc/shorewall/`,
			"nftables iptables ip6tables netfilter-persistent ufw firewalld ferm shorewall",
		},
		{
			"the network", `/etc/network/ /etc/netplan/ /etc/systemd/network/ /etc/systemd/networkd.conf /etc/systemd/networkd.conf.d/
			/etc/NetworkManager/ /etc/iproute2/ /etc/dhcpcd.conf /etc/sysconfig/network /etc/sysconfig/network-scripts/`,
			"networking systemd-networkd NetworkManager network dhcpcd",
		},
	}
}

// CutsOff says what a change of a host can cut off: "SSH"; "" for nothing. A folder that is new has nothing in it yet.
func CutsOff(c diff.Change) string {
	if !c.Addr.IsPath() || c.Action == diff.Release || c.Addr.Kind == mesh.Directory && c.Action == diff.Create {
		return ""
	}
	for _, w := range waysIn() {
		if w.has(c.Addr.Name) {
			return w.name
		}
	}
	return ""
}

// StepCutsOff says what a step of a service can cut off, likewise.
func StepCutsOff(s ServiceStep) string {
	for _, w := range waysIn() {
		if w.runs(s.Unit) {
			return w.name
		}
	}
	return ""
}

// has reports whether a path is of the way in, a unit of its services included.
func (w wayIn) has(name string) bool {
	name = strings.TrimSuffix(name, "/")
	for _, glob := range strings.Fields(w.paths) {
		if dir, below := strings.CutSuffix(glob, "/"); below {
			if name == dir || strings.HasPrefix(name, glob) {
				return true
			}
		} else if ok, _ := path.Match(glob, name); ok { // the globs are well-formed: a test reads them
			return true
		}
	}
	return slices.ContainsFunc(strings.Fields(w.units), func(unit string) bool {
		return slices.ContainsFunc(primitive.UnitFiles(unit), func(file string) bool {
			return name == file || strings.HasPrefix(name+"/", file+".d/")
		})
	})
}

func (w wayIn) runs(unit string) bool {
	return slices.ContainsFunc(strings.Fields(w.units), func(u string) bool { return primitive.UnitFile(u) == primitive.UnitFile(unit) })
}

// checksOfWaysIn gives files of the ways in the check of the program that reads them, where their role names none. On a
// host without that program each is accepted: nothing reads it there.
func (b *builder) checksOfWaysIn() {
	for i, c := range b.changes {
		if c.Addr.Kind == mesh.File && c.After != nil && c.Validate == "" && c.After["content"] != c.Before["content"] {
			b.changes[i].Validate = wayInCheck(c.Addr.Name)
		}
	}
}

// wayInCheck is a shell command that gets the candidate as $1; "" for a file without a check.
func wayInCheck(name string) string {
	switch dir := path.Dir(name); {
	case name == "/etc/ssh/sshd_config":
		return fmt.Sprintf(sshdCheck, `"$1"`)
	case dir == "/etc/ssh/sshd_config.d" && strings.HasSuffix(name, ".conf"):
		return `f=/etc/ssh/sshd_config; [ -r "$f" ] || f=/dev/null; { printf 'Include %s\n' "$1"; cat "$f"; } | ` + `{ ` + fmt.Sprintf(sshdCheck, "/dev/stdin") + `; }`
	case name == "/etc/sudoers", dir == "/etc/sudoers.d":
		return `x=$(command -v visudo) || exit 0; "$x" -c -f "$1"`
	case name == "/etc/nftables.conf":
		return `x=$(command -v nft) || exit 0; "$x" -c -f "$1"`
	default:
		return ""
	}
}

// sshdCheck judges a configuration, and not the folder below /run that sshd's own service makes. Older sshd wants
// to be called by its whole path. A drop-in is judged before the file that reads it, for it may stand on what is there.
const sshdCheck = `x=$(command -v sshd) || exit 0; y=$("$x" -t -f %s 2>&1) && exit 0; case $y in *'rivilege separation directory'*) exit 0;; esac; printf '%%s\n' "$y"; exit 1`

// cutting are the hosts of a batch that it can cut off, sorted, and by what the first of them.
func (b Batch) cutting() (hosts []mesh.Target, because string) {
	why := map[mesh.Target]string{}
	for _, s := range b.Service {
		if what := StepCutsOff(s); what != "" {
			why[s.Target] = fmt.Sprintf("to %s %s can cut off %s", s.Op, s.Unit, what)
		}
	}
	for _, c := range slices.Backward(b.Changes) {
		if what := CutsOff(c); what != "" {
			why[c.Addr.Target] = c.Addr.Name + " can cut off " + what
		}
	}
	for _, t := range b.Targets {
		if why[t] != "" {
			hosts = append(hosts, t)
		}
	}
	if len(hosts) == 0 {
		return nil, ""
	}
	return hosts, why[hosts[0]]
}

// ConfirmWithin is how long a new connection may take to come in: some tries, and the pauses between them.
const ConfirmWithin = 30 * time.Second

// sayConfirm says of each batch that can cut a host off that a new connection is to confirm it.
func sayConfirm(s *Stage) {
	for i, batch := range s.Batches {
		hosts, _ := batch.cutting()
		var because []string
		for _, t := range hosts {
			_, why := batch.only(t).cutting()
			because = append(because, why)
		}
		slices.Sort(because)
		if len(because) > 0 {
			s.Batches[i].Confirm = &Confirm{Within: ConfirmWithin, Because: slices.Compact(because)}
		}
	}
}

// aloneFirst has one host go alone where a stage can cut off several. Members of an ensemble that start together
// do so because none serves alone, and are left together.
func aloneFirst(s *Stage) {
	first, because, all := -1, "", 0
	for i, batch := range s.Batches {
		hosts, why := batch.cutting()
		if all += len(hosts); first < 0 && len(hosts) > 0 {
			first, because = i, why
		}
	}
	if first < 0 || all < 2 {
		return
	}
	batch := s.Batches[first]
	hosts, _ := batch.cutting()
	if len(batch.Targets) > 1 {
		if slices.ContainsFunc(batch.After, func(g Gate) bool { return g.Ensemble != nil }) {
			return
		}
		s.Batches = slices.Replace(s.Batches, first, first+1, batch.only(hosts[0]), batch.without(hosts[0]))
	}
	s.Why = fmt.Sprintf("%s alone first, because %s; %s", hosts[0].Name, because, s.Why)
}

// only is a batch on one of its hosts.
func (b Batch) only(t mesh.Target) Batch {
	return b.on(func(x mesh.Target) bool { return x == t })
}

// without is a batch on all of its hosts but one.
func (b Batch) without(t mesh.Target) Batch {
	return b.on(func(x mesh.Target) bool { return x != t })
}

func (b Batch) on(keep func(mesh.Target) bool) Batch {
	out := b
	out.Targets, out.Changes, out.Service = nil, []diff.Change{}, nil
	for _, t := range b.Targets {
		if keep(t) {
			out.Targets = append(out.Targets, t)
		}
	}
	for _, c := range b.Changes {
		if keep(c.Addr.Target) {
			out.Changes = append(out.Changes, c)
		}
	}
	for _, s := range b.Service {
		if keep(s.Target) {
			out.Service = append(out.Service, s)
		}
	}
	return out
}
