package sandbox_test

import (
	"os/exec"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestStubsTakeTurns runs many at once, kills one amid its work, and sends one a line end.
func TestStubsTakeTurns(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Hosts: example()[:1], Mode: mode})
		got := on(t, c, "m1", `for i in 1 2 3 4 5 6 7 8; do
	(for u in root ops root ops root; do getent passwd $u; systemctl is-active logshipper >/dev/null; done >$R/tmp/out$i) &
done
wait
for i in 1 2 3 4 5 6 7 8; do sha256sum <$R/tmp/out$i; done | sort -u | wc -l
grep -c . $R/tmp/out1
getent passwd "ro
ot" 2>&1
for s in 1 2 3 4 5 6; do getent passwd >/dev/null & kill -TERM $! 2>/dev/null; wait $!; done
getent passwd root`)
		want := "1\n5\ngetent: the sandbox takes no argument with a line end\nroot:x:0:0:root:/root:/bin/sh\n"
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestAToolIsOneProcess counts what a script's calls start: as many as it names.
func TestAToolIsOneProcess(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
			t.Skip("strace cannot trace here")
		}
		c := box(t, sandbox.Options{Hosts: example()[:1], Mode: mode})
		got := on(t, c, "m1", `echo 'getent passwd root; useradd one; apt-get -q -y install jq; dpkg-query -W jq
apt-mark hold jq; modprobe dummy; sysctl -n vm.swappiness; systemctl is-active logshipper; echo a a/b string c | debconf-set-selections' >$R/tmp/calls
strace -f -qq -e trace=execve,clone,clone3,fork,vfork -o $R/tmp/trace /bin/sh $R/tmp/calls >/dev/null 2>&1; grep -c 'execve(' $R/tmp/trace
again=$(grep -c ERESTARTNOINTR $R/tmp/trace) # forks that a signal interrupted, which were made once more
echo $(($(grep -Ec '(clone3?|v?fork)[(]' $R/tmp/trace) - again)); dpkg-query -W -f '${Status}' jq`)
		if got != "10\n10\nhold ok installed" {
			t.Errorf("want the shell and nine programs, forked once each, and an echo in a pipeline: %s", got)
		}
	})
}
