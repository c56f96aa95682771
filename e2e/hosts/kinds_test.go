//go:build linux

package hosts

import (
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
)

// trial is the life of one resource on a host: made, found as it should be, changed while
// somebody else moved it, changed, and dropped by git.
type trial struct {
	name    string
	prepare string   // script
	rest    []string // what is wanted besides, all the time
	want    []string // field, name, declaration; the first one is the subject
	is      string   // shell test that passes then
	changed string   // another declaration of the subject
	moved   string   // what somebody else does between plan and apply
	left    string   // shell test that passes after the conflict: what somebody did is still there
	then    string   // shell test that passes after the change
	dropped string   // shell test that passes once git no longer names it
}

// trials has one for each kind at least; a test holds it to that.
func trials() []trial {
	return []trial{
		{
			name: "file", rest: []string{"directories", "/srv/t", `{"mode": "0755", "owner": "root", "group": "root"}`},
			want:    []string{"files", "/srv/t/f", `{"content": "it's $HOME\n", "mode": "0640", "owner": "admin", "group": "daemon"}`},
			is:      `[ "$(cat /srv/t/f)" = "it's \$HOME" ] && [ "$(stat -c %a:%U:%G /srv/t/f)" = 640:admin:daemon ]`,
			changed: `{"content": "two\n", "mode": "0644", "owner": "root", "group": "root"}`,
			moved:   `echo other >/srv/t/f`, left: `grep -qx other /srv/t/f`, then: `grep -qx two /srv/t/f`, dropped: `[ ! -e /srv/t/f ]`,
		},
		{
			name:    "directory",
			want:    []string{"directories", "/srv/d", `{"mode": "0750", "owner": "admin", "group": "root", "purge": true}`},
			is:      `[ "$(stat -c %a:%U /srv/d)" = 750:admin ]`,
			changed: `{"mode": "0755", "owner": "root", "group": "root"}`,
			moved:   `chmod 700 /srv/d`, left: `[ "$(stat -c %a /srv/d)" = 700 ]`, then: `[ "$(stat -c %a:%U /srv/d)" = 755:root ]`,
			dropped: `[ ! -e /srv/d ]`,
		},
		{
			name:    "symlink",
			want:    []string{"symlinks", "/srv/l", `{"to": "/etc/no where"}`},
			is:      `[ "$(readlink /srv/l)" = "/etc/no where" ]`,
			changed: `{"to": "../etc"}`,
			moved:   `ln -sfn /elsewhere /srv/l`, left: `[ "$(readlink /srv/l)" = /elsewhere ]`, then: `[ "$(readlink /srv/l)" = ../etc ]`,
			dropped: `[ ! -L /srv/l ]`,
		},
		{
			name:    "group",
			want:    []string{"groups", "mesos", `{"system": true}`},
			is:      `[ "$(getent group mesos | cut -d: -f3)" -lt 1000 ]`,
			changed: `{"gid": 4242}`,
			moved:   `groupmod -g 4300 mesos`, left: `[ "$(getent group mesos | cut -d: -f3)" = 4300 ]`, then: `[ "$(getent group mesos | cut -d: -f3)" = 4242 ]`,
			dropped: `! getent group mesos`,
		},
		{
			name: "user", prepare: "groupadd extra; groupadd alpha", rest: []string{"groups", "svc", `{"gid": 4243}`},
			want:    []string{"users", "svc", `{"system": true, "group": "svc", "groups": ["extra", "alpha"], "home": "/var/lib/svc", "shell": "/usr/sbin/nologin"}`},
			is:      `[ "$(getent passwd svc | cut -d: -f4,6,7)" = 4243:/var/lib/svc:/usr/sbin/nologin ] && id -nG svc | grep -q extra && passwd -S svc | grep -q ' L '`,
			changed: `{"uid": 4244, "group": "svc", "groups": [], "home": "/srv/svc", "shell": "/bin/sh"}`,
			moved:   `usermod -s /bin/bash svc`, left: `getent passwd svc | grep -q /bin/bash`,
			then:    `[ "$(getent passwd svc | cut -d: -f3-)" = 4244:4243::/srv/svc:/bin/sh ] && [ "$(id -nG svc)" = svc ]`,
			dropped: `! getent passwd svc && getent group svc`,
		},
		{
			name:    "debconf",
			want:    []string{"debconf", "mesos mesos/cluster string", `{"value": "it's prod 1"}`},
			is:      `debconf-show mesos | grep -q "mesos/cluster: it's prod 1"`,
			changed: `{"value": "b"}`,
			moved:   `echo 'mesos mesos/cluster string other' | debconf-set-selections`, left: `debconf-show mesos | grep -q 'cluster: other'`,
			then: `debconf-show mesos | grep -q 'cluster: b'`, dropped: `debconf-show mesos | grep -q 'cluster: b'`,
		},
		{
			name:    "sysctl",
			want:    []string{"sysctls", "net.ipv4.ip_local_port_range", `{"value": "20000   50000"}`},
			is:      `[ "$(sysctl -n net.ipv4.ip_local_port_range)" = "20000	50000" ]`,
			changed: `{"value": "20000 60000"}`,
			moved:   `sysctl -qw net.ipv4.ip_local_port_range='1024 2048'`, left: `sysctl -n net.ipv4.ip_local_port_range | grep -q 2048`,
			then: `sysctl -n net.ipv4.ip_local_port_range | grep -q 60000`, dropped: `sysctl -n net.ipv4.ip_local_port_range | grep -q 60000`,
		},
		{
			name:    "hosts-entry",
			want:    []string{"hostsEntries", "10.213.0.99", `{"names": ["m9.example.com", "m9"]}`},
			is:      `[ "$(getent hosts m9)" = "10.213.0.99     m9.example.com m9" ] && grep -q 'h25$' /etc/hosts`,
			changed: `{"names": ["m9"]}`,
			moved:   `echo 10.213.0.99 late >>/etc/hosts`, left: `grep -q late /etc/hosts`, then: `! grep -q m9.example /etc/hosts && getent hosts m9`,
			dropped: `! grep -q 10.213.0.99 /etc/hosts && grep -q 'h25$' /etc/hosts`,
		},
		{
			name:    "archive",
			prepare: `mkdir -p /srv/pub/v1 /srv/pub/v2 /opt/x; for v in 1 2; do echo $v >/srv/pub/v$v/f; tar -C /srv/pub --mtime=@0 --owner=0 --group=0 --sort=name -cf /srv/pub/$v.tar v$v; done`,
			want:    []string{"archives", "x", `{"url": "file:///srv/pub/1.tar", "sha256": "@1@", "to": "/opt/x", "strip": 1}`},
			is:      `grep -qx 1 /opt/x/f`,
			changed: `{"url": "file:///srv/pub/2.tar", "sha256": "@2@", "to": "/opt/x", "strip": 1}`,
			moved:   `rm -r /opt/x`, left: `[ ! -e /opt/x ]`, then: `grep -qx 2 /opt/x/f`, dropped: `grep -qx 2 /opt/x/f && find /opt/x -mindepth 1 -delete`,
			rest: []string{"directories", "/opt/x", `{"mode": "0755", "owner": "root", "group": "root"}`},
		},
		{
			name: "package", prepare: "apt-get update -qq",
			want:    []string{"packages", "mesos", `{"version": "1.11.*"}`},
			is:      `dpkg-query -W -f '${db:Status-Abbrev}' mesos | grep -q '^ii'`,
			changed: `{"version": "1.11.0-1", "hold": true}`,
			moved:   `apt-get purge -qq -y mesos`, left: `! dpkg-query -W mesos`, then: `dpkg-query -W -f '${db:Status-Abbrev}' mesos | grep -q '^hi'`,
			dropped: `! dpkg-query -W -f '${db:Status-Abbrev}' mesos | grep -q '^.i'`,
		},
		{
			name: "command", // nobody looks at it, so nothing can have moved
			want: []string{"commands", "once", `{"test": "[ -e /srv/once ]", "run": "echo 'a b' >/srv/once"}`},
			is:   `grep -qx 'a b' /srv/once`, changed: `{"test": "grep -q 2 /srv/once", "run": "echo 2 >/srv/once"}`,
			then: `grep -qx 2 /srv/once`, dropped: `grep -qx 2 /srv/once`,
		},
		{
			name: "service", prepare: `printf '[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/s.service; systemctl daemon-reload`,
			want:    []string{"services", "s", `{"enabled": true, "running": true, "reads": [], "on": "restart"}`},
			is:      `systemctl -q is-active s && systemctl -q is-enabled s`,
			changed: `{"enabled": false, "running": false, "reads": [], "on": "restart"}`, then: `! systemctl -q is-active s && ! systemctl -q is-enabled s`,
			dropped: `! systemctl -q is-active s`,
		},
		{
			name: "module", // one that is there by any means: nothing can be loaded here
			want: []string{"modules", "@module@", `{}`}, is: `true`, dropped: `true`,
		},
		{
			name: "absent", prepare: `mkdir -p /srv/old; echo x >/srv/gone`,
			want: []string{"absent", "/srv/gone", `{}`}, is: `[ ! -e /srv/gone ]`, dropped: `[ ! -e /srv/gone ]`,
		},
	}
}

