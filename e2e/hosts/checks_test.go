//go:build linux

package hosts

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/plan"
)

func TestAFileIsCheckedBeforeItGoesLive(t *testing.T) {
	_, m := start(t, bed.Options{})
	file := func(content, check string) string {
		return `{"content": "` + content + `\n", "mode": "0440", "owner": "root", "group": "root", "check": "` + check + `"}`
	}
	m.converge(t, m.all(t, "files", "/etc/sudoers.d/site", file("reader ALL=(ALL) NOPASSWD: ALL", "visudo -cf %s")))
	got := m.apply(t, m.all(t, "files", "/etc/sudoers.d/site", file("reader ALL=(", "visudo -cf %s")))
	result(t, got, "update /etc/sudoers.d/site", plan.ResultFailed, "its check refuses it, so the old content stays")
	m.holds(t, "grep -q NOPASSWD /etc/sudoers.d/site && [ -z \"$(ls -A /etc/sudoers.d | grep meshsync)\" ]")
	old := m.Get(t, "/etc/haproxy/haproxy.cfg")
	got = m.apply(t, m.all(t, "files", "/etc/haproxy/haproxy.cfg", file("frontend x", "haproxy -c -f %s")))
	result(t, got, "update /etc/haproxy/haproxy.cfg", plan.ResultFailed, "its check refuses it")
	if m.Get(t, "/etc/haproxy/haproxy.cfg") != old {
		t.Error("a file that was refused went live")
	}
}

func TestWhatIsInThePlaceOfNothing(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Must(t, "mkdir -p /srv/full/below /srv/empty; echo x >/srv/full/below/f; ln -s /etc /srv/link; mkdir -p /srv/purged; touch /srv/purged/a /srv/purged/b")
	result(t, m.apply(t, m.all(t, "absent", "/srv/full", `{}`)), "delete /srv/full", plan.ResultFailed, "not empty")
	m.converge(t, m.all(t, "absent", "/srv/full", `{"recursive": true}`, "absent", "/srv/empty", `{}`, "absent", "/srv/link", `{"recursive": true}`,
		"directories", "/srv/purged", `{"mode": "0755", "owner": "root", "group": "root", "purge": true}`,
		"files", "/srv/purged/a", `{"content": "", "mode": "0644", "owner": "root", "group": "root"}`))
	m.holds(t, `[ "$(ls -A /srv)" = "`+"apt\npurged"+`" ] && [ "$(ls /srv/purged)" = a ] && [ -e /etc/passwd ]`)
}

func TestFailuresAreNamed(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Must(t, "mkdir /opt/x; tar -C /etc -cf /srv/a.tar passwd")
	zero := strings.Repeat("0", 64)
	for _, x := range []struct{ field, name, declaration, action, message string }{
		{"archives", "x", `{"url": "file:///srv/a.tar", "sha256": "` + zero + `", "to": "/opt/x"}`, "create", "has another digest"},
		{"archives", "x", `{"url": "file:///srv/none.tar", "sha256": "` + zero + `", "to": "/opt/x"}`, "create", "cannot fetch it"},
		{"archives", "x", `{"url": "http://127.0.0.1:1/a.tar", "sha256": "` + zero + `", "to": "/opt/x"}`, "create", "cannot fetch it"},
		{"archives", "x", `{"url": "file:///srv/a.tar", "sha256": "` + m.sha256(t, "/srv/a.tar") + `", "to": "/opt/none"}`, "create", "its directory /opt/none does not exist"},
		{"sysctls", "net.ipv4.no_such_thing", `{"value": "1"}`, "create", "this kernel has no setting"},
		{"sysctls", "net.ipv4.ip_forward", `{"value": "many"}`, "update", "the kernel does not take many"},
		{"modules", "no_such_module", `{}`, "create", ""},
		{"commands", "x", `{"test": "false", "run": "echo why; exit 3"}`, "create", "it failed: why"},
		{"commands", "x", `{"test": "false", "run": "true"}`, "create", "its test still fails"},
		{"users", "x", `{"group": "nobody-has-it"}`, "create", "nobody-has-it"},
		{"groups", "x", `{"gid": 1}`, "create", "GID '1' already exists"},
	} {
		t.Run(x.field+" "+x.message, func(t *testing.T) {
			result(t, m.apply(t, m.all(t, x.field, x.name, x.declaration)), x.action+" "+x.name, plan.ResultFailed, x.message)
		})
	}
	m.holds(t, "[ -z \"$(ls -A /opt/x)\" ]")
}
