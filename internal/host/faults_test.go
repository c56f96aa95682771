package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// wrap puts a program before each of the named ones, which runs a line of shell first; $R is
// the host's root there.
func (b *box) wrap(line string, programs ...string) {
	b.t.Helper()
	for _, p := range programs {
		text := fmt.Sprintf("#!/bin/sh\nR=$MESHSYNC_ROOT\nPATH=/usr/bin:/bin\n%s\nexec %s \"$@\"\n", line, p)
		if err := os.WriteFile(filepath.Join(b.bin, p), []byte(text), 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
}

// worksAs is what a run does: the lease, a look, a plan, a batch.
func (b *box) worksAs(run string, want []mesh.Resource) (map[string]plan.Outcome, error) {
	b.t.Helper()
	h := b.host(want...)
	l := lease(run)
	l.Over = "killed"
	if err := h.Take(context.Background(), l); err != nil {
		b.t.Fatal(err)
	}
	w := planned(b.t, h, want)
	w.Run = run
	got, err := results(b.t, h, w)
	if err := h.Release(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	return got, err
}

// left lists what batches leave amid their work.
func (b *box) left() []string {
	b.t.Helper()
	var out []string
	err := filepath.WalkDir(b.root, func(name string, d os.DirEntry, err error) error {
		base := filepath.Base(name)
		unfinished := false
		if info, err := d.Info(); err == nil {
			unfinished = base == "unfinished" && info.Size() > 0
		}
		if strings.HasPrefix(base, ".meshsync-") || base == ".new" || unfinished || strings.HasPrefix(base, ".record") ||
			!d.IsDir() && filepath.Base(filepath.Dir(name)) == "staging" {
			out = append(out, strings.TrimPrefix(name, b.root))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *box) owned(name string) {
	b.t.Helper()
	if os.Getuid() != 0 {
		b.t.Skip("only root can make what another user owns")
	}
	if err := os.Lchown(b.path(name), 65534, 65534); err != nil {
		b.t.Fatal(err)
	}
}

// A link that an unprivileged user owns may lead to what root owns.
func TestNothingIsWrittenOverALinkOfAnotherUser(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/other/kept", "x")
		b.put("/u/x", "")
		if err := os.Symlink(b.path("/other"), b.path("/u/d")); err != nil {
			t.Fatal(err)
		}
		want := []mesh.Resource{file("/u/d/f", "new"), symlink("/u/d/l", "/x"), directory("/u/d/sub", false)}
		h := b.host(want...)
		w := planned(t, h, want)
		kept := planned(t, h, []mesh.Resource{{Addr: addr("absent", "/u/d/kept"), Gone: true, Attrs: mesh.MustTree(map[string]any{})}})
		w.Changes = append(w.Changes, kept.Changes...)
		b.owned("/u/d")
		got, err := results(t, h, w)
		if err != nil || len(got) < 3 {
			t.Fatal(err, got)
		}
		for what, o := range got {
			if o.Result != plan.ResultFailed || !strings.Contains(o.Message, "is a symbolic link that another user owns") {
				t.Errorf("%s: %+v", what, o)
			}
		}
		if in, _ := os.ReadDir(b.path("/other")); len(in) != 1 {
			t.Errorf("something was written there: %v", in)
		}
		if err := os.Lchown(b.path("/u/d"), os.Getuid(), -1); err != nil {
			t.Fatal(err)
		}
		works(t, b, want)
	})
}

// Who may write to a directory may put a link in its place at any moment.
func TestADirectoryThatIsTurnedElsewhereAmidAWriteLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"tail", "chown", "mv", "sync", "mkdir", "ln"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.put("/other/f", "root's own")
			b.put("/other/l", "root's own")
			b.put("/u/d/x", "")
			b.owned("/u/d")
			// Also what root is about to write is guessed, as the run is known from the lease.
			b.wrap(`[ -L "$R/u/d" ] || [ ! -e "$R/var/lib/meshsync/prod/lock" ] || { mv "$R/u/d" "$R/u/e"; ln -s "$R/other" "$R/u/d"; chown -h 65534 "$R/u/d"; }
for e in "$R/u/e" "$R/u/d"; do [ ! -e "$e/.meshsync-r1" ] || ln -sf "$R/other/f" "$e/.meshsync-r1"; done`, program)
			want := []mesh.Resource{file("/u/d/f", "new"), symlink("/u/d/l", "/x"), directory("/u/d/sub", false)}
			h := b.host(want...)
			if _, err := results(t, h, planned(t, h, want)); err != nil {
				t.Fatal(err)
			}
			in, _ := os.ReadDir(b.path("/other"))
			if len(in) != 2 || b.get("/other/f") != "root's own" || b.get("/other/l") != "root's own" {
				t.Errorf("it was written to: %v %q", in, b.get("/other/f"))
			}
			if fi, err := os.Stat(b.path("/other")); err != nil || fi.Mode().Perm() != 0o755 {
				t.Errorf("%v %v", fi.Mode(), err)
			}
		})
	}
}

