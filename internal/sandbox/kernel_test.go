package sandbox_test

import (
	"os"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestAHostHasAKernelOfItsOwn sets what stands below /proc/sys, loads modules, and boots.
func TestAHostHasAKernelOfItsOwn(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		o := sandbox.Options{Hosts: example()[:1], Mode: mode, Dir: publicDir(t)}
		c := box(t, o)
		release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
		for _, x := range []struct{ do, want string }{
			{"sysctl -n net.ipv4.ip_forward; sysctl -w net.ipv4.ip_forward=1; cat $R/proc/sys/net/ipv4/ip_forward", "0\nnet.ipv4.ip_forward = 1\n1\n0\n"},
			{"sysctl net.ipv4.no_such", "sysctl: cannot stat /proc/sys/net/ipv4/no_such: No such file or directory\n1\n"},
			{"ls -d $R/sys/module/br_netfilter $R/proc/sys/net/bridge 2>/dev/null", "2\n"},
			{"modprobe br-netfilter && cat $R/proc/sys/net/bridge/bridge-nf-call-iptables && ls $R/sys/module | grep -x llc", "1\nllc\n0\n"},
			{"modprobe -- frobnicator", "modprobe: FATAL: Module frobnicator not found in directory /lib/modules/" + string(release) + "1\n"},
			{"modprobe -r dummy; modprobe dummy && modprobe -r dummy && ls -d $R/sys/module/dummy 2>/dev/null", "2\n"},
			{"modprobe ext4; modprobe -r ext4", "modprobe: FATAL: Module ext4 is builtin.\n1\n"},
			{"mkdir -p $R/etc/sysctl.d $R/etc/modules-load.d; echo 'vm.swappiness = 7' >$R/etc/sysctl.d/50-x.conf; echo dummy >$R/etc/modules-load.d/x.conf; " +
				"sysctl -q --system; cat $R/proc/sys/vm/swappiness", "7\n0\n"},
			{"echo 3 >$R/proc/sys/vm/swappiness", "0\n"},
		} {
			if got := says(t, c, x.do); got != x.want {
				t.Errorf("%s\nsays %s\nwant %s", x.do, got, x.want)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = box(t, o) // a boot
		got := says(t, c, "cd $R; cat proc/sys/vm/swappiness proc/sys/net/ipv4/ip_forward; ls -d sys/module/dummy sys/module/bridge 2>/dev/null")
		if got != "7\n0\nsys/module/dummy\n2\n" {
			t.Errorf("after a boot: %s", got)
		}
	})
}
