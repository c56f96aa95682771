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

// A unit that is restarted is told to be up by what is in its control group where only its own processes can
// be there, and by systemd where something else can: a command that runs when it ends, or what it leaves behind.
func TestWhatIsLeftInAControlGroupIsNotTheService(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	want := func(more, script string) []mesh.Resource {
		return m.all(t, slices.Concat(unitFile("al.service", `[Service]\nExecStart=/bin/sh /srv/al\nStandardOutput=null\n`+more+install),
			[]string{"files", "/srv/al", `{"content": "` + script + `\n", "mode": "0755", "owner": "root", "group": "root"}`},
			service("al", `"/srv/al"`, "restart"))...)
	}
	for name, x := range map[string]struct {
		unit  string
		dies  string // what it runs after the restart, which ends at once
		alone bool   // with nothing left in the group
	}{
		"nothing left":           {"", "exit 1", true},
		"a command after it":     {`ExecStopPost=/bin/sh -c \"[ $SERVICE_RESULT = success ] || sleep 30\"\n`, "exit 1", false},
		"a command that stops":   {`ExecStop=/bin/sh -c \"[ -n \\\"$MAINPID\\\" ] && kill $MAINPID || sleep 30\"\n`, "exit 0", false},
		"a child that it leaves": {`KillMode=process\n`, "sleep 30 & exit 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			m.bring(t, want(x.unit, "exec sleep 7001"))
			next := want(x.unit, x.dies)
			h := m.target(t, next)
			p := m.planned(t, h, next)
			got := m.applied(t, h, p)
			if got["restart al"].Result == plan.ResultDone {
				m.until(t, "! systemctl -q is-active al")
			}
			if a := h.Probe(t.Context(), []mesh.Check{mesh.UnitCheck("al")}); len(a) != 1 || health.Judge(a[0]).Status != health.NotServing {
				t.Errorf("the gate behind the batch would go on: %+v, after %+v", a, got["restart al"])
			}
			if left := m.Exec(t, "cat /sys/fs/cgroup/*/system.slice/al.service/cgroup.procs /sys/fs/cgroup/system.slice/al.service/cgroup.procs 2>/dev/null").Stdout; (len(left) == 0) != x.alone {
				t.Errorf("in its control group is %q: this tries nothing", left)
			}
			m.Must(t, "systemctl kill -s KILL al 2>/dev/null; pkill -KILL -fx 'sleep 30'; systemctl reset-failed al 2>/dev/null; :")
		})
	}
	t.Run("it comes up", func(t *testing.T) {
		m.bring(t, want("", "exec sleep 7001"))
		next := want("", "exec sleep 7002")
		h := m.target(t, next)
		result(t, m.applied(t, h, m.planned(t, h, next)), "restart al", plan.ResultDone, "")
		m.holds(t, "pgrep -fx 'sleep 7002' | grep -qx \"$(systemctl show -p MainPID --value al)\"")
		serves := func() health.Status {
			return health.Judge(h.Probe(t.Context(), []mesh.Check{mesh.UnitCheck("al")})[0]).Status
		}
		if serves() != health.Serving {
			t.Error("it is not seen")
		}
		m.settled(t, next)
		m.Must(t, "systemctl stop al")
		if serves() != health.NotServing {
			t.Error("it is seen though it was stopped")
		}
	})
}

// On a busy host more may have come of a restart until somebody looks: the unit is on its way down, or up again.
func TestWhatCameOfARestartMeanwhileIsNotTheService(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Put(t, "/usr/local/sbin/systemctl", "#!/bin/sh\n/bin/systemctl \"$@\" || exit\n[ \"$1\" != restart ] || until sh /run/meanwhile; do :; done\n", 0o755)
	for name, x := range map[string]struct{ unit, runs, meanwhile string }{
		"a child that does not end":   {"", `trap \"\" TERM; sleep 7001 & exit 1`, "deactivating/stop-sigterm"},
		"a daemon that does not end":  {"", `trap \"\" TERM; setsid sleep 7001 & exit 0`, "deactivating/stop-sigterm"},
		"a command before the second": {`Restart=always\nRestartSec=0\nExecStartPre=/bin/sh -c \"[ ! -e /run/al ] || exec sleep 7001\"\n`, ": >/run/al; exit 1", "activating/start-pre"},
	} {
		t.Run(name, func(t *testing.T) {
			want := func(runs string) []mesh.Resource {
				return m.all(t, slices.Concat(unitFile("al.service", `[Service]\nExecStart=/bin/sh /srv/al\n`+x.unit+install), file("/srv/al", runs, "0755"), service("al", `"/srv/al"`, "restart"))...)
			}
			m.Put(t, "/run/meanwhile", "", 0o644)
			m.bring(t, want("exec sleep 7000"))
			m.Put(t, "/run/meanwhile", `[ "$(/bin/systemctl show -p ActiveState --value al)/$(/bin/systemctl show -p SubState --value al)" = `+x.meanwhile+" ]", 0o644)
			result(t, m.apply(t, want(x.runs)), "restart al", plan.ResultFailed, "it ended at once")
			m.Must(t, "rm -f /run/al; systemctl --no-block stop al; systemctl kill -s KILL al; :")
			m.until(t, "! pgrep -x sleep")
		})
	}
}

