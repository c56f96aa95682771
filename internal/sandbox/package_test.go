package sandbox_test

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// packagesOfM1 are what the mesh of these tests names.
func packagesOfM1() []sandbox.PackageOptions {
	return []sandbox.PackageOptions{
		{Name: "mesos", Versions: []string{"1.11.*", "1.10.0-1"}},
		{Name: "zookeeperd"},
		{Name: "haproxy", Versions: []string{"any"}},
		{Name: "tool", Versions: []string{"2.0-1", "1.0-1"}, Files: map[string]string{"/usr/bin/tool": "x"}},
	}
}

// packageBox is a sandbox whose only host gets its services by packages.
func packageBox(t *testing.T, mode sandbox.Mode) *sandbox.Cluster {
	t.Helper()
	return box(t, sandbox.Options{Mode: mode, Timing: quick(), Hosts: []sandbox.HostOptions{{
		Name: "m1", Packages: packagesOfM1(), Units: []sandbox.UnitOptions{
			{Name: "zookeeper", Kind: "zookeeper"}, {Name: "mesos-master", Kind: "mesos-master"}, {Name: "haproxy"}, {Name: "logshipper"},
		},
	}}})
}

// lines are those of a text that begin with one of the words.
func lines(text string, words ...string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		for _, w := range words {
			if strings.HasPrefix(l, w) {
				b.WriteString(l)
				break
			}
		}
	}
	return b.String()
}

const states = "dpkg-query -W -f '${Package} ${db:Status-Want} ${db:Status-Status} ${Version}\\n' "

