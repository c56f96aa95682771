package sandbox_test

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

func TestScriptsRunAsRootBySudo(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()})
	for _, host := range []string{"m1", "m2", "m3", "a1", "a2"} {
		got := on(t, c, host, "id -u; cat $R/etc/hostname; systemctl show -p LoadState,Id nothing logshipper.service")
		want := "0\n" + host + "\nId=nothing.service\nLoadState=not-found\n\nId=logshipper.service\nLoadState=loaded\n"
		if c.Mode() != "namespaces" {
			_, got, _ = strings.Cut(got, "\n") // another user
			_, want, _ = strings.Cut(want, "\n")
		}
		if got != want {
			t.Errorf("%s says\n%s\nwant\n%s", host, got, want)
		}
	}
}