// What a unit leaves is known of the unit as it was observed, and of no other that a batch brings.
func TestAUnitThatABatchBringsMayLeaveMore(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Put(t, "/usr/local/sbin/systemctl", "#!/bin/sh\n/bin/systemctl \"$@\" || exit\n[ \"$1\" != restart ] || until sh /run/meanwhile; do :; done\n", 0o755)
	own := func(more string) string {
		return "[Service]\n" + more + "\n[Install]\nWantedBy=multi-user.target\n"
	}
	before, then := own("ExecStart=/bin/sleep 7000"), own("KillMode=process\nExecStart=/bin/sh -c \"setsid env -i sleep 7001 & exit 1\"")
	m.publish(t, deb{name: "al", version: "1", unit: before}, deb{name: "al", version: "2", unit: then})
	packaged := func(version string) []mesh.Resource {
		return m.all(t, append([]string{"packages", "al", `{"version": "` + version + `"}`}, service("al", `"package:al"`, "restart")...)...)
	}
	file := func(text string) []mesh.Resource {
		return m.all(t, append(unitFile("al.service", strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(text)), service("al", "", "restart")...)...)
	}
	for name, x := range map[string]struct {
		was, becomes []mesh.Resource
		apart        bool // the unit in a batch of its own, before that of its service
	}{
		"a package":                   {packaged("1"), packaged("2"), false},
		"a package, in another batch": {packaged("1"), packaged("2"), true},
		"a file, in another batch":    {file(before), file(then), true},
	} {
		t.Run(name, func(t *testing.T) {
			m.Must(t, "systemctl stop al; pkill -KILL -x sleep; apt-get purge -qq -y al; rm -f /etc/systemd/system/al.service; systemctl daemon-reload; systemctl reset-failed; :")
			m.Put(t, "/run/meanwhile", "", 0o644)
			m.bring(t, x.was)
			m.Put(t, "/run/meanwhile", "! /bin/systemctl -q is-active al", 0o644)
			h := m.target(t, x.becomes)
			p := m.planned(t, h, x.becomes)
			if x.apart {
				b := p.Stages[0].Batches[0]
				p.Stages[0].Batches = []plan.Batch{{Changes: b.Changes}, {Service: b.Service}}
			}
			result(t, m.applied(t, h, p), "restart al", plan.ResultFailed, "it ended at once")
			m.holds(t, "pgrep -fx 'sleep 7001'")
		})
	}
}

// The process of a service that is being stopped may be there for long, and serve no more.
func TestAServiceThatIsBeingStoppedIsNotServing(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	want := func(runs string) []mesh.Resource {
		return m.all(t, slices.Concat(unitFile("al.service", `[Service]\nExecStart=/bin/sh /srv/al\n`+install), file("/srv/al", runs, "0755"), service("al", `"/srv/al"`, "restart"))...)
	}
	m.bring(t, want("exec sleep 7000"))
	heedless := want(`trap \"\" TERM; : >/run/up; sleep 7001`)
	h := m.target(t, heedless)
	m.applied(t, h, m.planned(t, h, heedless))
	m.until(t, "[ -e /run/up ]")
	serves := func() health.Status {
		return health.Judge(h.Probe(t.Context(), []mesh.Check{mesh.UnitCheck("al")})[0]).Status
	}
	if got := serves(); got != health.Serving {
		t.Errorf("behind the batch it is %v", got)
	}
	m.Must(t, "systemctl --no-block stop al")
	m.until(t, "systemctl show -p ActiveState --value al | grep -qx deactivating")
	if got := serves(); got != health.NotServing {
		t.Errorf("before the next one is stopped it is %v", got)
	}
	m.Must(t, "systemctl kill -s KILL al")
}
