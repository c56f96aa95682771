//go:build linux

package faults

import (
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// death is how a host dies while a thing of one kind is made, and while it is removed where
// meshsync removes such things.
type death struct {
	field, name, declaration string
	rest                     []string // what is wanted besides: field, name, declaration
	prepare                  string   // script that puts the host into the old state
	programs                 string   // what the step calls, but rm, which the hooks need, beside what each batch calls
	is                       string   // shell test that passes in the end
}

// deaths are of the kinds of which the scene has none, see inTheScene.
func deaths() []death {
	const dir = `{"mode": "0755", "owner": "root", "group": "root"}`
	return []death{
		{"absent", "/srv/gone", `{"recursive": true}`, nil, "mkdir -p /srv/gone/a/b; echo x >/srv/gone/a/f", "", "[ ! -e /srv/gone ]"},
		{"groups", "svc", `{"gid": 4243}`, nil, "groupdel svc 2>/dev/null", "groupadd groupdel", "getent group svc"},
		{
			"users", "svc", `{"uid": 4244, "group": "svc", "groups": [], "home": "/srv/svc", "shell": "/bin/sh"}`,
			[]string{"groups", "svc", `{"gid": 4243}`},
			"userdel svc 2>/dev/null; groupdel svc 2>/dev/null; true", "useradd usermod userdel passwd", "getent passwd svc",
		},
		{"debconf", "mesos mesos/cluster string", `{"value": "b"}`, nil, "echo 'mesos mesos/cluster string a' | debconf-set-selections", "debconf-set-selections", "debconf-show mesos | grep -q 'cluster: b'"},
		{
			"archives", "x", `{"url": "file:///srv/pub/x.tar", "sha256": "@sha256@", "to": "/srv/x"}`,
			[]string{"directories", "/srv/x", dir},
			"rm -rf /srv/x /var/lib/meshsync/.archives; mkdir -p /srv/pub/new/d /srv/x/d; for f in f d/f; do echo new >/srv/pub/new/$f; echo old >/srv/x/$f; done; tar -C /srv/pub/new --mtime=@0 --sort=name -cf /srv/pub/x.tar .",
			"tar find mv", "grep -qx new /srv/x/f && grep -qx new /srv/x/d/f",
		},
		{"sysctls", "net.ipv4.ip_local_port_range", `{"value": "20000 50000"}`, nil, "sysctl -qw net.ipv4.ip_local_port_range='1024 2048'", "", "sysctl -n net.ipv4.ip_local_port_range | grep -q 50000"},
		{
			"modules", "pretended", `{}`, nil,
			"d=/lib/modules/$(uname -r); rm -rf $d; rm -f /usr/sbin/modprobe; printf '#!/bin/sh\\nmkdir -p %s && echo kernel/pretended.ko >%s/modules.builtin\\n' $d $d >/usr/sbin/modprobe; chmod 755 /usr/sbin/modprobe",
			"modprobe", "grep -q pretended /lib/modules/$(uname -r)/modules.builtin",
		},
		{"hostsEntries", "10.213.0.99", `{"names": ["m9"]}`, nil, "sed -i /10.213.0.99/d /etc/hosts", "cp awk", "getent hosts m9"},
		{"commands", "once", `{"test": "grep -q done /srv/once", "run": "echo begun >/srv/once; sync; echo done >/srv/once"}`, nil, "rm -f /srv/once", "", "grep -qx done /srv/once"},
		{
			"packages", "mesos", `{"version": "1.11.0-1", "hold": true}`, nil, "apt-mark unhold mesos >/dev/null 2>&1; apt-get purge -qq -y mesos >/dev/null 2>&1; apt-get update -qq",
			"apt-get dpkg apt-mark", "dpkg-query -W -f '${db:Status-Abbrev}' mesos | grep -q '^hi'",
		},
	}
}

// inTheScene are the kinds that the other tests of this file's package kill a host amid.
func inTheScene() []mesh.Kind { return []mesh.Kind{mesh.File, mesh.Directory, "symlink", mesh.Service} }

func TestAHostDiesAmidEveryKind(t *testing.T) {
	has := map[string]bool{}
	for _, d := range deaths() {
		has[d.field] = true
	}
	for _, p := range primitive.All() {
		if has[p.Field] == slices.Contains(inTheScene(), p.Kind) {
			t.Errorf("no host dies amid a change of the kind %s, or it is named twice", p.Kind)
		}
	}
}

// TestAHostThatDiesAmidEachKind kills it as the first program of the step is about to run, and
// where the step is done and not yet noted down: the record of before took two syncs.
func TestAHostThatDiesAmidEachKind(t *testing.T) {
	l := newLab(t)
	for _, d := range deaths() {
		l.afterAFailure(t)
		t.Run(d.field, func(t *testing.T) {
			if d.programs != "" {
				l.dies(t, d, 1, strings.Fields(d.programs)...)
			}
			l.dies(t, d, 3, "sync")
		})
	}
}

// dies kills the host at one call of the programs while the thing is made, and while it is removed.
func (l *lab) dies(t *testing.T, d death, n int, programs ...string) {
	t.Helper()
	l.Must(t, d.prepare+"\nrm -rf /var/lib/meshsync")
	if before, after, archive := strings.Cut(d.declaration, "@sha256@"); archive {
		d.declaration = before + strings.Fields(l.Must(t, "sha256sum /srv/pub/x.tar"))[0] + after
	}
	var rest []mesh.Resource
	if d.rest != nil {
		rest = append(rest, l.declared(t, d.rest[0], d.rest[1], d.rest[2]))
	}
	subject := l.declared(t, d.field, d.name, d.declaration)
	states := [][]mesh.Resource{append([]mesh.Resource{subject}, rest...)}
	if p, _ := primitive.Of(subject.Addr.Kind); !p.Keeps && p.Recorded == nil {
		states = append(states, rest)
	}
	for i, want := range states {
		h := l.target(t, want)
		w := l.ready(t, h, "first", want)
		l.hook(t, n, programs...)
		stopped, ended := l.at(t, h, w, func() { l.Kill(t) })
		if err := <-ended; err == nil || !stopped {
			t.Errorf("state %d: it was to be killed at call %d of %s: %v", i, n, programs, err)
		} else {
			l.Boot(t)
		}
		l.unhook(t)
		l.settles(t, want)
		if r := l.Exec(t, d.is); (r.Exit == 0) != (i == 0) {
			t.Errorf("state %d, killed at call %d of %s: %s: exit %d", i, n, programs, d.is, r.Exit)
		}
	}
}

// declared makes a resource as a repository would.
func (l *lab) declared(t *testing.T, field, name, declaration string) mesh.Resource {
	t.Helper()
	i := slices.IndexFunc(primitive.All(), func(p primitive.Primitive) bool { return p.Field == field })
	if i < 0 {
		t.Fatalf("no kind has the field %s", field)
	}
	p := primitive.All()[i]
	d, err := p.Decode([]byte(declaration))
	if err != nil {
		t.Fatal(err)
	}
	return mesh.Resource{Addr: addr(p.Kind, name), Attrs: mesh.MustTree(d.Attrs), Gone: d.Gone, Recursive: d.Recursive}
}
