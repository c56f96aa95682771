//go:build linux

package hosts

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// nasty are values that would be code, an option or a pattern if they were not data.
var nasty = []string{
	`a b`, `it's`, `"q"`, `$(touch meshsync-canary)`, "`touch meshsync-canary`", `;touch meshsync-canary;`, `$HOME`, `-rf`, `*`, `?[a]`,
	`a\b`, `%s`, `!x`, `#x`, `~`, `ä ö`, `'"'"'`, `a  b`, `${R}`, `&`, `|x`, `>x`,
}

// The tools of the real host read some of these in ways of their own: debconf, awk, apt.
func TestValuesAreDataOnARealHost(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Must(t, "mkdir -p /srv/t; chmod 755 /srv/t")
	var want []mesh.Resource
	for i, v := range []string{`a\n b`, `back\`, ` lead`, `trail `, ``, `a\\b`} {
		text, _ := json.Marshal(v)
		want = append(want, m.declare(t, "debconf", fmt.Sprintf("y y/q%d string", i), fmt.Sprintf(`{"value": %s}`, text)))
	}
	for i, v := range nasty {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, m.all(t,
			"debconf", fmt.Sprintf("x x/q%d string", i), fmt.Sprintf(`{"value": %s}`, text),
			"files", "/srv/t/"+v, fmt.Sprintf(`{"content": %s, "mode": "0644", "owner": "root", "group": "root", "check": "test -e %%s"}`, text),
			"symlinks", fmt.Sprintf("/srv/t/l%d", i), fmt.Sprintf(`{"to": %s}`, text),
			"users", fmt.Sprintf("u%d", i), fmt.Sprintf(`{"home": %q, "system": true}`, "/srv/t/"+`h`),
			"commands", fmt.Sprintf("c%d", i), fmt.Sprintf(`{"test": "test -e /srv/t/c%d", "run": "touch /srv/t/c%d # "}`, i, i))...)
	}
	m.converge(t, want)
	m.holds(t, "! find / -xdev -name meshsync-canary | grep .")
}

// What is in /etc/hosts others wrote, in their spellings.
func TestHostsEntriesInTheirSpellings(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	for _, x := range []struct{ name, line, address, was, is string }{
		{"a carriage return", `10.9.9.1 a b\r`, "10.9.9.1", "a b", `10.9.9.1\tc`},
		{"no names and a carriage return", `10.9.9.6\r`, "10.9.9.6", "", `10.9.9.6\tc`},
		{"a blank of another alphabet", `10.9.9.5 x\302\240y`, "10.9.9.5", "x\u00a0y", `10.9.9.5\tc`},
		{"a comment behind", "10.9.9.7\t a  b#c", "10.9.9.7", "a b", `10.9.9.7\tc`},
		{"capitals", `2001:DB8::1 old`, "2001:db8::1", "old", `2001:db8::1\tc`},
		{"all zeros", `2001:0db8:0:0:0:0:0:2 old`, "2001:db8::2", "old", `2001:db8::2\tc`},
	} {
		t.Run(x.name, func(t *testing.T) {
			m.Must(t, "printf '"+x.line+"\\n' >>/etc/hosts")
			want := m.all(t, "hostsEntries", x.address, `{"names": ["c"]}`)
			h := m.target(t, want)
			p := m.planned(t, h, want)
			if got := fmt.Sprint(p.Stages[0].Batches[0].Changes[0].Before["names"]); got != x.was {
				t.Errorf("it has %q, want %q", got, x.was)
			}
			result(t, m.applied(t, h, p), "update "+x.address, plan.ResultDone, "")
			m.settled(t, want)
			m.holds(t, `tail -n 1 /etc/hosts | grep -qxF "$(printf '`+x.is+`')"`)
		})
	}
	t.Run("numbers that are equal to some awk", func(t *testing.T) {
		m.Must(t, `printf '127.10 keep\n10.10 keep\n' >>/etc/hosts`)
		m.converge(t, m.all(t, "hostsEntries", "127.1", `{"names": ["c"]}`))
		m.holds(t, "grep -qx '127.10 keep' /etc/hosts && grep -q '^127.1.c$' /etc/hosts")
	})
	t.Run("a link", func(t *testing.T) {
		m.Must(t, "cp /etc/hosts /srv/hosts; ln -sf /srv/hosts /etc/hosts")
		got := m.apply(t, m.all(t, "hostsEntries", "10.9.9.8", `{"names": ["c"]}`))
		result(t, got, "create 10.9.9.8", plan.ResultFailed, "/etc/hosts is no regular file")
		m.holds(t, "[ -L /etc/hosts ] && ! grep 10.9.9.8 /srv/hosts")
	})
}

// The kernel takes a value for another one, or keeps nothing of it.
func TestASettingThatReadsBackOtherwise(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	want := m.all(t, "sysctls", "net.ipv4.ip_default_ttl", `{"value": "0x41"}`)
	result(t, m.apply(t, want), "update net.ipv4.ip_default_ttl", plan.ResultFailed, "the kernel took 0x41 for net/ipv4/ip_default_ttl, and tells 65 now")
	want = m.all(t, "sysctls", "net.ipv4.route.flush", `{"value": "1"}`)
	s := m.target(t, want).Observe(t.Context())
	if len(s.Unknown) != 1 || !strings.Contains(s.Unknown[0].Reason, "wants a command") {
		t.Errorf("of a setting that can only be written it is said: unknown %+v, absent %+v", s.Unknown, s.Absent)
	}
	m.converge(t, m.all(t, "sysctls", "net.ipv4.tcp_wmem", `{"value": "4096 16384 4194304"}`))
}

// What an account may not read is unknown to it, and not absent.
func TestWhatAnAccountMayNotReadIsUnknown(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Must(t, `mkdir -p /srv/pub/v1 /opt/closed /opt/open; echo 1 >/srv/pub/v1/f; cd /srv/pub; tar -cf 1.tar v1`)
	sum := m.Must(t, "sha256sum </srv/pub/1.tar | cut -c1-64 | tr -d '\n'")
	archive := func(to string) string {
		return `{"url": "file:///srv/pub/1.tar", "sha256": "` + sum + `", "to": "` + to + `"}`
	}
	want := m.all(t, "archives", "closed", archive("/opt/closed"), "archives", "open", archive("/opt/open"),
		"hostsEntries", "10.9.9.9", `{"names": ["x"]}`, "debconf", "p p/q string", `{"value": "x"}`)
	m.converge(t, want)
	want = append(want, m.all(t, "archives", "never", archive("/opt/open"), "sysctls", "net.ipv4.tcp_fastopen_key", `{"value": "x"}`, "sysctls", "no.such", `{"value": "1"}`)...)
	look := func() (unknown, absent string) {
		s := m.as(t, "reader", mesh.SudoNone, want).Observe(t.Context())
		var a, u []string
		for _, x := range s.Unknown {
			u = append(u, x.Addr.Name)
			if !x.Denied {
				t.Errorf("%s is unknown, and not for want of rights: %s", x.Addr, x.Reason)
			}
		}
		for _, x := range s.Absent {
			a = append(a, x.Name)
		}
		slices.Sort(u)
		slices.Sort(a)
		return strings.Join(u, ", "), strings.Join(a, ", ")
	}
	if unknown, absent := look(); unknown != "net.ipv4.tcp_fastopen_key" || absent != "never, no.such" {
		t.Errorf("unknown %s; absent %s", unknown, absent)
	}
	m.Must(t, "chmod 700 /opt/closed; chmod 600 /etc/hosts /var/cache/debconf/config.dat")
	if unknown, absent := look(); unknown != "10.9.9.9, closed, net.ipv4.tcp_fastopen_key, p p/q string" || absent != "never, no.such" {
		t.Errorf("unknown %s; absent %s", unknown, absent)
	}
	m.Must(t, "chmod 700 /var/lib/meshsync/.archives")
	if unknown, _ := look(); unknown != "10.9.9.9, closed, net.ipv4.tcp_fastopen_key, never, open, p p/q string" {
		t.Errorf("unknown %s", unknown)
	}
}