// The script is killed at a call of a program, at a later one, and so on until a batch comes
// through. Every third is enough: that is each step of each primitive many times.
func TestABatchThatIsKilledAtAnyStepLeavesOldOrNew(t *testing.T) {
	t.Parallel()
	all := shells(t)
	names := slices.Sorted(maps.Keys(all))
	const apart, stride = 4, 3 // parts that run side by side
	for part := range apart {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for n := part*stride + 1; killedAt(t, newBox(t, all[names[n%len(names)]]...), n); n += apart * stride {
				if t.Failed() {
					return
				}
			}
		})
	}
}

func killedAt(t *testing.T, b *box, n int) (killed bool) {
	t.Helper()
	old := map[string]string{"/d/changed": "old", "/d/gone": "old", "/d/becomes-link": "old", "/d/becomes-dir": "old", "/e/moded": "old"}
	for path, text := range old {
		b.put(path, text)
	}
	if err := errors.Join(os.Symlink("/old", b.path("/d/l")), os.Chmod(b.path("/e/moded"), 0o600), os.Mkdir(b.path("/d/becomes-file"), 0o755)); err != nil {
		t.Fatal(err)
	}
	want := []mesh.Resource{
		directory("/d", true), file("/d/changed", "new"), file("/d/created", strings.Repeat("new\n", largePart/3)), symlink("/d/becomes-link", "/new"),
		directory("/d/becomes-dir", false), file("/d/becomes-file", "new"), symlink("/d/l", "/new"), file("/e/moded", "old"), directory("/e/sub/below", false),
	}
	h := b.host(want...)
	w := planned(t, h, want)
	w.Run = "killed"
	b.wrap(fmt.Sprintf(`k=0; read -r k <"$R/../count"; k=$((k+1)); echo "$k" >"$R/../count"
if [ "$k" = %d ]; then read -r _ _ _ pid <"$R/var/lib/meshsync/prod/lock"; kill -9 "$pid"; exit 1; fi`, n),
		"mv", "cp", "rm", "sync", "chown", "chmod", "mkdir", "rmdir", "ln", "tail", "sha256sum", "stat", "find", "cat")
	counted := filepath.Join(b.root, "../count")
	if err := os.WriteFile(counted, []byte("0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := results(t, h, w)
	killed = err != nil
	for path, text := range old {
		fi, err := os.Lstat(b.path(path))
		switch {
		case err != nil && path != "/d/gone" && path != "/d/becomes-dir":
			t.Errorf("step %d: %s: %v", n, path, err)
		case err == nil && fi.Mode().IsRegular() && b.get(path) != text && b.get(path) != "new":
			t.Errorf("step %d: %s has %q", n, path, b.get(path))
		}
	}
	programs, _ := filepath.Glob(filepath.Join(b.bin, "*"))
	for _, p := range programs {
		if filepath.Base(p) != "systemctl" {
			_ = os.Remove(p)
		}
	}
	// Git changed meanwhile: the next run has no reason to go to most of the directories.
	if n%2 == 0 {
		want = slices.DeleteFunc(want, func(r mesh.Resource) bool { return r.Addr.Name == "/e/moded" })
	}
	got, err := b.worksAs("second", want)
	for what, o := range got {
		if o.Result != plan.ResultDone {
			t.Errorf("step %d: the next run: %s: %+v", n, what, o)
		}
	}
	if err != nil {
		t.Errorf("step %d: the next run: %v", n, err)
	}
	if left := b.left(); len(left) > 0 {
		t.Errorf("step %d: it leaves %v", n, left)
	}
	s := b.host(want...).Observe(context.Background())
	d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
	if len(d.Changes) > 0 || len(d.Equal) != len(want) || t.Failed() {
		t.Fatalf("step %d: a third run would do something: %+v %s", n, d.Changes, s.Message)
	}
	return killed
}

// A changed file costs a bounded number of processes, its old content included.
func TestAChangedFileStartsFewProcesses(t *testing.T) {
	t.Parallel()
	if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("strace cannot trace here")
	}
	count := map[int]int{}
	for _, n := range []int{1, 11} {
		b := newBox(t)
		var want []mesh.Resource
		for i := range n {
			want = append(want, file(fmt.Sprintf("/d/f%d", i), "new"))
			b.put(fmt.Sprintf("/d/f%d", i), "old")
		}
		h := b.host(want...)
		w := planned(t, h, want)
		batch, err := newBatch("prod", "@t", w, h.last, nil)
		if err == nil {
			err = h.stage(t.Context(), w.Run, batch)
		}
		if err != nil {
			t.Fatal(err)
		}
		trace := filepath.Join(t.TempDir(), "trace")
		cmd := exec.Command("strace", "-f", "-qq", "-e", "trace=execve", "-o", trace, "/bin/sh", "-s")
		cmd.Env = []string{"MESHSYNC_ROOT=" + b.root, "PATH=/usr/bin:/bin"}
		cmd.Stdin = strings.NewReader(batch.script())
		if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "@t done ") != n {
			t.Fatalf("%v %s", err, out)
		}
		data, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		count[n] = strings.Count(string(data), "execve(")
	}
	t.Logf("processes: %v", count)
	if each := (count[11] - count[1]) / 10; each > 14 {
		t.Errorf("a changed file starts %d processes", each)
	}
}

