//go:build linux

package hosts

import (
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

const haproxyFile = "/etc/haproxy/haproxy.cfg"

// haproxyText is a configuration that listens; ports tell two of them apart.
func haproxyText(bind string, more ...string) string {
	return "global\n" + strings.Join(more, "\n") + "\ndefaults\nmode http\ntimeout client 5s\ntimeout server 5s\ntimeout connect 5s\nlisten x\nbind " + bind + "\n"
}

// haproxy is the service with its configuration, as git declares it.
func (m machine) haproxy(t *testing.T, text string) []mesh.Resource {
	t.Helper()
	return m.all(t,
		"files", haproxyFile, fmt.Sprintf(`{"content": %q, "mode": "0644", "owner": "root", "group": "root"}`, text),
		"services", "haproxy", `{"enabled": true, "running": true, "reads": ["`+haproxyFile+`"], "on": "reload"}`)
}

// write puts a text onto the host, as somebody would by hand.
func (m machine) write(t *testing.T, file, text string) {
	t.Helper()
	m.Must(t, fmt.Sprintf("printf '%%s' '%s' >%s", text, file))
}

// ofService is what is seen of a service: its process, and what the record says of it.
func (m machine) ofService(t *testing.T, want []mesh.Resource, unit string) (mesh.Process, mesh.ServiceRecord) {
	t.Helper()
	s := m.target(t, want).Observe(t.Context())
	if s.Outcome != mesh.OK {
		t.Fatalf("%s: %s", s.Outcome, s.Message)
	}
	return s.Host.Processes[unit], s.Record.Services[unit]
}

// look plans with what somebody's hand did, which git says by now, too.
func (m machine) look(t *testing.T, want []mesh.Resource) plan.Plan {
	t.Helper()
	return m.planned(t, m.target(t, want), want)
}

// messages are what the plan says of processes.
func messages(of []plan.Evidence) string {
	var out []string
	for _, e := range of {
		out = append(out, e.Message)
	}
	return strings.Join(out, "; ")
}

// apart lets the clocks of files and processes tell one thing from the next.
const apart = "sleep 5; "

// reloaded waits on the host for a new worker of HAProxy, which comes after the reload.
const reloaded = `w=$(pgrep -n -P "$(systemctl show -p MainPID --value haproxy)"); %s
i=0; until [ "$(pgrep -n -P "$(systemctl show -p MainPID --value haproxy)")" != "$w" ]; do i=$((i+1)); [ "$i" -lt 600 ] || exit 1; sleep 0.1; done`

func TestTheNewestWorkerOfHAProxyTellsWhatItRunsWith(t *testing.T) {
	_, m := start(t, bed.Options{})
	first := m.haproxy(t, haproxyText("127.0.0.1:8091"))
	m.converge(t, first)
	before, recorded := m.ofService(t, first, "haproxy")
	if before.Worker == nil || recorded.Worker == nil || *recorded.Worker != before.Worker.ProcessID || before.ChangedAt == 0 {
		t.Fatalf("process %+v, record %+v", before, recorded)
	}

	second := m.haproxy(t, haproxyText("127.0.0.1:8092"))
	got := m.converge(t, second)
	result(t, got, "reload haproxy", plan.ResultDone, "")
	after, recorded := m.ofService(t, second, "haproxy")
	if after.ProcessID != before.ProcessID || after.Worker == nil || after.Worker.ProcessID == before.Worker.ProcessID || *recorded.Worker != after.Worker.ProcessID {
		t.Errorf("process %+v with the worker %+v, was %+v with %+v; record %+v", after, after.Worker, before, before.Worker, recorded.Worker)
	}
	m.holds(t, "curl -sS -o /dev/null http://127.0.0.1:8092/")

	// Changed by hand and not reloaded: git says the same by now, and the process does not.
	text := haproxyText("127.0.0.1:8093")
	third := m.haproxy(t, text)
	m.Must(t, apart)
	m.write(t, haproxyFile, text)
	if p := m.look(t, third); !strings.Contains(messages(p.Stale), haproxyFile+" is not what the process") || len(p.Unsure) != 0 {
		t.Errorf("not reloaded: stale %q, unsure %q:%s", messages(p.Stale), messages(p.Unsure), tell(p))
	}
	// And reloaded.
	m.Must(t, apart+fmt.Sprintf(reloaded, "systemctl reload haproxy"))
	if p := m.look(t, third); !p.Empty || len(p.Stale)+len(p.Unsure) != 0 {
		t.Errorf("reloaded by hand: stale %q, unsure %q:%s", messages(p.Stale), messages(p.Unsure), tell(p))
	}
	m.holds(t, "curl -sS -o /dev/null http://127.0.0.1:8093/")

	// A signal in place of systemctl tells systemd, too, for HAProxy does.
	text = haproxyText("127.0.0.1:8094")
	m.write(t, haproxyFile, text)
	m.Must(t, apart+fmt.Sprintf(reloaded, "systemctl kill -s USR2 --kill-who=main haproxy"))
	if p := m.look(t, m.haproxy(t, text)); !p.Empty || len(p.Stale)+len(p.Unsure) != 0 {
		t.Errorf("reloaded by a signal: stale %q, unsure %q:%s", messages(p.Stale), messages(p.Unsure), tell(p))
	}
}

// The master does not go on without its worker: systemd starts it anew.
func TestAWorkerOfHAProxyThatIsKilledComesBackWithWhatIsOnDisk(t *testing.T) {
	_, m := start(t, bed.Options{})
	m.converge(t, m.haproxy(t, haproxyText("127.0.0.1:8091")))
	m.Must(t, apart)
	text := haproxyText("127.0.0.1:8092")
	m.write(t, haproxyFile, text)
	m.Must(t, apart+fmt.Sprintf(reloaded, `kill -9 "$w"`))
	m.until(t, "systemctl -q is-active haproxy && curl -sS -o /dev/null http://127.0.0.1:8092/")
	if p := m.look(t, m.haproxy(t, text)); !p.Empty || len(p.Stale)+len(p.Unsure) != 0 {
		t.Errorf("stale %q, unsure %q:%s", messages(p.Stale), messages(p.Unsure), tell(p))
	}
}

// HAProxy's check does not bind, so it takes what the new worker cannot have; the old one serves on.
func TestAReloadThatKeepsTheOldWorkerIsNoReload(t *testing.T) {
	_, m := start(t, bed.Options{})
	m.converge(t, m.haproxy(t, haproxyText("127.0.0.1:8091")))
	for _, x := range []struct{ text, says string }{
		{haproxyText("192.0.2.1:8092"), "made no new worker"},
		{haproxyText("127.0.0.1:8092", "nonsense"), "Job for haproxy.service failed"},
	} {
		bad := m.haproxy(t, x.text)
		result(t, m.apply(t, bad), "reload haproxy", plan.ResultFailed, x.says)
		m.holds(t, "curl -sS -o /dev/null http://127.0.0.1:8091/")
		p := m.look(t, bad)
		if !strings.Contains(messages(p.Stale), haproxyFile+" is not what the process") || !strings.Contains(tell(p), "reload haproxy") {
			t.Errorf("%s: stale %q, unsure %q:%s", x.says, messages(p.Stale), messages(p.Unsure), tell(p))
		}
	}
	m.converge(t, m.haproxy(t, haproxyText("127.0.0.1:8093")))
	m.holds(t, "curl -sS -o /dev/null http://127.0.0.1:8093/")
}

// What reloads in its own process has no workers, whatever else it starts.
func TestAProcessThatReloadsByItselfIsKnownByTheRecord(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	want := func(text string) []mesh.Resource {
		return m.all(t,
			"files", "/etc/own.conf", `{"content": "`+text+`", "mode": "0644", "owner": "root", "group": "root"}`,
			"files", "/etc/systemd/system/own.service", `{"content": "[Service]\nExecStart=/bin/sh -c 'trap \"cp /etc/own.conf /run/own\" HUP; while :; do sleep 1; done'\nExecReload=/bin/kill -HUP $MAINPID\n[Install]\nWantedBy=multi-user.target\n", "mode": "0644", "owner": "root", "group": "root"}`,
			"services", "own", `{"enabled": true, "running": true, "reads": ["/etc/own.conf"], "on": "reload"}`)
	}
	m.converge(t, want("one"))
	result(t, m.converge(t, want("two")), "reload own", plan.ResultDone, "")
	if proc, recorded := m.ofService(t, want("two"), "own"); proc.Worker != nil || recorded.Worker != nil || recorded.ProcessID != proc.ProcessID {
		t.Errorf("process %+v, record %+v", proc, recorded)
	}
	m.until(t, "[ \"$(cat /run/own)\" = two ]")
	m.write(t, "/etc/own.conf", "three")
	if p := m.look(t, want("three")); !strings.Contains(messages(p.Stale), "/etc/own.conf is not what the process") {
		t.Errorf("stale %q, unsure %q:%s", messages(p.Stale), messages(p.Unsure), tell(p))
	}
}

// A server's child for each connection is no worker: it comes without a reload, is newer than
// any change, and a reload makes no other.
func TestAChildForAConnectionIsNoWorker(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	const file = "/etc/ssh/sshd_config.d/own.conf"
	want := func(text string) []mesh.Resource {
		return m.all(t,
			"files", file, `{"content": "`+text+`\n", "mode": "0644", "owner": "root", "group": "root"}`,
			"services", "ssh", `{"enabled": true, "running": true, "reads": ["`+file+`"], "on": "reload"}`)
	}
	m.converge(t, want("MaxSessions 7"))
	result(t, m.converge(t, want("MaxSessions 8")), "reload ssh", plan.ResultDone, "")
	m.Must(t, apart)
	m.write(t, file, "MaxSessions 9\n")
	if p := m.look(t, want("MaxSessions 9")); !strings.Contains(messages(p.Stale), file+" is not what the process") {
		t.Errorf("stale %q, unsure %q:%s", messages(p.Stale), messages(p.Unsure), tell(p))
	}
	m.holds(t, `pgrep -P "$(systemctl show -p MainPID --value ssh)" -x sshd`) // meshsync's own, at least
	if proc, _ := m.ofService(t, want("MaxSessions 9"), "ssh"); proc.Worker != nil {
		t.Errorf("it is taken for one: %+v", proc.Worker)
	}
}
