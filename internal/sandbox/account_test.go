package sandbox_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// accountCalls are command lines of the account tools, in an order in which they meet each
// other: what is made, what is there already, what is not there, what is in use.
const accountCalls = `groupadd alpha
groupadd alpha
groupadd -f alpha
groupadd -g abc beta
groupadd -g 105 beta
groupadd -r -- sysg
groupadd x:y
groupadd -- -x
groupadd -g 4711 -- team
groupmod -g 8 alpha
groupmod -g 2222 -- alpha
groupmod -g 5 nosuch
groupmod -g -5 alpha
groupmod -n team alpha
groupdel nosuch
groupdel zookeeper
useradd one
useradd one
useradd -r two
useradd -u 1000 three
useradd -u abc three
useradd -g nosuch three
useradd -G nosuch,team,nope three
useradd alpha
useradd -g alpha -M -d /srv/x -s /bin/sh -- alpha
useradd -d relative five
useradd -s relative five
useradd -r -u 500 -g 0 -G team,sysg -c Six,Room -M -- six
useradd -N -u 4000 seven
useradd -u 4711 eight
usermod -u 1000 alpha
usermod -u 1777 alpha
usermod -g nosuch alpha
usermod -G nosuch alpha
usermod -G sysg,team alpha
usermod -a -G one alpha
usermod -G team six
usermod -u 5 nosuch
usermod alpha
usermod -u zz alpha
usermod -d /srv/y -s /bin/sh -g users -- six
usermod -L one
usermod -U one
usermod -l uno one
groupmod -g 4720 team
groupdel alpha
userdel nosuch
userdel six
userdel alpha
groupdel -- sysg
userdel -- uno
userdel eight
useradd -- nine`

// TestAccountToolsAreAsShadowHasThem runs the same command lines on a host and, below a
// folder of its own, with the machine's real tools: they say the same, end with the same
// codes, and leave the same files.
func TestAccountToolsAreAsShadowHasThem(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		if os.Geteuid() != 0 {
			t.Skip("the real tools change accounts for root only")
		}
		for _, tool := range []string{"useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Skipf("%s is not installed", tool)
			}
		}
		c := box(t, sandbox.Options{Hosts: example()[:1], Mode: mode})
		folder := t.TempDir()
		files := []string{"etc/passwd", "etc/group", "etc/shadow"}
		os.MkdirAll(filepath.Join(folder, "etc/default"), 0o755)
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(c.Root("m1"), f))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, f), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		// With one, as on Debian, the password of a group is there.
		os.WriteFile(filepath.Join(folder, "etc/gshadow"), nil, 0o600)
		for _, f := range []string{"/etc/login.defs", "/etc/default/useradd"} {
			if text, err := os.ReadFile(f); err == nil {
				os.WriteFile(filepath.Join(folder, f), text, 0o600)
			}
		}
		calls := strings.Split(accountCalls, "\n")
		said := strings.Split(on(t, c, "m1", strings.Join(calls, " 2>&1; echo \"$?@\"\n")+" 2>&1; echo \"$?@\"\n"), "@\n")
		if len(said) != len(calls)+1 {
			t.Fatalf("%d of %d calls came to an end", len(said)-1, len(calls))
		}
		for i, line := range calls {
			if want := underPrefix(t, folder, line); said[i]+"\n" != want {
				t.Errorf("%s\nsays %s\nwant %s", line, said[i], want)
			}
		}
		for _, f := range files {
			got, err1 := os.ReadFile(filepath.Join(c.Root("m1"), f))
			want, err2 := os.ReadFile(filepath.Join(folder, f))
			if err1 != nil || err2 != nil || string(got) != string(want) {
				t.Errorf("%s: %v %v\n%s\nwant\n%s", f, err1, err2, got, want)
			}
		}
		before := on(t, c, "m1", "getent passwd")
		got := on(t, c, "m1", `getent group -- nine nosuch; echo $?; getent passwd 1000; getent foo 2>&1; echo $?; getent hosts m1
getent services ssh >/dev/null && echo services; touch $R/tmp/f && chown nine:nine $R/tmp/f && stat -c %U:%G $R/tmp/f
getent passwd | while IFS=: read -r n _ u _; do getent passwd "$u" >/dev/null || echo "$n has no number"; done`)
		want := "nine:x:4001:\n2\nops:x:1000:1000:Operations:/:/bin/sh\n" +
			"Unknown database: foo\nTry `getent --help' or `getent --usage' for more information.\n1\n127.0.1.1       m1\nservices\nnine:nine\n"
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		client, err := dial(t, c, "m1")
		if err != nil {
			t.Fatal(err)
		}
		if r := command(t, client, "useradd evil", ""); r.code != 1 || r.err != "useradd: Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.\n" {
			t.Errorf("a user who is not root: %+v", r)
		}
		if after := on(t, c, "m1", "getent passwd"); after != before {
			t.Errorf("they changed: %s", after)
		}
	})
}

// underPrefix runs a real tool on the files below a folder.
func underPrefix(t *testing.T, folder, line string) string {
	t.Helper()
	f := strings.Fields(line)
	cmd := exec.Command(f[0], append([]string{"-P", folder}, f[1:]...)...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s%d\n", out, cmd.ProcessState.ExitCode())
}