func TestThreeGenerationsOfOldContentAreKept(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		dir := b.path("/var/lib/meshsync/prod/old")
		for i := range 6 {
			works(t, b, []mesh.Resource{directory("/d", false), file("/d/it's", fmt.Sprint(i))})
		}
		h := b.host(directory("/d", false))
		if _, err := results(t, h, planned(t, h, []mesh.Resource{directory("/d", false)})); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(b.path("/d/it's")); err == nil {
			t.Fatal("it was not deleted")
		}
		key := strings.TrimPrefix(mesh.DigestBytes([]byte("/d/it's")), "sha256:")
		kept, _ := filepath.Glob(dir + "/*")
		if len(kept) != 3 {
			t.Errorf("kept: %v", kept)
		}
		for i := range 3 {
			name := fmt.Sprintf("/var/lib/meshsync/prod/old/%s.%d", key, 4+i)
			if got := b.get(name); got != fmt.Sprint(3+i) {
				t.Errorf("generation %d has %q", 4+i, got)
			}
			if fi, err := os.Stat(b.path(name)); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", fi, err)
			}
		}
		if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%v %v", fi, err)
		}
		b.put("/d/big", strings.Repeat("x", mesh.MaxText+1))
		works(t, b, []mesh.Resource{directory("/d", false), file("/d/big", "small")})
		if more, _ := filepath.Glob(dir + "/*"); len(more) != 3 {
			t.Errorf("kept: %v", more)
		}
	})
}

func TestAConflictNamesBothSides(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.put("/d/f", "one\n")
	want := []mesh.Resource{file("/d/f", "two\n"), symlink("/d/l", "/x")}
	h := b.host(want...)
	w := planned(t, h, want)
	b.put("/d/f", "else\n")
	b.put("/d/l", "")
	got, err := results(t, h, w)
	if err != nil {
		t.Fatal(err)
	}
	for what, says := range map[string]string{
		"update /d/f": "it was planned on a file with mode 644 of root:root and content " + mesh.DigestBytes([]byte("one\n"))[:19] +
			"…; there is a file with mode 644 of root:root and content " + mesh.DigestBytes([]byte("else\n"))[:19] + "… now",
		"create /d/l": "it was planned on nothing; there is a file with mode 644",
	} {
		if o := got[what]; o.Result != plan.ResultConflict || !strings.Contains(o.Message, says) {
			t.Errorf("%+v, want %s", o, says)
		}
	}
}

func TestARecordOfANewerVersionIsNotOverwritten(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	const newer = `{"version":9,"mesh":"prod","new":true}`
	b.put("/var/lib/meshsync/prod/record.json", newer)
	want := []mesh.Resource{directory("/d", false)}
	h := b.host(want...)
	got, err := results(t, h, planned(t, h, want))
	if err == nil || got["create /d"].Result != plan.ResultFailed || !strings.Contains(err.Error(), "newer meshsync") {
		t.Errorf("%v %+v", err, got)
	}
	if b.get("/var/lib/meshsync/prod/record.json") != newer {
		t.Error("it was overwritten")
	}
}

// Who asks for the lease holds the lock for a moment: a batch waits for that.
func TestABatchWaitsForWhoHoldsTheLockForAMoment(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want := []mesh.Resource{directory("/d", false)}
		h := b.host(want...)
		w := planned(t, h, want)
		b.put("/var/lib/meshsync/prod/lock", "run killed pid 999999999\n")
		// The lock is given up once the batch was refused it.
		b.wrap(`if [ ! -e "$R/once" ]; then : >"$R/once"; exit 1; fi`, "flock")
		if got, err := results(t, h, w); err != nil || got["create /d"].Result != plan.ResultDone {
			t.Errorf("%v %+v", err, got)
		}
	})
}

