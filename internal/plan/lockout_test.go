package plan

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

func TestWhatCutsAHostOff(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/etc/ssh/sshd_config":                          "SSH",
		"/etc/ssh/sshd_config.d/50-users.conf":          "SSH",
		"/etc/ssh/sshd_config.d":                        "SSH",
		"/etc/ssh/ssh_host_ed25519_key":                 "SSH",
		"/root/.ssh/authorized_keys":                    "SSH",
		"/home/admin/.ssh/authorized_keys":              "SSH",
		"/etc/systemd/system/ssh.service":               "SSH",
		"/etc/systemd/system/ssh.service.d/limits.conf": "SSH",
		"/etc/ssh/ssh_config":                           "",
		"/etc/ssh/ssh_config.d/proxy.conf":              "",
		"/etc/ssh/ssh_known_hosts":                      "",
		"/etc/sudoers":                                  "sudo",
		"/etc/sudoers.d/deploy":                         "sudo",
		"/etc/sudoers.dist":                             "",
		"/etc/pam.d/sshd":                               "logins",
		"/etc/security/access.conf":                     "logins",
		"/etc/nologin":                                  "logins",
		"/etc/resolv.conf":                              "the lookup of names",
		"/etc/nsswitch.conf":                            "the lookup of names",
		"/etc/hosts":                                    "the lookup of names",
		"/etc/nftables.conf":                            "the network, by its firewall",
		"/etc/iptables/rules.v4":                        "the network, by its firewall",
		"/etc/network/interfaces":                       "the network",
		"/etc/network/interfaces.d/eth0":                "the network",
		"/etc/netplan/01.yaml":                          "the network",
		"/etc/systemd/network/10-eth.network":           "the network",
		"/etc/zookeeper/conf/zoo.cfg":                   "",
		"/etc/default/mesos":                            "",
		"/srv/etc/hosts":                                "",
		"/etc/systemd/system/sshd-keygen.service":       "",
	} {
		c := diff.Change{Addr: mesh.Address{Target: mesh.Host("h"), Kind: mesh.File, Name: name}, Action: diff.Update}
		if got := CutsOff(c); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		c.Action = diff.Release
		if got := CutsOff(c); got != "" {
			t.Errorf("to let %s go cuts off %s", name, got)
		}
	}
	folder := diff.Change{Addr: mesh.Address{Target: mesh.Host("h"), Kind: mesh.Directory, Name: "/etc/sudoers.d"}, Action: diff.Create}
	if got := CutsOff(folder); got != "" {
		t.Errorf("a new folder cuts off %s", got)
	}
	if folder.Action = diff.Update; CutsOff(folder) != "sudo" {
		t.Error("another mode of a folder cuts nothing off")
	}
	for unit, want := range map[string]string{
		"ssh": "SSH", "sshd.service": "SSH", "ssh.socket": "SSH", "nftables": "the network, by its firewall",
		"systemd-networkd": "the network", "systemd-resolved": "the lookup of names", "zookeeper": "", "ssh-agent": "",
	} {
		if got := StepCutsOff(ServiceStep{Unit: unit, Op: OpRestart}); got != want {
			t.Errorf("%s: %q, want %q", unit, got, want)
		}
	}
}

