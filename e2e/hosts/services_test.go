//go:build linux

package hosts

import (
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
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

// unitFile is a unit of a host's own, as git declares it.
func unitFile(name, text string) []string {
	return []string{"files", "/etc/systemd/system/" + name, `{"content": "` + text + `", "mode": "0644", "owner": "root", "group": "root"}`}
}

// What has no main process is known by when it came up.
func TestATimerAndWhatHasDoneItsWorkRestartAsOthersDo(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	timer := func(when, program string) []mesh.Resource {
		return m.all(t, append(append(unitFile("tm.service", `[Service]\nExecStart=`+program+`\n`), unitFile("tm.timer", `[Timer]\nOnCalendar=`+when+`\n[Install]\nWantedBy=timers.target\n`)...),
			service("tm.timer", "", "restart")...)...)
	}
	m.converge(t, timer("daily", "/bin/true"))
	result(t, m.converge(t, timer("hourly", "/bin/true")), "restart tm.timer", plan.ResultDone, "")
	m.holds(t, `systemctl show -p TimersCalendar -p NeedDaemonReload tm.timer | tr '\n' ' ' | grep -q 'OnCalendar=\*-\*-\* \*:00:00.*NeedDaemonReload=no'`)
	// The timer's service is nobody's service: its file is all that there is.
	m.converge(t, timer("hourly", "/bin/false"))
	m.holds(t, `[ "$(systemctl show -p NeedDaemonReload --value tm.service)" = no ]`)
	m.Must(t, apart+"sed -i s/hourly/weekly/ /etc/systemd/system/tm.timer; systemctl daemon-reload")
	if p := m.look(t, timer("weekly", "/bin/false")); !strings.Contains(messages(p.Stale), "/etc/systemd/system/tm.timer is not what the unit was started with") {
		t.Errorf("stale %q:%s", messages(p.Stale), tell(p))
	}

	once := func(text string) []mesh.Resource {
		return m.all(t, append(append(unitFile("one.service", `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/cp /srv/one.conf /run/one\n[Install]\nWantedBy=multi-user.target\n`),
			file("/srv/one.conf", text, "0644")...), service("one", `"/srv/one.conf"`, "restart")...)...)
	}
	m.converge(t, once("A"))
	result(t, m.converge(t, once("B")), "restart one", plan.ResultDone, "")
	m.holds(t, "grep -qx B /run/one")
}

func TestASocketWhoseServiceRunsIsNotTakenDown(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	want := func(path, bound string) []mesh.Resource {
		return m.all(t, append(append(unitFile("so.service", bound+`[Service]\nExecStart=/bin/sleep 1000\n`),
			unitFile("so.socket", `[Socket]\nListenStream=`+path+`\n[Install]\nWantedBy=sockets.target\n`)...), service("so.socket", "", "restart")...)...)
	}
	m.converge(t, want("/run/so1", ""))
	m.Must(t, "systemctl start so")
	result(t, m.apply(t, want("/run/so2", "")), "restart so.socket", plan.ResultFailed, "its service so.service runs")
	m.holds(t, "systemctl -q is-active so.socket so")
	m.Must(t, "systemctl stop so")
	m.converge(t, want("/run/so2", ""))
	m.holds(t, "[ -S /run/so2 ]")
	m.converge(t, want("/run/so2", `[Unit]\nRequires=so.socket\n`))
	m.Must(t, "systemctl start so")
	m.converge(t, want("/run/so3", `[Unit]\nRequires=so.socket\n`))
	m.holds(t, "[ -S /run/so3 ] && systemctl -q is-active so")
}

// systemctl shows commands as they are, and so their lines.
func TestACommandOfAUnitMayHaveEmptyLines(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	want := m.all(t, slices.Concat(unitFile("li.service", `[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sh -c \"echo a\\n\\necho b\"\n`+install), service("li", "", "restart"),
		unitFile("lj.service", `[Service]\nExecStart=/bin/sleep 1001\n`+install), service("lj", "", "restart"))...)
	m.converge(t, want)
	m.holds(t, `systemctl show -p ExecStop li | grep -qx ''`)
	m.Must(t, "systemctl stop lj")
	if got := steps(m.planned(t, m.target(t, want), want)); got != "start lj" {
		t.Errorf("steps %q", got)
	}
}

// An instance comes with the file of its template, in a slice of its own.
func TestAnInstanceComesWithItsTemplate(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	want := func(seconds string) []mesh.Resource {
		return m.all(t, slices.Concat(unitFile("tp@.service", `[Service]\nExecStart=/bin/sleep `+seconds+`\n`+install), service("tp@a", "", "restart"), service("tp@b", "", "restart"))...)
	}
	m.converge(t, want("7000"))
	got := m.converge(t, want("7001"))
	result(t, got, "restart tp@a", plan.ResultDone, "")
	result(t, got, "restart tp@b", plan.ResultDone, "")
	m.holds(t, `[ "$(pgrep -fxc '/bin/sleep 7001')" = 2 ]`)
}

// A reload does not run another program.
func TestWhatAReloadCannotTakeInIsARestart(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	own := func(seconds, text string) []mesh.Resource {
		return m.all(t, append(append(unitFile("rl.service", `[Service]\nExecStart=/bin/sleep `+seconds+`\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n`),
			file("/srv/rl.conf", text, "0644")...), service("rl", `"/srv/rl.conf"`, "reload")...)...)
	}
	m.converge(t, own("2001", "a"))
	result(t, m.converge(t, own("2001", "b")), "reload rl", plan.ResultDone, "")
	result(t, m.converge(t, own("2002", "c")), "restart rl", plan.ResultDone, "")
	m.holds(t, "pgrep -fx '/bin/sleep 2002'")

	unit := "[Service]\nExecStart=/bin/sleep 3000\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
	m.publish(t, deb{name: "pk", version: "1", unit: unit}, deb{name: "pk", version: "2", unit: strings.Replace(unit, "3000", "3001", 1)})
	packaged := func(version string) []mesh.Resource {
		return m.all(t, append([]string{"packages", "pk", `{"version": "` + version + `"}`}, service("pk", `"package:pk"`, "reload")...)...)
	}
	m.converge(t, packaged("1"))
	result(t, m.converge(t, packaged("2")), "restart pk", plan.ResultDone, "")
	m.holds(t, "pgrep -fx '/bin/sleep 3001'")
	// What the package brought is known, though it was not there when the host was observed.
	m.Must(t, "sed -i s/3001/3002/ /lib/systemd/system/pk.service; systemctl daemon-reload")
	if p := m.look(t, packaged("2")); steps(p) != "restart pk" || !strings.Contains(messages(p.Stale), "/lib/systemd/system/pk.service is not what the process") {
		t.Errorf("stale %q:%s", messages(p.Stale), tell(p))
	}
}

// Each package's postinst has systemd load all units anew, which then says nothing of any.
func TestAUnitIsKnownWhereverItLies(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	unit := func(dir, name, seconds string) {
		m.Must(t, "mkdir -p "+dir+"; printf '[Service]\nExecStart=/bin/sleep "+seconds+"\n"+install+"' >"+dir+"/"+name+"; systemctl daemon-reload")
	}
	unit("/lib/systemd/system", "lb.service", "4001")
	unit("/etc/systemd/system", "tp@.service", "6001")
	want := m.all(t, append(service("lb", "", "restart"), service("tp@a", "", "restart")...)...)
	m.converge(t, want)
	for _, x := range []struct{ edit, step, stale string }{
		{"sed -i s/4001/4002/ /lib/systemd/system/lb.service", "restart lb", "/lib/systemd/system/lb.service is not what the process"},
		{"mkdir /run/systemd/system/lb.service.d; printf '[Service]\nEnvironment=A=1\n' >/run/systemd/system/lb.service.d/x.conf", "restart lb", "/run/systemd/system/lb.service.d/ is not what the process"},
		{"sed -i s/6001/6002/ /etc/systemd/system/tp@.service", "restart tp@a", "/etc/systemd/system/tp@.service is not what the process"},
		{"mkdir /etc/systemd/system/tp@.service.d; printf '[Service]\nEnvironment=A=1\n' >/etc/systemd/system/tp@.service.d/x.conf", "restart tp@a", "/etc/systemd/system/tp@.service.d/ is not what the process"},
	} {
		m.Must(t, x.edit+"; systemctl daemon-reload")
		if p := m.look(t, want); steps(p) != x.step || !strings.Contains(messages(p.Stale), x.stale) {
			t.Errorf("%s: stale %q:%s", x.edit, messages(p.Stale), tell(p))
		}
		m.converge(t, want)
	}
	// By git, in one apply, under the other name of the folder, too.
	byGit := slices.Concat(
		unitFile("tp@.service", `[Service]\nExecStart=/bin/sleep 6003\n`+install),
		[]string{"files", "/usr/lib/systemd/system/lb.service", `{"content": "[Service]\nExecStart=/bin/sleep 4003\n` + install + `", "mode": "0644", "owner": "root", "group": "root"}`},
		service("lb", "", "restart"), service("tp@a", "", "restart"))
	got := m.converge(t, m.all(t, byGit...))
	result(t, got, "restart lb", plan.ResultDone, "")
	result(t, got, "restart tp@a", plan.ResultDone, "")
	m.holds(t, "pgrep -fx '/bin/sleep 4003' && pgrep -fx '/bin/sleep 6003'")
}

func TestNothingRestartsWithoutAReason(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	// The same unit once more: systemd wants to read it, and the process runs by it.
	want := m.all(t, slices.Concat(unitFile("to.service", `[Service]\nExecStart=/bin/sleep 9001\n`+install), service("to", "", "restart"))...)
	m.converge(t, want)
	m.Must(t, `touch -d '+1 hour' /etc/systemd/system/to.service; [ "$(systemctl show -p NeedDaemonReload --value to)" = yes ]`)
	if p := m.look(t, want); !p.Empty || len(p.Stale) != 0 || !strings.Contains(strings.Join(p.Notes, " "), "systemd has yet to read its unit again") {
		t.Errorf("stale %q, notes %q:%s", messages(p.Stale), p.Notes, tell(p))
	}
	// The mode of what a service reads that nobody recorded.
	m.Must(t, `printf 'c\n' >/srv/ad; chmod 600 /srv/ad; printf '[Service]\nExecStart=/bin/sleep 9101\n`+install+`' >/etc/systemd/system/ad.service; systemctl daemon-reload; systemctl -q enable ad; `+apart+`systemctl start ad; `+apart)
	adopted := m.all(t, slices.Concat(file("/srv/ad", "c", "0644"), service("ad", `"/srv/ad"`, "restart"))...)
	if p := m.look(t, adopted); steps(p) != "" {
		t.Errorf("steps for a mode:%s", tell(p))
	}
	m.converge(t, adopted)
}

func TestAServiceThatDoesNotStayUpWasNotStarted(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	unit := mesh.UnitCheck("bad")
	for _, x := range []struct{ unit, says string }{
		{`[Service]\nExecStart=/bin/false\n`, "it ended at once and is failed (exit-code): see journalctl -u bad"},
		{`[Service]\nRestart=always\nRestartSec=1000\nExecStart=/bin/false\n`, "systemd starts it again and again"},
		{`[Service]\nType=oneshot\nExecStart=/bin/true\n`, "declare running: false, or give its unit RemainAfterExit=yes"},
		{`[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=/bin/sleep 1000\n`, "a condition of its unit does not hold"},
	} {
		want := m.all(t, slices.Concat(unitFile("bad.service", x.unit+install), service("bad", "", "restart"))...)
		if got := m.apply(t, want); got["start bad"].Result == plan.ResultFailed {
			result(t, got, "start bad", plan.ResultFailed, x.says)
			continue
		}
		// It ended a moment after systemd was asked: the gate behind the batch asks again.
		m.until(t, "! systemctl -q is-active bad")
		if got := m.target(t, nil).Probe(t.Context(), []mesh.Check{unit}); len(got) != 1 || health.Judge(got[0]).Status != health.NotServing {
			t.Errorf("%s: the gate would go on: %+v", x.unit, got)
		}
	}
	if got := m.target(t, nil).Probe(t.Context(), []mesh.Check{{Kind: "tcp", Port: 22}, unit}); len(got) != 2 || health.Judge(got[0]).Status != health.Serving ||
		!strings.Contains(health.Judge(got[1]).Reason, "systemd says that it is inactive") {
		t.Errorf("%+v", got)
	}
	// What systemd will start again, a day from now, is started now.
	want := func(program string) []mesh.Resource {
		return m.all(t, slices.Concat(unitFile("loop.service", `[Service]\nRestart=always\nRestartSec=86400\nExecStart=`+program+`\n`+install), service("loop", "", "restart"))...)
	}
	m.apply(t, want("/bin/false"))
	m.until(t, `[ "$(systemctl show -p SubState --value loop)" = auto-restart ]`)
	result(t, m.converge(t, want("/bin/sleep 1000")), "start loop", plan.ResultDone, "")
}

func TestWhatIsEnabledUntilTheNextBootOrEnablesOthers(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Must(t, brings("rt", install)+"; systemctl enable -q --runtime rt; systemctl start rt; "+brings("ind", `[Install]\nAlso=rt.service\n`))
	result(t, m.converge(t, m.all(t, service("rt", "", "restart")...)), "enable rt", plan.ResultDone, "")
	m.holds(t, "systemctl is-enabled rt | grep -qx enabled")
	result(t, m.apply(t, m.all(t, service("ind", "", "restart")...)), "enable ind", plan.ResultFailed, "others were enabled and not itself")
}
