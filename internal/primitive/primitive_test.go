package primitive

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestEachKindIsItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range All() {
		names := []string{"kind " + string(p.Kind), "field " + p.Field}
		if p.Path != nil && p.Path.Type != 0 {
			names = append(names, fmt.Sprintf("type %o", p.Path.Type))
		}
		for _, n := range names {
			if seen[n] {
				t.Errorf("%s is there twice", n)
			}
			seen[n] = true
		}
		if got, ok := Of(p.Kind); !ok || got.Field != p.Field {
			t.Errorf("Of(%s) is %v", p.Kind, got)
		}
		if ways := count(p.Path != nil, p.Named != nil, p.Recorded != nil); ways != 1 {
			t.Errorf("%s is known in %d ways", p.Kind, ways)
		}
		if n := p.Named; n != nil && n.Write != nil && (n.Now == nil || n.Expected == nil || n.Describe == nil || (n.Remove == nil) != p.Keeps) {
			t.Errorf("%s is written without a check before, or kept and removed", p.Kind)
		}
	}
	if _, ok := Of(mesh.App); ok {
		t.Error("an app is no primitive of a host")
	}
	if _, ok := At(0o010644); ok {
		t.Error("a pipe is no primitive")
	}
}

// What Now prints of a thing must be what Expected makes of its attributes, or every
// change of it would be a conflict.
func TestNowSaysWhatIsExpected(t *testing.T) {
	t.Parallel()
	declared := map[string]string{
		"files":       `{"content": "it's\n", "mode": "0640", "owner": "O", "group": "G"}`,
		"directories": `{"mode": "0750", "owner": "O", "group": "G"}`,
		"symlinks":    `{"to": "/no where -> at 'all"}`,
	}
	for _, p := range All() {
		if p.Path == nil || p.Path.Type == 0 {
			continue
		}
		t.Run(string(p.Kind), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var info syscall.Stat_t
			if err := syscall.Stat(dir, &info); err != nil {
				t.Fatal(err)
			}
			who, err := exec.Command("stat", "-c", "%U %G", dir).Output()
			if err != nil {
				t.Fatal(err)
			}
			owner, group, _ := strings.Cut(strings.TrimSpace(string(who)), " ")
			d, err := p.Decode([]byte(strings.NewReplacer(`"O"`, `"`+owner+`"`, `"G"`, `"`+group+`"`).Replace(declared[p.Field])))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "it")
			put := map[string]func() error{
				"files":       func() error { return os.WriteFile(path, []byte(*d.Text), 0o640) },
				"directories": func() error { return os.Mkdir(path, 0o750) },
				"symlinks":    func() error { return os.Symlink(d.Attrs["to"].(string), path) },
			}[p.Field]
			if err := put(); err != nil {
				t.Fatal(err)
			}
			attrs := mesh.MustTree(d.Attrs)
			want := string(p.Kind) + " " + p.Path.Expected(attrs)
			for _, other := range All() {
				if other.Path == nil || other.Path.Now == "" {
					continue
				}
				out, err := exec.Command("sh", "-c", `ms_digest() { D=$(sha256sum <"$1"); D=${D%% *}; }; N=none; set -- "$1"; `+other.Path.Now+`; printf %s "$N"`, "sh", path).Output()
				if err != nil {
					t.Fatal(err)
				}
				if other.Kind == p.Kind && string(out) != want {
					t.Errorf("now %q, expected %q", out, want)
				}
				if other.Kind != p.Kind && string(out) != "none" {
					t.Errorf("a %s says %q of a %s", other.Kind, out, p.Kind)
				}
			}
			if text := p.Path.Describe(p.Path.Expected(attrs)); !strings.HasPrefix(text, "a ") {
				t.Errorf("in words: %q", text)
			}
		})
	}
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

func block(load, active, file string, pid int) string {
	return fmt.Sprintf("Id=x.service\nLoadState=%s\nActiveState=%s\nSubState=any\nUnitFileState=%s\nMainPID=%d\nNeedDaemonReload=no\n", load, active, file, pid)
}