// What a check or command leaves running must hold neither the lock nor the payload.
func TestNothingThatABatchStartsHoldsItsLockOrPayload(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		for i := range 2 {
			c := mesh.Resource{Addr: addr("command", "c"), Attrs: mesh.MustTree(map[string]any{
				"test": fmt.Sprintf("test -e %s/done%d", b.root, i),
				"run":  fmt.Sprintf("sleep 30 </dev/null >/dev/null 2>&1 & echo $! >>%[1]s/pids; : >%[1]s/done%[2]d", b.root, i),
			})}
			h := b.host(c)
			if got, err := results(t, h, planned(t, h, []mesh.Resource{c})); err != nil || len(got) != 1 {
				t.Fatalf("%v %v", err, got)
			}
		}
		for pid := range strings.Lines(b.get("/pids")) {
			for fd, what := range map[string]string{"9": "/prod/lock", "7": "/prod/staging/"} {
				if p, err := os.Readlink("/proc/" + strings.TrimSpace(pid) + "/fd/" + fd); err == nil && strings.Contains(p, what) {
					t.Errorf("a process holds %s", p)
				}
			}
			var n int
			if _, err := fmt.Sscan(pid, &n); err == nil {
				if p, err := os.FindProcess(n); err == nil {
					_ = p.Kill()
				}
			}
		}
	})
}

// Who leaves a daemon behind leaves it the output, which nobody waits for.
func TestABatchDoesNotWaitForWhatIsLeftRunning(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/old", "")
		if err := syscall.Mkfifo(b.path("/pipe"), 0o644); err != nil {
			t.Fatal(err)
		}
		waits := "cat " + b.path("/pipe") + " & " // until somebody opens its other end
		f := file("/d/f", "x\n")
		f.Validate = waits + `grep -q x "$1"`
		want := []mesh.Resource{f, {Addr: addr("command", "c"), Attrs: mesh.MustTree(map[string]any{"test": "test -e " + b.path("/done"), "run": waits + "touch " + b.path("/done")})}}
		h := b.host(want...)
		got, err := results(t, h, planned(t, h, want))
		if err != nil || got["create /d/f"].Result != plan.ResultDone || got["create c"].Result != plan.ResultDone {
			t.Errorf("%v %+v", err, got)
		}
		if other, err := os.OpenFile(b.path("/pipe"), os.O_WRONLY, 0); err == nil {
			_ = other.Close()
		}
		if left := b.left(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// What a command says is its own affair, be it like an option or the last of many lines.
func TestACommandIsOneWordOfTheShell(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		for run, message := range map[string]string{"-x": "-x", "echo a; echo b >&2; exit 3": "it failed: b", "false": "it failed: it says nothing"} {
			c := mesh.Resource{Addr: addr("command", "c"), Attrs: mesh.MustTree(map[string]any{"test": "-e", "run": run})}
			h := b.host(c)
			got, err := results(t, h, planned(t, h, []mesh.Resource{c}))
			if o := got["create c"]; err != nil || o.Result != plan.ResultFailed || !strings.Contains(o.Message, message) {
				t.Errorf("%s: %v %+v", run, err, o)
			}
		}
	})
}

// A process that goes on with what it read is known for that whatever becomes of the batch
// that was to restart it: no clock has to tell.
func TestABatchThatIsKilledBeforeARestartForgetsNothingOfTheProcess(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/units/zk/x", "")
		svc := service("zk", "/d/f")
		for i, op := range []plan.Op{plan.OpStart, plan.OpRestart} {
			want := []mesh.Resource{directory("/d", false), file("/d/f", fmt.Sprint(i)), svc}
			h := b.host(want...)
			w := planned(t, h, want)
			w.Services = []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "zk", Op: op, Spec: *svc.Service}}
			if op == plan.OpRestart {
				b.wrap(`read -r _ _ _ pid <"$R/var/lib/meshsync/prod/lock"; kill -9 "$pid"; exit 1`, "systemctl")
			}
			if _, err := results(t, h, w); (err != nil) != (op == plan.OpRestart) {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(b.bin, "systemctl"), []byte(systemctlStub), 0o755); err != nil {
			t.Fatal(err)
		}
		s := b.host(directory("/d", false), file("/d/f", "1"), svc).Observe(context.Background())
		rec, proc := s.Record.Services["zk"], s.Host.Processes["zk"]
		if rec.PID != proc.PID || rec.StartTicks != proc.StartTicks || rec.Reads["/d/f"] != mesh.DigestBytes([]byte("0")) {
			t.Errorf("the record says %+v of %+v", rec, proc)
		}
	})
}