// TestAptAndDpkgSpeakAsDebians compares with what apt 2.6.1 and dpkg 1.21.22 say.
func TestAptAndDpkgSpeakAsDebians(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := packageBox(t, mode)
		for _, x := range []struct{ do, want string }{
			{"apt-get -y install x zookeeperd=9 mesos=9", "E: Unable to locate package x\nE: Version '9' for 'zookeeperd' was not found\nE: Version '9' for 'mesos' was not found\n100\n"},
			{"apt-get frob", "E: Invalid operation frob\n100\n"},
			{"apt-get install --frob x", "E: Command line option --frob is not understood in combination with the other options\n100\n"},
			{"apt-cache policy mesos nosuch curl", "mesos:\n  Installed: (none)\n  Candidate: 1.11.0-2\n  Version table:\n     1.11.0-2 500\n" +
				"        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n     1.10.0-1 500\n        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n" +
				"curl:\n  Installed: 7.88.1-10+deb12u12\n  Candidate: 7.88.1-10+deb12u12\n  Version table:\n *** 7.88.1-10+deb12u12 500\n" +
				"        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\n0\n"},
			{states + "-- mesos nosuch", "dpkg-query: no packages found matching mesos\ndpkg-query: no packages found matching nosuch\n1\n"},
			{"apt-get -s -q -y install zookeeperd zookeeper", "Inst zookeeper (3.8.0-11+deb12u2 Debian:12.11/stable [amd64])\n" +
				"Inst zookeeperd (3.8.0-11+deb12u2 Debian:12.11/stable [amd64])\nConf zookeeper (3.8.0-11+deb12u2 Debian:12.11/stable [amd64])\n" +
				"Conf zookeeperd (3.8.0-11+deb12u2 Debian:12.11/stable [amd64])\n0\n"},
			{states + "zookeeper", "dpkg-query: no packages found matching zookeeper\n1\n"},
			{"apt-get -y install zookeeperd mesos=1.10.0-1", "0\n"},
			{states + "'zookeeper*' mesos", "mesos install installed 1.10.0-1\nzookeeper install installed 3.8.0-11+deb12u2\nzookeeperd install installed 3.8.0-11+deb12u2\n0\n"},
			{"apt-get -y install mesos=1.11.*", "0\n"},
			{"apt-get -y install mesos=1.10.0-1", "E: Packages were downgraded and -y was used without --allow-downgrades.\n100\n"},
			{"apt-get -y install --allow-downgrades mesos=1.10.0-1", "0\n"},
			{"apt-mark hold mesos; apt-mark showhold; apt-mark hold mesos; apt-mark hold nosuch", "mesos set on hold.\nmesos\nmesos was already set on hold.\nE: Unable to locate package nosuch\nE: No packages found\n100\n"},
			{"apt-get -y install mesos", "E: Held packages were changed and -y was used without --allow-change-held-packages.\n100\n"},
			{"apt-get -y install --allow-change-held-packages mesos; " + states + "mesos", "mesos hold installed 1.11.0-2\n0\n"},
			{"apt-mark unhold mesos; " + states + "mesos", "Canceled hold on mesos.\nmesos install installed 1.11.0-2\n0\n"},
			{"apt-get -s -q remove -- zookeeper", "Remv zookeeperd [3.8.0-11+deb12u2]\nRemv zookeeper [3.8.0-11+deb12u2]\n0\n"},
			{"apt-get -s -q remove -- haproxy", "Package 'haproxy' is not installed, so not removed\n0\n"},
			{"apt-get remove -- zookeeperd </dev/null", "1\n"},
			{"apt-get -y remove -- mesos; " + states + "mesos; systemctl show -p LoadState --value mesos-master", "mesos deinstall config-files 1.11.0-2\nnot-found\n0\n"},
			{"apt-get -y purge mesos; " + states + "mesos; ls $R/etc/mesos", "dpkg-query: no packages found matching mesos\nls: cannot access '" + c.Root("m1") + "/etc/mesos': No such file or directory\n2\n"},
			{"dpkg --configure -a; dpkg --configure curl", "dpkg: error processing package curl (--configure):\n1\n"},
			{"dpkg --print-architecture; dpkg --compare-versions 1.2 lt 1.10; echo $?", "amd64\n0\n0\n"},
			{"dpkg -L zookeeperd | grep service; dpkg -S zookeeper.service", "/usr/lib/systemd/system/zookeeper.service\nzookeeperd: /usr/lib/systemd/system/zookeeper.service\n0\n"},
			{"rm -f $R/var/lib/apt/lists/*; touch -d 2001-01-01 $R/var/lib/apt/lists; apt-get -q update; find $R/etc/apt -newer $R/var/lib/apt/lists", "0\n"},
		} {
			got := says(t, c, strings.ReplaceAll(x.do, "apt-get", "DEBIAN_FRONTEND=noninteractive apt-get"))
			if strings.Contains(x.do, "apt-get") {
				got = lines(got, "E:", "Inst", "Conf", "Remv", "Package '", "dpkg-query:", "mesos ", "Canceled", "not-found", "ls:", "0", "1", "2")
				got = strings.ReplaceAll(got, "0 upgraded", "\x00")
				got = strings.Join(strings.FieldsFunc(got, func(r rune) bool { return r == '\n' }), "\n") + "\n"
				got = withoutCounts(got)
			} else if strings.HasPrefix(x.do, "dpkg --configure") {
				got = lines(got, "dpkg:", "0", "1")
			}
			if got != x.want {
				t.Errorf("%s\nsays %s\nwant %s", x.do, got, x.want)
			}
		}
		client, err := dial(t, c, "m1")
		if err != nil {
			t.Fatal(err)
		}
		if r := command(t, client, "apt-get -y install haproxy", ""); r.code != 100 || !strings.Contains(r.err, "are you root?") {
			t.Errorf("a user who is not root: %+v", r)
		}
	})
}

// withoutCounts drops apt's line of how many packages change.
func withoutCounts(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		if !strings.Contains(l, "newly installed") && !strings.HasPrefix(l, "\x00") {
			b.WriteString(l)
		}
	}
	return b.String()
}

