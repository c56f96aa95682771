package sandbox_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// vandal is a script that tries to write all over the place.
const vandal = `
for d in / /etc /tmp /var/tmp /usr/bin /dev/shm /root "$OUT" "$OUT/../bin" "$OUT/../hosts/m2/etc" "$OUT/../keys" "$OUT/../run"; do
	(echo x >"$d/$V") 2>/dev/null && echo "wrote $d"
	(mkdir "$d/$V-dir") 2>/dev/null && echo "made a folder in $d"
done
(echo 0 >/proc/sys/net/ipv4/ip_forward) 2>/dev/null && echo "wrote /proc/sys"
(echo vandal >/proc/sys/kernel/core_pattern) 2>/dev/null && echo "wrote /proc/sys/kernel"
(rm -rf "$OUT/victim") 2>/dev/null && [ ! -e "$OUT/victim" ] && echo "removed a file outside"
(chmod 0777 "$OUT/victim") 2>/dev/null && echo "changed a mode outside"
echo fine >"$R/etc/mine" && rm -rf "$R/srv"
`

// TestNothingOutsideTheFolderChanges runs scripts that write wherever they can, and
// compares all that is around before and after.
func TestNothingOutsideTheFolderChanges(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		if os.Geteuid() != 0 {
			t.Skip("a user who is not root cannot keep a script from the user's own files")
		}
		outside := publicDir(t)
		dir := filepath.Join(outside, "box")
		c := box(t, sandbox.Options{Dir: dir, Hosts: example(), Mode: mode})
		mine := filepath.Join(outside, "out")
		if err := os.MkdirAll(mine, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(mine, "victim"), []byte("precious"), 0o644); err != nil {
			t.Fatal(err)
		}
		watched := []string{mine, filepath.Join(dir, "bin"), filepath.Join(dir, "keys"), filepath.Join(dir, "hosts", "m2"), "/etc"}
		before := tree(t, watched...)
		said := on(t, c, "m1", "OUT="+mine+" V=vandal-"+string(mode)+"\n"+vandal)
		if mode == "namespaces" && said != "" {
			t.Errorf("the host's root could do more than write to its root:\n%s", said)
		}
		for _, d := range []string{"/", "/tmp", "/var/tmp", "/usr/bin", "/dev/shm", "/root"} {
			left, _ := filepath.Glob(filepath.Join(d, "vandal-"+string(mode)+"*"))
			for _, name := range left {
				os.RemoveAll(name)
				if mode == "namespaces" || !worldWritable(t, d) {
					t.Errorf("a script made %s", name)
				}
			}
		}
		after := tree(t, watched...)
		if !slices.Equal(before, after) {
			t.Errorf("changed outside:\n%s", strings.Join(difference(before, after), "\n"))
		}
		if text, err := os.ReadFile(filepath.Join(c.Root("m1"), "etc/mine")); string(text) != "fine\n" {
			t.Errorf("the host could not write to its own root: %v", err)
		}
	})
}

// tree lists files with all that would tell a change.
func tree(t *testing.T, roots ...string) []string {
	t.Helper()
	var out []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrPermission) {
				return nil
			}
			if err != nil {
				return err
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			out = append(out, fmt.Sprintf("%s %s %d %s", name, info.Mode(), info.Size(), info.ModTime()))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func difference(a, b []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, x := range a {
		seen[x] = true
	}
	for _, x := range b {
		if !seen[x] {
			out = append(out, "+ "+x)
		}
		delete(seen, x)
	}
	for x := range seen {
		out = append(out, "- "+x)
	}
	slices.Sort(out)
	return out
}

// worldWritable reports whether anybody may write to a folder: without namespaces no
// sandbox keeps a user from that.
func worldWritable(t *testing.T, dir string) bool {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()&0o002 != 0
}

// TestNoSocketLeavesLoopback looks at what a host could send to, and at where the sandbox listens.
func TestNoSocketLeavesLoopback(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example(), Marathons: []string{"main"}, Timing: quick()})
	on(t, c, "m1", "systemctl start zookeeper logshipper")
	for _, l := range listeners(t) {
		if !strings.HasPrefix(l, "0100007F:") {
			t.Errorf("the sandbox listens on %s, which is not 127.0.0.1", l)
		}
	}
	if c.Mode() != "namespaces" {
		t.Skip("only namespaces keep a host from the machine's network")
	}
	got := on(t, c, "m1", "cat /proc/net/dev | tail -n +3 | cut -d: -f1; cat /proc/net/route | tail -n +2; "+
		"perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(PeerAddr=>\"192.0.2.1\",PeerPort=>80,Timeout=>2) ? \"connected\" : \"$!\"'")
	if strings.TrimSpace(strings.ReplaceAll(got, "lo\n", "")) != "Network is unreachable" || !strings.Contains(got, "lo") {
		t.Errorf("the host's network: %s", got)
	}
}

