package host

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
)

// shells are the POSIX shells that a host's sh may be; those that are not here are skipped by name.
func shells(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for name, cmd := range map[string][]string{"dash": {"dash"}, "bash": {"bash", "--posix"}, "busybox": {"busybox", "sh"}} {
		if _, err := exec.LookPath(cmd[0]); err == nil {
			out[name] = cmd
		} else {
			t.Logf("no %s on this machine", name)
		}
	}
	return out
}

// everyWay runs a test on a host as it is reached here: each shell by itself, and a real
// OpenSSH server. What holds for one must hold for all.
func everyWay(t *testing.T, test func(*testing.T, *box)) {
	t.Helper()
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBox(t, shell...))
		})
	}
	t.Run("OpenSSH", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		s := newOpenSSH(t, b)
		p, err := remote.NewPool(s.options())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		b.dialer = poolDialer{p.Host(s.spec())}
		test(t, b)
	})
}

// nasty are values that would be code if quoting were wrong.
var nasty = []string{
	`a b`, `it's`, `"q"`, `$(touch meshsync-canary)`, "`touch meshsync-canary`", `;touch meshsync-canary;`,
	`$HOME`, `-rf`, `*`, `?[a]`, `\`, `\n`, `%s%n`, `!x`, `#x`, `~`, `ä ö`, `a\'b`, `'"'"'`, `a  b`, ` lead`, `trail `, `${R}`, `&`, `|x`, `>x`, "a\rb", "tab\there", "\x01\x7f",
}

func works(t *testing.T, b *box, want []mesh.Resource) {
	t.Helper()
	h := b.host(want...)
	s := h.Observe(context.Background())
	if s.Outcome != mesh.OK {
		t.Fatalf("%s: %s", s.Outcome, s.Message)
	}
	d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
	w := plan.Work{Run: "r1", Time: "2026-01-01T00:00:00Z", Changes: d.Changes}
	err := h.Apply(context.Background(), w, func(o plan.Outcome) {
		if o.Result != plan.ResultDone {
			t.Errorf("%+v", o)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s = b.host(want...).Observe(context.Background())
	if left := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}); len(left.Changes) != 0 || len(left.Equal) != len(want) {
		t.Errorf("afterwards: %+v, %d equal of %d, %+v", left.Changes, len(left.Equal), len(want), s.Unknown)
	}
}

func TestNastyNamesAndContentsAreData(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want := []mesh.Resource{directory("/d", true)}
		for i, n := range nasty {
			want = append(want, file("/d/"+n, n+"\n"+string(rune(i))), symlink(fmt.Sprintf("/d/link%d", i), "/x/"+n))
		}
		want = append(want, file("/d/binary", "\x00\xff\r\n$(x)'"), file("/d/empty", ""))
		works(t, b, want)
		if _, err := os.Stat("meshsync-canary"); err == nil {
			t.Error("data became code")
		}
	})
}

func TestStraysWithNastyNamesAreFoundAndRemoved(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		for _, n := range nasty {
			b.put("/d/."+n, "stray")
			b.put("/d/"+n, "stray")
		}
		want := []mesh.Resource{directory("/d", true), file("/d/kept", "x")}
		h := b.host(want...)
		s := h.Observe(context.Background())
		if len(s.Strays) != 2*len(nasty) {
			t.Fatalf("%d of %d strays: %s %+v", len(s.Strays), 2*len(nasty), s.Message, s.Strays)
		}
		d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
		if err := h.Apply(context.Background(), plan.Work{Run: "r", Changes: d.Changes}, func(plan.Outcome) {}); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(b.path("/d")); len(left) != 1 {
			t.Errorf("%d entries are left", len(left))
		}
	})
}

// A link may lead to anything, a line break and what looks like the script's own output included.
func TestWhereALinkLeadsCannotForgeAnything(t *testing.T) {
	t.Parallel()
	const to = "/x\n81a4 root root 1 2 /d/f\n/d/other -> /y"
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/f", "the real one")
		for link, to := range map[string]string{"stray": to, "other": "/z", "to -> x": "a -> b"} {
			if err := os.Symlink(to, b.path("/d/"+link)); err != nil {
				t.Fatal(err)
			}
		}
		s := b.host(directory("/d", true), file("/d/f", "x"), symlink("/d/other", "/z")).Observe(context.Background())
		got := map[string]any{}
		for _, r := range append(s.Resources, s.Strays...) {
			got[r.Addr.Name] = r.Attrs["to"]
		}
		if got["/d/stray"] != to || got["/d/other"] != "/z" || got["/d/to -> x"] != "a -> b" || len(got) != 5 {
			t.Errorf("%s %s: %q, unknown %+v", s.Outcome, s.Message, got, s.Unknown)
		}
	})
}

