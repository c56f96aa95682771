package sandbox_test

import (
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
