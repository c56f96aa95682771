package sandbox_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestToolsLeaveTheMachineAlone runs all of them, and compares what they would change if they
// were the machine's own. That meshsync's scripts leave it alone, too, e2e/hosts sees.
func TestToolsLeaveTheMachineAlone(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := packageBox(t, mode)
		settings := []string{"/proc/sys/net/ipv4/ip_forward", "/proc/sys/vm/swappiness", "/proc/sys/net/ipv4/tcp_rmem"}
		watched := []string{"/etc", "/var/lib/dpkg", "/var/lib/apt", "/var/cache/debconf", "/usr/sbin", "/lib/systemd/system"}
		look := func() []string {
			out := tree(t, watched...)
			for _, f := range settings {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, f+" "+string(text))
			}
			for _, m := range []string{"dummy", "bonding"} { // of others the kernel loads some when it likes
				if _, err := os.Stat("/sys/module/" + m); err == nil {
					out = append(out, "module "+m)
				}
			}
			return out
		}
		before := look()
		on(t, c, "m1", `groupadd -g 6666 evil && useradd -u 6666 -g evil evil && apt-get -y install mesos zookeeperd && apt-mark hold zookeeperd
echo 'evil evil/q string x' | debconf-set-selections && sysctl -q -w vm.swappiness=13 && modprobe dummy && systemctl disable -q --now zookeeper && systemctl mask -q zookeeper`)
		on(t, c, "m1", `usermod -s /bin/evil ops; userdel evil; groupadd worse; sysctl -q -w net.ipv4.ip_forward=1; modprobe bonding
dpkg --configure -a; apt-get update; apt-get -y purge mesos; printf 'curl hold\n' | dpkg --set-selections
ln -s /etc $R/etc/evil; rm -rf $R/etc/mesos; ln -s /etc $R/etc/mesos; apt-get -y install mesos || :
rm $R/etc/passwd; ln -s /etc/passwd $R/etc/passwd; useradd again || :
rm -r $R/proc; ln -s /proc $R/proc; sysctl -w vm.swappiness=11 || :
rm -r $R/var/lib/dpkg; ln -s /var/lib/dpkg $R/var/lib/dpkg; apt-mark hold curl || :
`)
		if after := look(); !slices.Equal(before, after) {
			t.Errorf("changed on the machine:\n%s", strings.Join(difference(before, after), "\n"))
		}
		if err := c.Close(); err != nil { // and boots with such links
			t.Fatal(err)
		}
		kindsAgain := sandbox.Options{Dir: filepath.Dir(filepath.Dir(c.Root("m1"))), Mode: mode, Hosts: []sandbox.HostOptions{{Name: "m1", Packages: packagesOfM1()}}}
		box(t, kindsAgain)
		if after := look(); !slices.Equal(before, after) {
			t.Errorf("a boot changed on the machine:\n%s", strings.Join(difference(before, after), "\n"))
		}
	})
}

// TestToolsOnAFullDisk fails them where they need room, and leaves what was there.
func TestToolsOnAFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a full disk needs namespaces")
	}
	c := packageBox(t, "namespaces")
	before := on(t, c, "m1", "getent passwd; getent group; cat $R/var/lib/dpkg/status")
	fault(t, c, "full-disk", "")
	if got := says(t, c, "useradd full"); got != "useradd: failure while writing changes to /etc/shadow\n1\n" {
		t.Errorf("useradd on a full disk: %s", got)
	}
	if got := says(t, c, "apt-get -y install mesos"); !strings.Contains(got, "No space left on device") || !strings.HasSuffix(got, "\n100\n") {
		t.Errorf("apt-get on a full disk: %s", got)
	}
	if after := on(t, c, "m1", "getent passwd; getent group; cat $R/var/lib/dpkg/status"); after != before {
		t.Errorf("it left %s", after)
	}
	fault(t, c, "full-disk", "1000")
	use := "useradd %s && : >$R/tmp/%s && chown %s: $R/tmp/%s && stat -c %%U $R/tmp/%s"
	for _, name := range []string{"small", "again"} {
		if got := says(t, c, strings.ReplaceAll(strings.ReplaceAll(use, "%s", name), "%%", "%")); got != name+"\n0\n" {
			t.Errorf("a new user on a small disk: %s", got)
		}
	}
	fault(t, c, "full-disk", "off")
	if got := says(t, c, "stat -c %U $R/tmp/small; sed -i s/^small:/tiny:/ $R/etc/passwd; useradd late; stat -c %U $R/tmp/small; apt-get -y install mesos >/dev/null"); got != "small\ntiny\n0\n" {
		t.Errorf("afterwards: %s", got)
	}
}
