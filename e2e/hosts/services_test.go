//go:build linux

package hosts

import (
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

func TestAUnitThatItsPackageBringsStartsWithTheSettingsOfGit(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	const cfg = "global\\nmaxconn 77\\ndefaults\\nmode http\\ntimeout client 5s\\ntimeout server 5s\\ntimeout connect 5s\\nlisten x\\nbind 127.0.0.1:8099\\n"
	m.converge(t, m.all(t, "packages", "haproxy", `{}`,
		"files", "/etc/haproxy/haproxy.cfg", `{"content": "`+cfg+`", "mode": "0644", "owner": "root", "group": "root", "check": "haproxy -c -f %s"}`,
		"services", "haproxy", `{"enabled": true, "running": true, "reads": ["/etc/haproxy/haproxy.cfg"], "on": "reload"}`))
	m.holds(t, "systemctl -q is-active haproxy && curl -sS -o /dev/null http://127.0.0.1:8099/")
	m.holds(t, `[ "$(journalctl -u haproxy | grep -c 'Started haproxy')" = 1 ]`)
}

func TestAUnitThatItsPackageEnablesIsNotWanted(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "daemon", version: "1", unit: sleeper})
	want := m.all(t, "packages", "daemon", `{}`, "services", "daemon", `{"enabled": false, "running": false, "reads": [], "on": "restart"}`)
	m.apply(t, want)
	m.holds(t, "! systemctl -q is-active daemon")
	m.converge(t, want) // what the package did to the unit is seen by the next look
	m.holds(t, "! systemctl -q is-enabled daemon")
}

func TestAMaskedUnitCannotBeStarted(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "daemon", version: "1", unit: sleeper})
	state := func(s string) []string { return []string{"packages", "daemon", `{}`, "services", "daemon", s} }
	m.converge(t, m.all(t, state(`{"enabled": true, "running": true, "reads": [], "on": "restart"}`)...))
	m.converge(t, m.all(t, state(`{"enabled": false, "running": false, "masked": true, "reads": [], "on": "restart"}`)...))
	m.holds(t, "! systemctl start daemon && ! systemctl -q is-active daemon")
	m.converge(t, m.all(t, state(`{"enabled": true, "running": true, "reads": [], "on": "restart"}`)...))
	m.holds(t, "systemctl -q is-active daemon && systemctl -q is-enabled daemon")
}

// Debian's ZooKeeper has a script of init.d, of which systemd does not say whether it is enabled.
func TestAServiceOfInitIsEnabledAndDisabled(t *testing.T) {
	_, m := start(t, bed.Options{})
	state := func(enabled string) []string {
		return []string{"services", "zookeeper", `{"enabled": ` + enabled + `, "running": false, "reads": [], "on": "restart"}`}
	}
	m.converge(t, m.all(t, state("true")...))
	m.holds(t, "ls /etc/rc2.d/S*zookeeper")
	m.converge(t, m.all(t, state("false")...))
	m.holds(t, "! ls /etc/rc2.d/S*zookeeper")
}

func TestAUnitOfOurOwnIsLoadedAnew(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	unit := func(seconds string) []string {
		return []string{
			"files", "/etc/systemd/system/own.service", `{"content": "[Service]\nExecStart=/bin/sleep ` + seconds + `\n[Install]\nWantedBy=multi-user.target\n", "mode": "0644", "owner": "root", "group": "root"}`,
			"services", "own", `{"enabled": true, "running": true, "reads": ["/etc/systemd/system/own.service"], "on": "restart"}`,
		}
	}
	m.converge(t, m.all(t, unit("1001")...))
	m.holds(t, "pgrep -f 'sleep 1001'")
	m.converge(t, m.all(t, unit("1002")...))
	m.holds(t, "pgrep -f '[s]leep 1002' && ! pgrep -f '[s]leep 1001'")
	// Somebody's change of a drop-in is not loaded yet, and the process runs without it.
	m.Must(t, "mkdir -p /etc/systemd/system/own.service.d && echo '[Service]' >/etc/systemd/system/own.service.d/x.conf && systemctl daemon-reload && sleep 1.1; printf '[Service]\\nExecStart=\\nExecStart=/bin/sleep 1003\\n' >/etc/systemd/system/own.service.d/x.conf")
	m.converge(t, m.all(t, unit("1002")...))
	m.holds(t, "pgrep -f '[s]leep 1003'")
}

// Nothing restarts by itself when apt works, so the plan must see that a package moved.
func TestAServiceThatReadsAPackageRestartsWithIt(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "daemon", version: "1", unit: sleeper}, deb{name: "daemon", version: "2", unit: sleeper})
	want := func(v string) []string {
		return []string{
			"packages", "daemon", `{"version": "` + v + `"}`,
			"services", "daemon", `{"enabled": true, "running": true, "reads": ["package:daemon"], "on": "restart"}`,
		}
	}
	m.converge(t, m.all(t, want("1")...))
	pid := m.Must(t, "systemctl show -p MainPID --value daemon")
	m.converge(t, m.all(t, want("2")...))
	if now := m.Must(t, "systemctl show -p MainPID --value daemon"); now == pid {
		t.Error("the process of the old version runs on")
	}
}