// TestAPackageStartsItsServices unless policy-rc.d forbids it, and tells when nothing does.
func TestAPackageStartsItsServices(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := packageBox(t, mode)
		state := "; systemctl show -p LoadState,ActiveState,UnitFileState haproxy | tr '\\n' ' '"
		policy := "printf '#!/bin/sh\\necho \"$*\" >>$R/tmp/asked\\nexit 101\\n' >$R/usr/sbin/policy-rc.d; chmod 755 $R/usr/sbin/policy-rc.d; "
		for _, x := range []struct{ do, want string }{
			{"true" + state, "LoadState=not-found ActiveState=inactive UnitFileState= 0\n"},
			{"apt-get -y install haproxy >/dev/null" + state, "LoadState=loaded ActiveState=active UnitFileState=enabled 0\n"},
			{"apt-get -y remove haproxy >/dev/null" + state, "LoadState=not-found ActiveState=inactive UnitFileState= 0\n"},
			{
				"apt-get -y purge haproxy >/dev/null; " + policy + "apt-get -y install haproxy >/dev/null" + state,
				"/usr/sbin/policy-rc.d returned 101, not running 'start haproxy.service'\nLoadState=loaded ActiveState=inactive UnitFileState=enabled 0\n",
			},
			{"cat $R/tmp/asked", "haproxy.service start\n0\n"},
			{"systemctl start haproxy; apt-get -y install --reinstall haproxy >/dev/null 2>&1" + state, "LoadState=loaded ActiveState=active UnitFileState=enabled 0\n"},
			{
				"rm $R/usr/sbin/policy-rc.d; systemctl disable -q haproxy 2>/dev/null; systemctl mask --now haproxy 2>/dev/null; apt-get -y install --reinstall haproxy >/dev/null" + state,
				"LoadState=masked ActiveState=inactive UnitFileState=masked 0\n",
			},
		} {
			if got := says(t, c, x.do); got != x.want {
				t.Errorf("%s\nsays %s\nwant %s", x.do, got, x.want)
			}
		}
	})
}

// TestFaultsOfPackages makes each fault, and takes it away.
func TestFaultsOfPackages(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := packageBox(t, mode)
		fault(t, c, "apt-lock", "")
		locked := "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)\n" +
			"E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?\n100\n"
		if got := says(t, c, "apt-get -y install tool"); got != locked {
			t.Errorf("apt-lock: %s", got)
		}
		if got := says(t, c, "apt-get update"); !strings.HasPrefix(got, "E: Could not get lock /var/lib/apt/lists/lock.") || !strings.HasSuffix(got, "\n100\n") {
			t.Errorf("apt-lock: %s", got)
		}
		fault(t, c, "apt-lock", "off")
		fault(t, c, "postinst-fails", "tool")
		if got := says(t, c, "apt-get -y install tool=1.0-1"); !strings.Contains(got, "dpkg: error processing package tool (--configure)") || !strings.HasSuffix(got, "\n100\n") {
			t.Errorf("postinst-fails: %s", got)
		}
		if got := says(t, c, states+"tool; dpkg --configure -a"); got != "tool install half-configured 1.0-1\nSetting up tool (1.0-1) ...\n"+
			"dpkg: error processing package tool (--configure):\n installed tool package post-installation script subprocess returned error exit status 1\n"+
			"Errors were encountered while processing:\n tool\n1\n" {
			t.Errorf("postinst-fails: %s", got)
		}
		fault(t, c, "postinst-fails", "off")
		if got := says(t, c, "dpkg --configure -a >/dev/null; "+states+"tool"); got != "tool install installed 1.0-1\n0\n" {
			t.Errorf("after the faults: %s", got)
		}
		if err := c.Fault("m1", "postinst-fails", "nosuch"); err == nil {
			t.Error("a package that nobody has can fail")
		}
		if err := c.Fault("m1", "start-fails", "haproxy"); err != nil {
			t.Errorf("a unit whose package is not there yet cannot be made to fail: %v", err)
		}
	})
}
