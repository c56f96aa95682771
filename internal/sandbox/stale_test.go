package sandbox_test

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestUnitsThatAreStaleOrMasked asks what meshsync asks before it restarts anything.
func TestUnitsThatAreStaleOrMasked(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Hosts: example()[:1], Mode: mode, Timing: quick()})
		show := "; systemctl show -p NeedDaemonReload,LoadState,UnitFileState logshipper own | tr '\\n' ' '"
		loaded := func(state, need string) string {
			return "LoadState=loaded UnitFileState=" + state + " NeedDaemonReload=" + need + " "
		}
		missing := " LoadState=not-found UnitFileState= NeedDaemonReload=no 0\n"
		unit := "$R/etc/systemd/system/logshipper.service"
		for i, x := range []struct{ do, want string }{
			{"true", loaded("disabled", "no") + missing},
			{"printf '[Install]\\nWantedBy=multi-user.target\\n' >" + unit, loaded("disabled", "yes") + missing},
			{"systemctl daemon-reload", loaded("disabled", "no") + missing},
			{"touch -d '+1 second' " + unit, loaded("disabled", "yes") + missing},
			{"systemctl enable -q logshipper 2>/dev/null", loaded("enabled", "no") + missing},
			{"mkdir " + unit + ".d; echo '[Service]' >" + unit + ".d/more.conf", loaded("enabled", "no") + missing}, // a folder that systemd does not know
			{"systemctl daemon-reload", loaded("enabled", "no") + missing},
			{"touch -d '+1 second' " + unit + ".d/more.conf", loaded("enabled", "yes") + missing},
			{"systemctl daemon-reload; rm -r " + unit + ".d", loaded("enabled", "yes") + missing},
			{"rm " + unit + "; systemctl daemon-reload", loaded("enabled", "no") + missing},
			{"echo '[Service]' >$R/etc/systemd/system/own.service", loaded("enabled", "no") + " " + loaded("static", "yes") + "0\n"},
			{"systemctl daemon-reload", loaded("enabled", "no") + " " + loaded("static", "no") + "0\n"},
			{"systemctl start logshipper; systemctl mask -q logshipper 2>/dev/null", "LoadState=masked UnitFileState=masked NeedDaemonReload=no  " + loaded("static", "no") + "0\n"},
			{"rm $R/etc/systemd/system/own.service; systemctl mask -q own 2>/dev/null", strings.Repeat("LoadState=masked UnitFileState=masked NeedDaemonReload=no ", 2) + "0\n"},
		} {
			got := says(t, c, x.do+show)
			if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(x.want), " ") {
				t.Errorf("%d: %s\nsays %s\nwant %s", i, x.do, got, x.want)
			}
		}
		if got := says(t, c, "systemctl is-active logshipper; systemctl start own; systemctl is-enabled own"); got != "active\nFailed to start own.service: Unit own.service is masked.\nmasked\n1\n" &&
			got != "active\nmasked\nFailed to start own.service: Unit own.service is masked.\n1\n" {
			t.Errorf("masked units: %s", got)
		}
	})
}