func TestWhatIsNoPrimitiveIsUnknownAndNotAbsent(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/f", "x")
		for _, name := range []string{"/d/stray", "/d/wanted"} {
			if err := syscall.Mkfifo(b.path(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := b.host(directory("/d", true), file("/d/f", "x"), file("/d/wanted", "y")).Observe(context.Background())
		got := map[string]string{}
		for _, u := range s.Unknown {
			got[u.Addr.String()] = u.Reason
		}
		want := map[string]string{
			"host/h/directory:/d":   `its entry "stray": what is there is none of the kinds that meshsync knows`,
			"host/h/file:/d/wanted": "what is there is none of the kinds that meshsync knows",
		}
		if !maps.Equal(got, want) || len(s.Absent) != 0 || len(s.Strays) != 0 {
			t.Errorf("%s %s: unknown %q, absent %v, strays %v", s.Outcome, s.Message, got, s.Absent, s.Strays)
		}
	})
}

// A host without stat, or with one that does not do its work, has not lost its files.
func TestWithoutStatNothingIsAbsent(t *testing.T) {
	t.Parallel()
	for name, stub := range map[string]string{"none": "", "that fails": "#!/bin/sh\nexit 1\n", "that is denied": "#!/bin/sh\necho \"stat: cannot statx '$4': Permission denied\" >&2\nexit 1\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.programs = only(t, "bash")
			if err := os.Remove(filepath.Join(b.programs, "stat")); err != nil {
				t.Fatal(err)
			}
			if stub != "" {
				if err := os.WriteFile(filepath.Join(b.bin, "stat"), []byte(stub), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			b.put("/d/f", "x")
			want := []mesh.Resource{directory("/d", false), file("/d/f", "x"), file("/d/missing", "y"), service("zk", "/d/f", "/d/missing", "/d/")}
			s := b.host(want...).Observe(context.Background())
			if s.Outcome == mesh.OK && (len(s.Absent) != 0 || len(s.Host.NoUnit) != 1 || len(s.Unknown) != 3 || len(s.Host.Reads) != 0) {
				t.Errorf("absent %v, unknown %+v, reads %v", s.Absent, s.Unknown, s.Host.Reads)
			}
		})
	}
}

// TestAScriptThatIsCutRunsNothing feeds every beginning of both scripts to a shell.
func TestAScriptThatIsCutRunsNothing(t *testing.T) {
	t.Parallel()
	want := []mesh.Resource{directory("/d", true), file("/d/f", "x"), service("zk", "/d/")}
	q := newQuery(Options{Mesh: "prod", Name: "h", Resources: want, Checks: []mesh.Check{{Kind: "tcp", Port: 1}}})
	var w plan.Work
	w.Run = "r1"
	w.Changes = diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{{
		Target: mesh.Host("h"), Outcome: mesh.OK, Absent: []mesh.Address{want[0].Addr, want[1].Addr},
	}}}).Changes
	b, err := newBatch("prod", "@t", w, mesh.TargetState{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, shell := range shells(t) {
		for what, script := range map[string]string{"observe": observeScript(q, "@t"), "change": b.script()} {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				root := t.TempDir()
				for i := range len(script) - 1 {
					if script[i] != '\n' && i%37 != 0 && i < len(script)-40 {
						continue
					}
					cmd := exec.Command(shell[0], append(shell[1:], "-s")...)
					cmd.Env = []string{"MESHSYNC_ROOT=" + root, "PATH=/usr/bin:/bin"}
					cmd.Stdin = strings.NewReader(script[:i])
					if out, _ := cmd.Output(); len(out) > 0 {
						t.Fatalf("the first %d bytes of %d print %q", i, len(script), out)
					}
				}
				if left, _ := os.ReadDir(root); len(left) > 0 {
					t.Errorf("a cut script wrote %v", left)
				}
			})
		}
	}
}

func TestAnAnswerThatIsCutIsNeverAbsence(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.put("/d/f", "text\n")
	want := []mesh.Resource{file("/d/f", "other"), file("/d/missing", "x"), service("zk", "/d/f")}
	q := newQuery(Options{Mesh: "prod", Name: "h", Resources: want})
	r, err := b.Run(context.Background(), "/bin/sh -s", strings.NewReader(observeScript(q, "@t")), 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := parseObservation(r.Stdout, q, "@t"); err != nil || len(s.Absent) != 1 || len(s.Host.NoUnit) != 1 {
		t.Fatalf("%v %+v", err, s)
	}
	for i := range len(r.Stdout) {
		if s, err := parseObservation(r.Stdout[:i], q, "@t"); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for whole: %+v", i, len(r.Stdout), s)
		}
	}
}

func FuzzParseObservation(f *testing.F) {
	want := []mesh.Resource{directory("/d", true), file("/d/f", "x"), service("zk", "/d/")}
	q := newQuery(Options{Mesh: "prod", Name: "h", Resources: want, Checks: []mesh.Check{{Kind: "tcp", Port: 1}}})
	f.Add([]byte("@t begin\n@t root \n@t stat 1\n81a4 root root 1 2 /d/f\n@t units\n\n@t unitsend\n@t record\n\n@t recordend\n@t contents\n@t bytes\n\n@t end\n"))
	f.Add([]byte("@t begin\n@t root \n@t stat 1\n8180 root root 1 2 /d/f\n@t keyed\nkeyed:  /d/f\n@t record\n\n@t recordend\n@t contents\n@t bytes\n\n@t end\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseObservation(data, q, "@t")
		if err == nil && !bytes.HasSuffix(data, []byte("\n@t end\n")) {
			t.Fatalf("taken for whole: %+v", s)
		}
	})
}

