//go:build linux

package hosts

import (
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/plan"
)

// What cannot be removed is removed by a later run. All that git dropped is pending until
// then, whatever the host chose where git left something open.
func TestARemovalThatTheHostRefusesIsNotForgotten(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	rest := m.all(t, "files", "/etc/stays", `{"content": "x", "mode": "0644", "owner": "root", "group": "root"}`)
	m.converge(t, append(rest, m.all(t,
		"files", "/etc/keepme", `{"content": "x", "mode": "0644", "owner": "root", "group": "root"}`,
		"directories", "/srv/full", `{"mode": "0755", "owner": "root", "group": "root"}`,
		"groups", "crew", `{}`,
		"users", "svc1", `{}`,
		"users", "svc2", `{"system": true}`,
		"hostsEntries", "10.9.9.9", `{"names": ["nine"]}`,
	)...))
	m.Must(t, `chattr +i /etc/keepme; touch /srv/full/others; usermod -s /bin/sh svc2
setpriv --reuid=svc1 --clear-groups sleep 3600 </dev/null >/dev/null 2>&1 & echo $! >/run/svc1`)
	h := m.target(t, rest)
	p := m.planned(t, h, rest)
	if p.Moved() || p.Summary.Deletes != 6 || p.Summary.Pending != 6 {
		t.Errorf("all of it is dropped by git alone:%s", tell(p))
	}
	got := m.applied(t, h, p)
	for _, what := range []string{"delete /etc/keepme", "delete /srv/full", "delete svc1"} {
		result(t, got, what, plan.ResultFailed, "")
	}
	p = m.planned(t, m.target(t, rest), rest)
	if p.Moved() || p.Summary.Deletes != 3 || p.Summary.Pending != 3 {
		t.Errorf("what could not be removed is to be removed still:%s", tell(p))
	}
	m.Must(t, `chattr -i /etc/keepme; rm -f /srv/full/others; kill -9 $(cat /run/svc1); while [ -d /proc/$(cat /run/svc1) ]; do :; done`)
	m.converge(t, rest)
	m.holds(t, `[ ! -e /etc/keepme ] && [ ! -e /srv/full ] && ! getent passwd svc1 svc2 && ! getent group crew && ! grep -q nine /etc/hosts`)
}

// The account that somebody makes under a name that git dropped is his.
func TestAnAccountThatSomebodyMakesLaterIsHis(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	rest := m.all(t, "files", "/etc/stays", `{"content": "x", "mode": "0644", "owner": "root", "group": "root"}`)
	m.converge(t, append(rest, m.all(t, "users", "svc1", `{}`)...))
	m.Must(t, `userdel svc1`)
	p := m.planned(t, m.target(t, rest), rest)
	if p.Moved() || p.Summary.Releases != 1 {
		t.Errorf("it is gone, and git wants it no longer:%s", tell(p))
	}
	m.converge(t, rest)
	m.Must(t, `useradd svc1`)
	m.settled(t, rest)
	m.holds(t, `getent passwd svc1`)
}

// A drop-in that goes with its folder restarts what reads it, once.
func TestADropInGoesWithItsFolder(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	const folder = "/etc/systemd/system/logger.service.d"
	rest := m.all(t,
		"files", "/etc/systemd/system/logger.service", `{"content": "[Service]\nExecStart=/bin/sleep infinity\n", "mode": "0644", "owner": "root", "group": "root"}`,
		"services", "logger", `{"enabled": false, "running": true, "on": "restart", "reads": []}`)
	m.converge(t, append(rest, m.all(t,
		"directories", folder, `{"mode": "0755", "owner": "root", "group": "root"}`,
		"files", folder+"/x.conf", `{"content": "[Service]\nEnvironment=DROPPED=1\n", "mode": "0644", "owner": "root", "group": "root"}`)...))
	const dropped = `p=$(systemctl show -p MainPID --value logger) && [ "$p" != 0 ] && grep -qz DROPPED "/proc/$p/environ"`
	m.until(t, dropped)
	h := m.target(t, rest)
	p := m.planned(t, h, rest)
	if steps(p) != "restart logger" {
		t.Errorf("%q:%s", steps(p), tell(p))
	}
	m.converge(t, rest)
	m.holds(t, `[ ! -e `+folder+` ] && systemctl -q is-active logger && ! { `+dropped+`; }`)
}
