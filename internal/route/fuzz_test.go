package route

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meshsync.dev/meshsync/internal/mesh"
)

// grammar is all that a file of backends may have.
var grammar = regexp.MustCompile(`^(` + regexp.QuoteMeta(header) + `)(\n(# name [a-z0-9.-]+\n)+backend [a-z0-9._-]+\n` + regexp.QuoteMeta(settings) +
	`(    server s[0-9]+ (127\.0\.0\.1:1 disabled|[0-9a-f.:\[\]]+:[0-9]+ # [A-Za-z0-9._-]+)\n)+)*$`)

// hostile is an app all of whose texts are somebody else's.
func hostile(id, label, value, host, task, ip string, port int) []mesh.RunningApp {
	plain := web("/www", "10.0.0.21:31000")
	app := mesh.RunningApp{
		Marathon: "main", ID: id, Instances: port, Checked: port%2 == 0,
		Labels: map[string]string{label: value, "HAPROXY_0_VHOST": value},
		Ports:  []mesh.AppPort{{Protocol: "tcp"}, {Protocol: label, Container: port, Host: -1}, {Host: port}},
		Tasks: []mesh.Task{
			{ID: task, Running: true, Host: host, Ports: []int{port}, Addresses: []string{ip}, Health: []bool{true}},
			{ID: host, Running: true, Host: "10.0.0.1", Ports: []int{port, 80}, Addresses: []string{host}, Health: []bool{true}},
		},
	}
	return []mesh.RunningApp{plain, app}
}

// FuzzNothingOfMarathonsBecomesConfiguration: whatever an app says, the files have no line that is not meant, and the table is
// read back from them as it was. What of it is no name or address is only told, within quotes.
func FuzzNothingOfMarathonsBecomesConfiguration(f *testing.F) {
	f.Add("/x", "HAPROXY_1_VHOST", "a.example.com", "a1", "x.instance-1", "10.0.0.5", 31000)
	f.Add("/x\nbackend y", "HAPROXY_1_VHOST", "a\n    server evil 6.6.6.6:80", "a1 check\n", "t\nglobal", "::1%eth0", 65536)
	f.Add("/www", "HAPROXY_0_VHOST", "www", "10.0.0.1", "www.instance-1", "fd00::1", 80)
	f.Add("x y", "HAPROXY_2_VHOST", "#,\\,\",%[env(HOME)],${HOME}", "0.0.0.0", "# disabled", "224.0.0.1", -1)
	f.Add("/a/b", "HAPROXY_0_ENABLED", "false", "::ffff:10.0.0.1", "", "", 0)
	f.Fuzz(func(t *testing.T, id, label, value, host, task, ip string, port int) {
		in := Input{Apps: hostile(id, label, value, host, task, ip, port), Addresses: map[string]netip.Addr{"a1": netip.MustParseAddr("10.0.0.21")}}
		first, left := Make(in)
		in.Before = first
		second, _ := Make(in)
		for _, table := range []Table{first, second} {
			text := table.Text()
			if !grammar.MatchString(text) {
				t.Fatalf("a line that is not meant:\n%s", text)
			}
			again, err := Parse(text)
			if d := cmp.Diff(table, again, cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()); err != nil || d != "" {
				t.Fatalf("not read back as it was written: %v\n%s", err, d)
			}
			for line := range strings.Lines(table.Names()) {
				if !regexp.MustCompile(`^[a-z0-9.-]+ [a-z0-9._-]+\n$`).MatchString(line) {
					t.Fatalf("a name that is not meant: %q", line)
				}
			}
		}
		if first.Text() != second.Text() {
			t.Fatalf("a second run without a change is none: %s", cmp.Diff(first.Text(), second.Text()))
		}
		for _, l := range left {
			if strings.ContainsFunc(l.String(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("what is told has control characters: %q", l)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	table, _ := Make(Input{Apps: []mesh.RunningApp{web("/www", "10.0.0.21:31000", "[fd00::1]:2")}})
	f.Add(table.Text())
	f.Add(header + "backend x\nserver a b c d e f\nserver s1 127.0.0.1:1 disabled\n# name\n")
	f.Add("")
	f.Add("global\n")
	f.Fuzz(func(_ *testing.T, text string) {
		t, err := Parse(text)
		if err == nil {
			_, _ = Make(Input{Apps: []mesh.RunningApp{web("/www", "10.0.0.21:31000")}, Before: t})
		}
	})
}

func FuzzParseLive(f *testing.F) {
	f.Add("1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_port\n3 main_www_0 1 s1 127.0.0.1 0 5 1\n",
		"# bkname/svname bkid/svid addr port - purge_delay used_cur\nmain_www_0/s1 3/1 127.0.0.1 1 - 5000 2\n")
	f.Add("# be_name\n#", "# bkname/svname\n/")
	f.Fuzz(func(_ *testing.T, state, conn string) {
		live, err := ParseLive(state, conn)
		table, _ := Make(Input{Apps: []mesh.RunningApp{web("/www", "10.0.0.21:31000")}})
		if err == nil {
			_, _ = table.Steps(live)
		}
	})
}

// TestHAProxyTakesWhatIsMade asks the real one, of the plain case and of the hostile one.
func TestHAProxyTakesWhatIsMade(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("haproxy"); err != nil {
		t.Skip("there is no haproxy")
	}
	apps := hostile("/x", "HAPROXY_1_VHOST", "a.example.com,b\nbind :1", "10.0.0.21", "t\nglobal", "fd00::1", 31000)
	apps = append(apps, web("/shop/web", "10.0.0.21:31002", "[fd00::7]:80"), web("/idle"))
	table, _ := Make(Input{Apps: apps})
	dir := t.TempDir()
	for name, text := range map[string]string{"base.cfg": base(dir), "route.cfg": table.Text(), "route.map": table.Names(), "empty.cfg": Table{}.Text()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"route.cfg", "empty.cfg"} {
		out, err := exec.CommandContext(t.Context(), "haproxy", "-c", "-f", filepath.Join(dir, "base.cfg"), "-f", filepath.Join(dir, file)).CombinedOutput()
		if err != nil || strings.Contains(string(out), "WARNING") {
			t.Errorf("%s: %v\n%s\n%s", file, err, out, table.Text())
		}
	}
}

// base is what goes before the backends, as docs/route.md has it.
func base(dir string) string {
	return `global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
frontend apps
    bind ` + dir + `/http.sock
    option forwardfor
    http-request set-var(txn.host) req.hdr(host),field(1,:),lower
    http-request set-var(txn.app) var(txn.host),map_str(` + dir + `/route.map)
    http-request set-var(txn.app) var(txn.host),field(1,.),map_str(` + dir + `/route.map) if !{ var(txn.app) -m found }
    use_backend %[var(txn.app)] if { var(txn.app) -m found }
    default_backend no_app
backend no_app
    http-request return status 503 content-type text/plain string "no app for this host"
`
}
