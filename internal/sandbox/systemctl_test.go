package sandbox_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestSystemctl compares what the stand-in says with what systemd 252 says.
func TestSystemctl(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Hosts: example()[3:4], Mode: mode, Timing: quick()})
		for _, x := range []struct{ do, want string }{
			{"systemctl show --property=LoadState --property=Id --value logshipper", "logshipper.service\nloaded\n0\n"},
			{"systemctl show -p MainPID,UnitFileState nothing -p LoadState", "MainPID=0\nLoadState=not-found\nUnitFileState=\n0\n"},
			{"systemctl start nothing", "Failed to start nothing.service: Unit nothing.service not found.\n5\n"},
			{"systemctl restart nothing.service", "Failed to restart nothing.service: Unit nothing.service not found.\n5\n"},
			{"systemctl stop nothing", "Failed to stop nothing.service: Unit nothing.service not loaded.\n5\n"},
			{"systemctl enable nothing", "Failed to enable unit: Unit file nothing.service does not exist.\n1\n"},
			{"systemctl is-enabled nothing", "Failed to get unit file state for nothing.service: No such file or directory\n1\n"},
			{"systemctl is-active nothing", "inactive\n3\n"},
			{"systemctl is-enabled logshipper", "disabled\n1\n"},
			{"systemctl enable logshipper", "Created symlink /etc/systemd/system/multi-user.target.wants/logshipper.service → /lib/systemd/system/logshipper.service.\n0\n"},
			{"systemctl enable logshipper", "0\n"},
			{"systemctl is-enabled logshipper", "enabled\n0\n"},
			{"systemctl is-active logshipper", "inactive\n3\n"},
			{"systemctl start -- 'logshipper.service'", "0\n"},
			{"systemctl is-active logshipper", "active\n0\n"},
			{"systemctl reload logshipper", "Failed to reload logshipper.service: Job type reload is not applicable for unit logshipper.service.\n3\n"},
			{"systemctl disable logshipper", "Removed \"/etc/systemd/system/multi-user.target.wants/logshipper.service\".\n0\n"},
			{"systemctl stop logshipper; systemctl is-active -q logshipper", "3\n"},
			{"systemctl mask logshipper", "Created symlink /etc/systemd/system/logshipper.service → /dev/null.\n0\n"},
			{"systemctl show -p LoadState,UnitFileState logshipper", "LoadState=masked\nUnitFileState=masked\n0\n"},
			{"systemctl start logshipper", "Failed to start logshipper.service: Unit logshipper.service is masked.\n1\n"},
			{"systemctl unmask logshipper", "Removed \"/etc/systemd/system/logshipper.service\".\n0\n"},
			{"cp $R/lib/systemd/system/logshipper.service $R/etc/systemd/system/; echo '# x' >>$R/etc/systemd/system/logshipper.service; systemctl show -p NeedDaemonReload logshipper", "NeedDaemonReload=yes\n0\n"},
			{"systemctl daemon-reload; systemctl show -p NeedDaemonReload,FragmentPath logshipper", "FragmentPath=/etc/systemd/system/logshipper.service\nNeedDaemonReload=no\n0\n"},
			{"echo '[Service]' >$R/etc/systemd/system/own.service; systemctl start own && systemctl is-active own", "active\n0\n"},
			{"systemctl is-enabled own; systemctl show -p UnitFileState own; systemctl enable -q own; systemctl enable own 2>&1 | head -n 1; systemctl disable own; systemctl is-enabled -q own", "static\nUnitFileState=static\nThe unit files have no installation config (WantedBy=, RequiredBy=, Also=,\n0\n"},
			{"systemctl frobnicate x", "Unknown command verb frobnicate.\n1\n"},
			{"systemctl start", "Too few arguments.\n1\n"},
		} {
			if got := on(t, c, "a1", "{ "+x.do+"; } 2>&1; echo $?"); got != x.want {
				t.Errorf("%s\nsays %s\nwant %s", x.do, got, x.want)
			}
		}
		client, err := dial(t, c, "a1")
		if err != nil {
			t.Fatal(err)
		}
		if r := command(t, client, "systemctl start logshipper 2>&1", ""); r.code == 0 {
			t.Errorf("a user who is not root started a unit: %+v", r)
		}
	})
}

// TestSystemdNotesTwoTimes holds what is noted of when a unit began, by the host's clock and since
// its boot, to the boot time that the kernel tells.
func TestSystemdNotesTwoTimes(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Hosts: example()[3:4], Mode: mode, Timing: quick()})
		said := on(t, c, "a1", "systemctl start logshipper; systemctl show -p Id,InactiveExitTimestamp,InactiveExitTimestampMonotonic -- logshipper -.slice; grep btime /proc/stat")
		var ids, walls, elapsed []string
		boot := int64(0)
		for line := range strings.Lines(said) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch key {
			case "Id":
				ids = append(ids, value)
			case "InactiveExitTimestamp":
				walls = append(walls, value)
			case "InactiveExitTimestampMonotonic":
				elapsed = append(elapsed, value)
			default:
				_, _ = fmt.Sscanf(key, "btime %d", &boot)
			}
		}
		if len(walls) != 2 || len(elapsed) != 2 || strings.Join(ids, " ") != "logshipper.service -.slice" {
			t.Fatalf("%s", said)
		}
		began, err := time.Parse("Mon 2006-01-02 15:04:05 UTC", walls[1])
		micros, err2 := strconv.ParseInt(elapsed[1], 10, 64)
		if by := boot - (began.Unix() - micros/1_000_000); err != nil || err2 != nil || by < -2 || by > 2 {
			t.Errorf("the host was booted %d s before what systemd noted: %v %v\n%s", by, err, err2, said)
		}
	})
}