// listeners gives the local addresses on which this process listens, as /proc/net/tcp writes them.
func listeners(t *testing.T) []string {
	t.Helper()
	mine := map[string]bool{}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			mine[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	var out []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == "0A" && mine[f[9]] {
				out = append(out, f[1])
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("this process listens nowhere; the test looks in the wrong place")
	}
	return out
}

// TestNothingIsLeft starts everything that a sandbox can have and leaves processes behind
// in every way; after Close no process and no mount of it is there.
func TestNothingIsLeft(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := box(t, sandbox.Options{Hosts: example(), Mode: mode, Marathons: []string{"main"}, Timing: quick()})
		dir := filepath.Dir(filepath.Dir(c.Root("m1")))
		client, err := dial(t, c, "m1")
		if err != nil {
			t.Fatal(err)
		}
		s, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start("sudo -n /bin/sh -c 'systemctl start zookeeper logshipper; touch $R/tmp/started; sleep 1000'"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the command runs", func() bool {
			_, err := os.Stat(filepath.Join(c.Root("m1"), "tmp/started"))
			return err == nil
		})
		if mode == "namespaces" {
			on(t, c, "m2", "setsid sleep 1000 </dev/null >/dev/null 2>&1 &")
		}
		if len(processesOf(dir)) == 0 {
			t.Fatal("no process of the sandbox is found while it runs; the test looks in the wrong place")
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if left := processesOf(dir); len(left) > 0 {
			t.Errorf("left running: %q", left)
		}
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil || strings.Contains(string(mounts), dir) {
			t.Errorf("left mounted, or cannot be seen (%v)", err)
		}
		if _, err := os.Stat(c.ConnectFile()); err == nil {
			t.Error("the connect file is left")
		}
	})
}

// processesOf finds processes by the sandbox's folder in their environment.
func processesOf(dir string) []string { return processesWith(dir + "/") }

func processesWith(text string) []string {
	var out []string
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range all {
		env, err := os.ReadFile(filepath.Join(p, "environ"))
		if err == nil && strings.Contains(string(env), text) && filepath.Base(p) != strconv.Itoa(os.Getpid()) {
			line, _ := os.ReadFile(filepath.Join(p, "cmdline"))
			out = append(out, filepath.Base(p)+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return out
}

// TestAKilledSandboxLeavesNothing kills the process of a sandbox with -9.
func TestAKilledSandboxLeavesNothing(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), serveVariable+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the sandbox is up", func() bool { _, err := sandbox.Status(dir); return err == nil })
	if len(processesOf(dir)) == 0 {
		t.Error("its units do not run")
	}
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "its processes are gone", func() bool { return len(processesOf(dir)) == 0 })
	if _, err := sandbox.Status(dir); !errors.Is(err, sandbox.ErrNotRunning) {
		t.Errorf("status of a killed sandbox: %v", err)
	}
	// Its folder can be used again at once.
	c := box(t, sandbox.Options{Dir: dir, Hosts: example()})
	on(t, c, "m1", "true")
}
