//go:build linux

package hosts

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
)

// Debian's ZooKeeper is a SysV script: systemd calls it active whether its JVM lives or not,
// knows no main process of it, and starts nothing when it is told to start what is "active".
func TestADaemonOfASysVScriptIsSeenByItsProcess(t *testing.T) {
	_, m := start(t, bed.Options{})
	const config = "/etc/zookeeper/conf_example/zoo.cfg"
	want := func(tick string) []mesh.Resource {
		text := `tickTime=` + tick + `\ndataDir=/var/lib/zookeeper\nclientPort=2181\nadmin.enableServer=false\n`
		return m.all(t,
			"files", config, `{"content": "`+text+`", "mode": "0644", "owner": "root", "group": "root"}`,
			"files", "/etc/zookeeper/conf_example/myid", `{"content": "1\n", "mode": "0644", "owner": "root", "group": "root"}`,
			"services", "zookeeper", `{"enabled": true, "running": true, "on": "restart", "reads": ["`+config+`", "package:zookeeper"]}`,
		)
	}
	m.converge(t, want("2000"))
	m.holds(t, `pgrep -x java`)
	seen := m.target(t, want("2000")).Observe(t.Context())
	process, recorded := seen.Host.Processes["zookeeper"], seen.Record.Services["zookeeper"]
	if process.PID == 0 || recorded.PID != process.PID || recorded.StartTicks != process.StartTicks {
		t.Fatalf("process %+v, record %+v", process, recorded)
	}
	if !strings.HasPrefix(recorded.Reads["package:zookeeper"], "version:3.") {
		t.Errorf("the package's version is not recorded: %v", recorded.Reads)
	}

	m.Must(t, `pkill -9 java; while pgrep -x java; do :; done`)
	m.holds(t, `systemctl is-active zookeeper`) // the trap
	p := m.planned(t, m.target(t, want("2000")), want("2000"))
	if steps(p) != "start zookeeper" {
		t.Errorf("after kill -9 the plan has %q", steps(p))
	}
	m.converge(t, want("2000"))
	m.holds(t, `pgrep -x java`)

	// Written, and the run killed before the restart: the file's record holds, the process's does not.
	h := m.target(t, want("3000"))
	p = m.planned(t, h, want("3000"))
	if steps(p) != "restart zookeeper" {
		t.Fatalf("a changed file: %q", steps(p))
	}
	p.Stages[0].Batches[0].Service = nil
	m.applied(t, h, p)
	p = m.planned(t, m.target(t, want("3000")), want("3000"))
	if steps(p) != "restart zookeeper" || len(p.Stale) != 1 || !strings.Contains(p.Stale[0].Message, config+" is not what the process") {
		t.Errorf("a restart that is owed: %q, stale %+v", steps(p), p.Stale)
	}
	m.converge(t, want("3000"))
	if again := m.target(t, want("3000")).Observe(t.Context()).Host.Processes["zookeeper"]; again.PID == process.PID {
		t.Error("it was not restarted")
	}
}

// Somebody restarts a service by hand with other flags, and puts the files back.
func TestFlagsThatAreNotTheOnesOfTheFiles(t *testing.T) {
	_, m := start(t, bed.Options{})
	want := m.all(t,
		"directories", "/etc/mesos-slave", `{"mode": "0755", "owner": "root", "group": "root", "purge": true}`,
		"files", "/etc/mesos-slave/work_dir", `{"content": "/var/lib/mesos\n", "mode": "0644", "owner": "root", "group": "root"}`,
		"files", "/etc/mesos/zk", `{"content": "zk://127.0.0.1:2181/mesos\n", "mode": "0644", "owner": "root", "group": "root"}`,
		"services", "mesos-slave", `{"enabled": true, "running": true, "on": "restart", "reads": ["/etc/mesos-slave/", "/etc/mesos/zk"],
			"reports": {"kind": "mesos.flags", "port": 5051, "values": {"work_dir": "/var/lib/mesos"}}}`,
	)
	m.converge(t, want)
	m.until(t, `curl -sf http://127.0.0.1:5051/flags`)

	m.Exec(t, `echo /tmp/other >/etc/mesos-slave/work_dir; systemctl restart mesos-slave`)
	m.until(t, `curl -sf http://127.0.0.1:5051/flags | grep /tmp/other`)
	m.Exec(t, `echo /var/lib/mesos >/etc/mesos-slave/work_dir; touch -d '1 hour ago' /etc/mesos-slave/work_dir`)
	p := m.planned(t, m.target(t, want), want)
	if steps(p) != "restart mesos-slave" || len(p.Stale) != 1 || p.Stale[0].Message != "it reports work_dir=/tmp/other, and git wants /var/lib/mesos" {
		t.Errorf("other flags: %q, stale %+v", steps(p), p.Stale)
	}
}
