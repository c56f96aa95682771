package sandbox_test

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestHAProxyLooksAtItsFiles compares with what haproxy 2.6.12 says of the same files, and
// with systemd about a unit that can be reloaded.
func TestHAProxyLooksAtItsFiles(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Mode: mode, Timing: quick(), Hosts: []sandbox.HostOptions{{
			Name: "m1", Packages: []sandbox.PackageOptions{{Name: "haproxy"}}, Units: []sandbox.UnitOptions{{Name: "haproxy", Reload: true}},
		}}})
		for _, x := range []struct{ do, want string }{
			{"haproxy -c -f /etc/hosts", "haproxy: not found\n127\n"},
			{"apt-get -y install haproxy >/dev/null; systemctl show -p CanReload haproxy; systemctl reload haproxy; echo $?; systemctl stop haproxy; systemctl reload haproxy", "CanReload=yes\n0\n" +
				"Job for haproxy.service failed because the control process exited with error code.\n" +
				"See \"systemctl status haproxy.service\" and \"journalctl -xeu haproxy.service\" for details.\n" +
				"sandbox: haproxy.service: unit is not active, cannot reload\n1\n"},
			{"printf 'frontend a\\n    bind :1\\n' >$R/srv/a; : >$R/srv/b; haproxy -c -f $R/srv/a -f $R/srv/b", "Configuration file is valid\n0\n"},
			{"printf 'global\\n' >$R/srv/a; haproxy -c -f $R/srv/a", "Configuration file has no error but will not start (no listener) => exit(2).\n2\n"},
			{"printf 'bind :1\\n' >$R/srv/a; haproxy -c -f $R/srv/a", "ROOT/srv/a] : unknown keyword 'bind' out of section.\n1\n"},
			{"printf 'global' >$R/srv/a; haproxy -c -f $R/srv/a", "ROOT/srv/a] : Missing LF on last line, file might have been truncated.\n1\n"},
			{"printf 'defaults\\n    contimeout 5\\n' >$R/srv/a; haproxy -c -f $R/srv/a", "ROOT/srv/a] : the 'contimeout' directive is not supported anymore since HAProxy 2.1.\n1\n"},
			{"haproxy -c -f $R/srv/none", "ROOT/srv/none : No such file or directory\n1\n"},
			{"haproxy -f $R/srv/a", "sandbox: of haproxy only -c -f FILE is answered\n1\n"},
		} {
			got := on(t, c, "m1", "{ "+x.do+"; } 2>&1; echo $?")
			for _, alert := range []string{"parsing [", "file/directory "} {
				if _, rest, ok := strings.Cut(got, alert); ok {
					got = strings.Replace(rest, rest[:strings.Index(rest, "/srv/")], "ROOT", 1)
				}
			}
			if got != x.want {
				t.Errorf("%s\nsays %s\nwant %s", x.do, got, x.want)
			}
		}
	})
}
