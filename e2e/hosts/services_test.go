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