func TestEveryKindHasATrial(t *testing.T) {
	has := map[string]bool{}
	for _, tr := range trials() {
		has[tr.want[0]] = true
	}
	for _, p := range primitive.All() {
		if !has[p.Field] {
			t.Errorf("the kind %s is not tried on a real host", p.Kind)
		}
	}
}

func TestKindsLiveOnARealHost(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	for _, tr := range trials() {
		t.Run(tr.name, func(t *testing.T) { m.try(t, tr) })
	}
}

// TestAUserWithSudoCanDoItAll goes the way of hosts where nobody logs in as root.
func TestAUserWithSudoCanDoItAll(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.user = "admin"
	for _, tr := range trials() {
		t.Run(tr.name, func(t *testing.T) { m.try(t, tr) })
	}
}

func (m machine) try(t *testing.T, tr trial) {
	if tr.prepare != "" {
		m.Must(t, tr.prepare)
	}
	tr = m.filled(t, tr)
	rest := m.all(t, tr.rest...)
	want := append(m.all(t, tr.want...), rest...)
	m.converge(t, want)
	m.holds(t, tr.is)
	if tr.changed != "" {
		changed := append(m.all(t, tr.want[0], tr.want[1], tr.changed), rest...)
		if tr.moved != "" {
			h := m.target(t, changed)
			p := m.planned(t, h, changed)
			m.Must(t, tr.moved)
			got := m.applied(t, h, p)
			result(t, got, "update "+tr.want[1], plan.ResultConflict, "it is no longer as planned")
			m.holds(t, tr.left)
		}
		m.converge(t, changed)
		m.holds(t, tr.then)
	}
	m.converge(t, rest)
	m.holds(t, tr.dropped)
	p, ok := primitive.Of(want[0].Addr.Kind)
	if r := m.Exec(t, "grep -c '"+want[0].Addr.String()+"' /var/lib/meshsync/prod/record.json"); !ok || r.Exit == 0 {
		t.Errorf("git dropped the %s, and the record still has it: %s", p.Kind, r.Stdout)
	}
}