func FuzzQuoteIsOneWord(f *testing.F) {
	for _, n := range nasty {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\x00") || len(s) > 4096 {
			t.Skip("no argument of a program can be that")
		}
		out, err := exec.Command("/bin/sh", "-c", "printf '%s.' "+quote(s)).Output()
		if err != nil || string(out) != s+"." {
			t.Fatalf("%q came out as %q (%v)", s, out, err)
		}
	})
}

// TestTheScriptStartsFewProcesses counts execs: their number does not grow with the files.
func TestTheScriptStartsFewProcesses(t *testing.T) {
	t.Parallel()
	if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("strace cannot trace here")
	}
	for _, n := range []int{10, 1000} {
		b := newBox(t)
		var want []mesh.Resource
		for i := range n {
			want = append(want, file(fmt.Sprintf("/d/f%d", i), "new"))
			b.put(fmt.Sprintf("/d/f%d", i), "old")
		}
		b.put("/units/zk/x", "")
		want = append(want, directory("/d", true), symlink("/d/link", "/x"), service("zk", "/d/"))
		q := newQuery(Options{Mesh: "prod", Name: "h", Resources: want})
		trace := filepath.Join(t.TempDir(), "trace")
		cmd := exec.Command("strace", "-f", "-qq", "-e", "trace=execve", "-o", trace, "/bin/sh", "-s")
		cmd.Env = []string{"MESHSYNC_ROOT=" + b.root, "PATH=" + b.bin + ":/usr/bin:/bin"}
		cmd.Stdin = strings.NewReader(observeScript(q, "@t"))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseObservation(out, q, "@t")
		if err != nil || len(s.Resources) < n {
			t.Fatalf("%v, %d resources", err, len(s.Resources))
		}
		data, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		execs := strings.Count(string(data), "execve(") - 1 // the shell itself
		t.Logf("%d files: %d processes", n, execs)
		if execs > 15 {
			t.Errorf("%d files start %d processes", n, execs)
		}
	}
}

func TestScriptsPassShellcheck(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	want := []mesh.Resource{directory("/d", true), file("/d/f", "x"), symlink("/l", "/d"), service("zk", "/d/", "/d/f"), secretFile("/d/s", "s")}
	var checks []mesh.Check
	for _, k := range []string{"zookeeper.ensemble", "mesos.masters", "haproxy", "docker", "http", "tcp"} {
		checks = append(checks, mesh.Check{Kind: k, Port: 1, Path: "/"})
	}
	q := newQuery(Options{Mesh: "prod", Name: "h", Resources: want, Checks: checks, Lease: true})
	b := newBox(t)
	h := b.host(want...)
	s := h.Observe(context.Background())
	d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
	w := plan.Work{Run: "r1", Changes: d.Changes, Services: []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "zk", Op: plan.OpRestart, Spec: *want[3].Service}}}
	batch, err := newBatch("prod", "@t", w, s, vault{"s": "x"}.get)
	if err != nil {
		t.Fatal(err)
	}
	batch.lease = lease("r1")
	_, _, cutting := lockingOut(t, newBox(t))
	guarded, err := newBatch("prod", "@t", cutting, mesh.TargetState{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// SC2016: quoted text is data; SC2034, SC2154: variables are set and read by eval;
	// SC2046, SC2086: lists are split on purpose; SC2012: ls -A is compared, not parsed;
	// SC2069: only the errors of stat are wanted; SC2089, SC2090: quotes are in the lists that eval reads.
	plain, asRoot := q, q
	plain.user, asRoot.user, asRoot.asRoot = "reader", "reader", true
	for what, script := range map[string]string{
		"observe": observeScript(q, "@t"), "observe as a user": observeScript(plain, "@t"), "observe with sudo": observeScript(asRoot, "@t"),
		"examine": h.examineScript("@t"), "barriers": "T=''\n" + barrierFunction, "change": batch.script(), "stage": stageCommand,
		"lease":                  leaseScript("prod", "@t", "r1", lease("r1"), "L_OVER=''\n"+takeBody),
		"change that is watched": guarded.script(), "watch": guarded.watcher(), "confirm": leaseScript("prod", "@t", "r1", lease("r1"), "CONFIRM=''\n"+confirmBody),
	} {
		cmd := exec.Command("shellcheck", "-s", "sh", "-e", "SC2016,SC2034,SC2154,SC2046,SC2086,SC2012,SC2089,SC2090,SC2069,SC2317,SC2015,SC2329", "-")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s:\n%s", what, out)
		}
	}
}