// proc is a line of /proc/PID/stat of a process with a nasty name.
func proc(pid, start int) string {
	return fmt.Sprintf("%d (a) b (c) S%s %d 1 2 3\n", pid, strings.Repeat(" 7", 18), start)
}

func TestUnitsAreReadFromWhatSystemctlSays(t *testing.T) {
	t.Parallel()
	out := strings.Join([]string{
		block("loaded", "active", "enabled", 41), block("not-found", "inactive", "", 0), block("loaded", "inactive", "generated", 0),
		block("loaded", "reloading", "enabled-runtime", 42), block("loaded", "failed", "disabled", 43), "Failed to connect to bus\n",
	}, "\n") + processes + proc(41, 1234) + "-\n-\n-\n" + proc(43, 9) + "-\n" + toEnable + "a\nd\n" + scripts + "cron\nzk\n"
	got := readUnits(out, []string{"a", "b", "zk", "d", "e", "f"})
	want := []Seen{
		{Attrs: map[string]any{"enabled": true, "running": true, "masked": false}, PID: 41, StartTicks: 1234},
		{Attrs: map[string]any{"enabled": false, "running": false, "masked": false}, NoUnit: true},
		{Attrs: map[string]any{"enabled": true, "running": false, "masked": false}},
		{Attrs: map[string]any{"enabled": false, "running": true, "masked": false}, PID: 42}, // it has gone since
		{Attrs: map[string]any{"enabled": false, "running": false, "masked": false}},
		{Unknown: "systemctl does not describe it: is this a systemd host?"},
	}
	if !slices.EqualFunc(got, want, func(a, b Seen) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestUnitsThatAreNotAllThereAreNotRead(t *testing.T) {
	t.Parallel()
	whole := block("loaded", "active", "enabled", 41) + processes + proc(41, 1234) + toEnable + scripts
	for name, out := range map[string]string{
		"nothing": "", "no processes": block("loaded", "active", "enabled", 41), "a process that is cut": whole[:len(whole)-len(toEnable+scripts)-2],
		"one unit more": block("loaded", "active", "enabled", 41) + "\n" + whole,
	} {
		if got := readUnits(out, []string{"x"}); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Nothing can enable a unit without an [Install] section, and systemctl enable ends well.
func TestAStaticUnitIsNotEnabledAndCannotBe(t *testing.T) {
	t.Parallel()
	static := block("loaded", "active", "static", 41)
	notEnabled := Seen{Attrs: map[string]any{"enabled": false, "running": true, "masked": false}, PID: 41, StartTicks: 1234}
	again := notEnabled
	again.Reload = true
	for name, tt := range map[string]struct {
		block, enable string
		want          Seen
	}{
		"to be disabled":       {static, "y\n", notEnabled},
		"to be enabled":        {static, "y\nx\n", Seen{Unknown: staticUnit}},
		"with another on disk": {strings.Replace(static, "Reload=no", "Reload=yes", 1), "x\n", again},
	} {
		got := readUnits(tt.block+processes+proc(41, 1234)+toEnable+tt.enable+scripts, []string{"x"})
		if len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzReadUnits(f *testing.F) {
	f.Add(block("loaded", "active", "enabled", 41)+processes+proc(41, 1234)+toEnable+scripts, 1)
	f.Add("", 0)
	f.Add(processes+"1 () "+strings.Repeat(" 18446744073709551616", 20)+toEnable+scripts, 1)
	f.Fuzz(func(t *testing.T, out string, n int) {
		names := make([]string, max(0, min(n, 8)))
		for _, s := range readUnits(out, names) {
			if s.Unknown != "" && s.Attrs != nil || s.PID != 0 && s.Attrs["running"] != true {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestAUnitsNameMayHaveDots(t *testing.T) {
	t.Parallel()
	for unit, want := range map[string]string{
		"zookeeper": "zookeeper.service", "php8.2-fpm": "php8.2-fpm.service", "getty@tty1": "getty@tty1.service",
		"docker.socket": "docker.socket", "apt-daily.timer": "apt-daily.timer", "srv-data.mount": "srv-data.mount", "a.service": "a.service",
	} {
		if got := UnitFile(unit); got != want {
			t.Errorf("%s: %s, want %s", unit, got, want)
		}
	}
}