func TestTheTableOfWaysInIsWellFormed(t *testing.T) {
	t.Parallel()
	for _, w := range waysIn() {
		for _, glob := range strings.Fields(w.paths) {
			if _, err := path.Match(glob, "x"); err != nil || !path.IsAbs(glob) || strings.HasSuffix(glob, "/") && strings.ContainsAny(glob, `*?[\`) {
				t.Errorf("%s: %q is no pattern of this table: %v", w.name, glob, err)
			}
		}
	}
}

// fileAt has git name a file at that path, which no host has yet, in place of the only one.
func (c *cluster) fileAt(name string) {
	for i, r := range c.mesh.Resources {
		if r.Addr.Kind == mesh.File {
			r.Addr.Name = name
			c.mesh.Resources[i] = r
		}
	}
	for _, s := range c.states {
		delete(s.Record.Entries, s.Resources[0].Addr.String())
		s.Resources = slices.Clone(s.Resources[1:])
		s.Absent = append(s.Absent, mesh.Address{Target: s.Target, Kind: mesh.File, Name: name})
	}
}

func TestWhatCutsAHostOffGoesToOneHostAloneFirst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, want, why string }{
		{"which restarts nothing", "/etc/sudoers.d/deploy", "m1 m2+m3+m4+m5", "m1 alone first, because /etc/sudoers.d/deploy can cut off sudo; nothing restarts, so all hosts at once"},
		{"another file", "/etc/motd", "m1+m2+m3+m4+m5", "nothing restarts, so all hosts at once"},
	} {
		c := newAgents(5, 5)
		c.fileAt(tt.file)
		p := c.plan()
		if got := order(p); got != tt.want || p.Stages[0].Why != tt.why {
			t.Errorf("%s: %s, %s", tt.name, got, p.Stages[0].Why)
		}
	}
}

// Also where nothing stops, and where policy wants no canary.
func TestAServiceThatCutsAHostOffGoesToOneHostAloneFirst(t *testing.T) {
	t.Parallel()
	c := newAgents(4, 4)
	c.mesh.Roles[0].Rollout.NoCanary = true
	for i, r := range c.mesh.Resources {
		if r.Service != nil {
			c.mesh.Resources[i].Addr.Name = "ssh"
			spec := *r.Service
			spec.On = mesh.OnReload
			c.mesh.Resources[i].Service = &spec
		}
	}
	for _, s := range c.states {
		s.Resources[1].Addr.Name = "ssh"
		s.Host.Processes["ssh"] = s.Host.Processes["zookeeper"]
	}
	c.want("new")
	p := c.plan()
	if got := ops(p); order(p) != "m1 m2+m3+m4" || got != "reload m1, reload m2, reload m3, reload m4" {
		t.Errorf("%s: %s", order(p), got)
	}
	if why := p.Stages[0].Why; !strings.HasPrefix(why, "m1 alone first, because to reload ssh can cut off SSH; ") {
		t.Error(why)
	}
}

// One host needs no other to go after it.
func TestAChangeOfOneHostIsAsItWas(t *testing.T) {
	t.Parallel()
	c := newAgents(1, 1)
	c.fileAt("/etc/ssh/sshd_config")
	if p := c.plan(); order(p) != "m1" || strings.Contains(p.Stages[0].Why, "alone") {
		t.Errorf("%s: %s", order(p), p.Stages[0].Why)
	}
}

func TestFilesOfTheWaysInAreCheckedBeforeTheyGoLive(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	stub := "#!/bin/sh\nfor f; do :; done\nif grep bad \"$f\"; then exit 1; fi\n"
	for _, program := range []string{"sshd", "visudo", "nft"} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte(stub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/x.conf", "/etc/sudoers", "/etc/sudoers.d/x", "/etc/nftables.conf"} {
		for text, accepted := range map[string]bool{"good": true, "bad": false} {
			f := filepath.Join(t.TempDir(), text)
			if err := os.WriteFile(f, []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("/bin/sh", "-c", "--", wayInCheck(name), "sh", f)
			cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin"}
			if out, err := cmd.CombinedOutput(); (err == nil) != accepted {
				t.Errorf("%s with %q: %v: %s", name, text, err, out)
			}
			cmd = exec.Command("/bin/sh", "-c", "--", wayInCheck(name), "sh", f)
			cmd.Env = []string{"PATH=/nowhere"}
			if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(name, ".d/") {
				t.Errorf("%s without the program: %v: %s", name, err, out)
			}
		}
	}
	if got := wayInCheck("/etc/hosts"); got != "" {
		t.Errorf("nothing checks /etc/hosts: %s", got)
	}
}

// What the role says goes before what meshsync knows, and what stays as it is is not checked.
func TestTheRolesOwnCheckStays(t *testing.T) {
	t.Parallel()
	c := newAgents(1, 1)
	c.fileAt("/etc/sudoers.d/x")
	if got := c.plan().Stages[0].Batches[0].Changes[0].Validate; got != wayInCheck("/etc/sudoers.d/x") {
		t.Error(got)
	}
	for i := range c.mesh.Resources {
		c.mesh.Resources[i].Validate = "mine"
	}
	if got := c.plan().Stages[0].Batches[0].Changes[0].Validate; got != "mine" {
		t.Error(got)
	}
}

// sshd itself is asked where it is there: a drop-in before the file that reads it.
func TestSSHDJudgesItsConfiguration(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sshd"); err != nil {
		if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
			t.Skip("needs sshd")
		}
	}
	for text, accepted := range map[string]bool{"HostKey %s\nAllowUsers nobody\n": true, "HostKey %s\nAlowUsers nobody\n": false} {
		dir := t.TempDir()
		key := filepath.Join(dir, "key")
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
			t.Skipf("needs ssh-keygen: %v: %s", err, out)
		}
		f := filepath.Join(dir, "new")
		if err := os.WriteFile(f, []byte(strings.ReplaceAll(text, "%s", key)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/x.conf"} {
			cmd := exec.Command("/bin/sh", "-c", "--", wayInCheck(name), "sh", f)
			cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
			if out, err := cmd.CombinedOutput(); (err == nil) != accepted {
				t.Errorf("%s with %q: %v: %s", name, text, err, out)
			}
		}
	}
}

// The plan says how long the host waits for somebody, and what is taken back on failure is confirmed, too.
func TestWhatCutsAHostOffIsToBeConfirmed(t *testing.T) {
	t.Parallel()
	c := newAgents(2, 2)
	c.fileAt("/etc/sudoers.d/deploy")
	for _, batch := range c.plan().Stages[0].Batches {
		if batch.Confirm == nil || batch.Confirm.Within != ConfirmWithin || !slices.Equal(batch.Confirm.Because, []string{"/etc/sudoers.d/deploy can cut off sudo"}) {
			t.Errorf("%+v", batch.Confirm)
		}
		if batch.Undo(nil).Confirm != batch.Confirm {
			t.Error("to take it back is not confirmed")
		}
	}
	c = newAgents(2, 2)
	c.fileAt("/etc/motd")
	if got := c.plan().Stages[0].Batches[0].Confirm; got != nil {
		t.Errorf("%+v", got)
	}
}