// TestAServiceIsAProcess finds the process of a unit where a script looks for it.
func TestAServiceIsAProcess(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Hosts: example(), Mode: mode, Timing: quick()})
		identity := "pid=$(systemctl show -p MainPID --value zookeeper); read -r s <\"/proc/$pid/stat\"; set -- ${s##*) }; shift 19; echo \"$pid $1\"\n"
		first := on(t, c, "m1", "systemctl start zookeeper\n"+identity)
		if got := on(t, c, "m1", "systemctl start zookeeper\n"+identity); got != first {
			t.Errorf("start of what runs: %q, then %q", first, got)
		}
		second := on(t, c, "m1", "systemctl restart zookeeper\n"+identity)
		if second == first {
			t.Errorf("restart left the process %q", first)
		}
		got := on(t, c, "m1", "kill -9 $(systemctl show -p MainPID --value zookeeper); while systemctl -q is-active zookeeper; do :; done; systemctl show -p ActiveState,SubState,Result,MainPID zookeeper")
		if got != "MainPID=0\nResult=signal\nActiveState=failed\nSubState=failed\n" {
			t.Errorf("after kill -9 from the host: %s", got)
		}
		if word(t, c, "m1", "srvr") != "" {
			t.Error("its port is still open")
		}
	})
}

// TestOwnersAndModes sets what a script sets and reads it as a script reads it.
func TestOwnersAndModes(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Hosts: example(), Mode: mode})
		got := on(t, c, "m1", `cd $R/etc
echo a >new && chown zookeeper:ops -- new && chmod 0640 new && mv -f -T new moved
stat -c '%a %U %G %s %n' -- moved hostname $R/var/lib/zookeeper
chown nobody moved && stat -c '%U:%G' moved
chown nosuchuser:root -- moved 2>&1 || true
stat -c '%n %U' -- moved missing 2>/dev/null || echo failed
stat -c '%N' $R/etc/zookeeper/conf`)
		want := "640 zookeeper ops 2 moved\n644 root root 3 hostname\n750 zookeeper zookeeper 4096 " + c.Root("m1") + "/var/lib/zookeeper\n" +
			"nobody:ops\nchown: invalid user: 'nosuchuser:root'\nmoved nobody\nfailed\n'" + c.Root("m1") + "/etc/zookeeper/conf' -> '/etc/alternatives/zookeeper-conf'\n"
		got = strings.NewReplacer("‘", "'", "’", "'").Replace(got)
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestAServerTakesTenSessions is OpenSSH's default for one connection.
func TestAServerTakesTenSessions(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()[:1]})
	client, err := dial(t, c, "m1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := client.NewSession(); err != nil {
			t.Fatalf("session %d: %v", i+1, err)
		}
	}
	if _, err := client.NewSession(); err == nil || !strings.Contains(err.Error(), "open failed") {
		t.Errorf("session 11: %v", err)
	}
}

func TestReadConnectRefusesWhatIsNoSandbox(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{`:                                "connect file",
		`{"schema":"meshsync.connect/v2"}`: `reads "meshsync.connect/v1"`,
		`{"schema":"meshsync.connect/v1","hosts":{"m1":{"address":"10.0.0.11","port":22}}}`: "not of this machine's loopback",
	} {
		file := t.TempDir() + "/connect.json"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.ReadConnect(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := sandbox.ReadConnect("/does/not/exist"); err == nil {
		t.Error("a file that does not exist was read")
	}
}

func TestExitCodesAndSignalsArrive(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()[:1]})
	client, err := dial(t, c, "m1")
	if err != nil {
		t.Fatal(err)
	}
	if r := command(t, client, "exit 42", ""); r.code != 42 {
		t.Errorf("exit 42: %+v", r)
	}
	if r := command(t, client, "kill -TERM $$", ""); r.failure == nil || !strings.Contains(r.failure.Error(), "TERM") {
		t.Errorf("a command that a signal ended: %+v", r)
	}
	root, err := dialAs(t, c, "m1", "root")
	if err != nil {
		t.Fatal(err)
	}
	if r := command(t, root, "/bin/sh -s", "echo $USER"); r.out != "root\n" {
		t.Errorf("root by key: %+v", r)
	}
	if _, err := dialAs(t, c, "m1", "mallory"); err == nil {
		t.Error("mallory was let in")
	}
	big := strings.Repeat("0123456789abcdef", 1<<18)
	if r := command(t, client, "wc -c", big); strings.TrimSpace(r.out) != fmt.Sprint(len(big)) {
		t.Errorf("4 MB of input: %+v", r)
	}
}
