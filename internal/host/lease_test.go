package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

func lease(run string) mesh.Lease {
	return mesh.Lease{Run: run, Who: "it's $(me)@here", Job: "https://ci.example.com/1?a=b&c", Process: "boot space 1 2"}
}

// leaseUntil writes the lease file of a run as it would be at another time.
func (b *box) leaseUntil(run string, until time.Time) {
	b.put("/var/lib/meshsync/prod/lease", fmt.Sprintf("%s\n%d\n300\nsomebody\n\n\n", run, until.Unix()))
}

func TestALeaseIsOfOneRun(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		ctx := context.Background()
		first, second := b.host(), b.host()
		if err := first.Take(ctx, lease("r1")); err != nil {
			t.Fatal(err)
		}
		err := second.Take(ctx, lease("r2"))
		var held *mesh.Held
		if !errors.As(err, &held) || held.By != lease("r1") || held.Left <= 0 || held.Left > mesh.LeaseTime {
			t.Fatalf("%v %+v", err, held)
		}
		if err := first.Renew(ctx); err != nil {
			t.Errorf("renew: %v", err)
		}
		if err := second.Release(ctx); err == nil || !strings.Contains(err.Error(), "plain word") {
			t.Errorf("it gave back what it never had: %v", err)
		}
		if err := first.Release(ctx); err != nil {
			t.Fatal(err)
		}
		if err := second.Take(ctx, lease("r2")); err != nil {
			t.Fatal(err)
		}
		var lost *mesh.Lost
		if err := first.Renew(ctx); !errors.As(err, &lost) || lost.To != "r2" {
			t.Errorf("renew of what another run has: %v", err)
		}
		if err := first.Release(ctx); err != nil {
			t.Error(err)
		}
		if err := second.Renew(ctx); err != nil {
			t.Errorf("a run gave back the lease of another: %v", err)
		}
	})
}

func TestALeaseEndsByItself(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		in    time.Duration
		taken bool
	}{
		"expired":                    {-time.Second, true},
		"not yet":                    {2 * time.Minute, false},
		"from before a clock's step": {365 * 24 * time.Hour, true},
		"from after a clock's step":  {-365 * 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.leaseUntil("other", time.Now().Add(x.in))
			err := b.host().Take(context.Background(), lease("r1"))
			var held *mesh.Held
			if x.taken && err != nil || !x.taken && !errors.As(err, &held) {
				t.Errorf("%v", err)
			}
		})
	}
	b := newBox(t)
	b.leaseUntil("killed", time.Now().Add(time.Minute))
	over := lease("r2")
	over.Over = "killed"
	if err := b.host().Take(context.Background(), over); err != nil {
		t.Errorf("a run that is known to have ended: %v", err)
	}
}

func TestOneOfManyTakesAnExpiredLease(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.leaseUntil("other", time.Now().Add(-time.Minute))
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 8 {
			h := b.host()
			wg.Go(func() {
				err := h.Take(context.Background(), lease(fmt.Sprintf("r%d", i)))
				var held *mesh.Held
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !errors.As(err, &held):
					t.Errorf("r%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d runs took the lease", won)
		}
	})
}

func TestABatchWithoutItsLeaseDoesNothing(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		ctx := context.Background()
		want := []mesh.Resource{directory("/d", false)}
		for name, lose := range map[string]func(){
			"taken":             func() { b.leaseUntil("r2", time.Now().Add(time.Minute)) },
			"taken and expired": func() { b.leaseUntil("r2", time.Now().Add(-time.Minute)) },
			"gone":              func() { _ = os.Remove(b.path("/var/lib/meshsync/prod/lease")) },
		} {
			h := b.host(want...)
			w := planned(t, h, want)
			if err := h.Take(ctx, mesh.Lease{Run: w.Run, Over: "r2"}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			lose()
			got, err := results(t, h, w)
			var lost *mesh.Lost
			if !errors.As(err, &lost) || got["create /d"].Result != plan.ResultFailed {
				t.Errorf("%s: %v %+v", name, err, got)
			}
			if _, err := os.Stat(b.path("/d")); err == nil {
				t.Errorf("%s: it was written all the same", name)
			}
		}
		h := b.host(want...)
		w := planned(t, h, want)
		if err := h.Take(ctx, mesh.Lease{Run: w.Run, Over: "r2"}); err != nil {
			t.Fatal(err)
		}
		b.leaseUntil("r1", time.Now().Add(-time.Minute)) // nobody took it meanwhile
		if got, err := results(t, h, w); err != nil || got["create /d"].Result != plan.ResultDone {
			t.Errorf("with its lease: %v %+v", err, got)
		}
	})
}

// What is no lease keeps nobody away: no number that a shell cannot take, or takes for octal,
// and no end that no run asked for.
func TestADamagedLeaseIsNone(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		for _, text := range []string{
			"", "half a lea", "r0\n0899999999\n300\n", "r0\n99999999999999999999\n99999999999999999999\n", "r0\n\n300\n", "r0\n9999999999\n9999999999\n",
			"r0\n-1\n300\n", "r0\n0x7fffffff\n300\n", "\n\n\n", "r0\n" + fmt.Sprint(time.Now().Add(4*time.Minute).Unix()) + "\n0300\n",
		} {
			b.put("/var/lib/meshsync/prod/lease", text)
			h := b.host()
			if err := h.Take(context.Background(), lease("r1")); err != nil {
				t.Errorf("%q: %v", text, err)
			}
			if err := h.Release(context.Background()); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		if err := os.Remove(b.path("/var/lib/meshsync/prod/lease")); err != nil {
			t.Error(err)
		}
		b.put("/var/lib/meshsync/prod/lease/x", "")
		if err := b.host().Take(context.Background(), lease("r1")); err == nil || !strings.Contains(err.Error(), "lease is a directory: remove it") {
			t.Errorf("a directory in its place: %v", err)
		}
	})
}

// impatient makes the waits of scripts short.
func (b *box) impatient() { b.wrap("exit 0", "sleep") }

// locked has somebody hold the lock, whose file says the text, until the test ends.
func (b *box) locked(text string) int {
	b.t.Helper()
	b.put("/var/lib/meshsync/prod/lock", text)
	lock := b.path("/var/lib/meshsync/prod/lock")
	holder := exec.Command("flock", "--no-fork", lock, "sleep", "infinity") // one process, which ends with the test
	if err := holder.Start(); err != nil {
		b.t.Skip("there is no flock")
	}
	b.t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	for exec.Command("flock", "-n", lock, "true").Run() == nil {
	}
	return holder.Process.Pid
}

// A lock that nobody's name is on is a lock: the lease is neither taken nor renewed nor given back.
func TestALockWithoutANameIsALock(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.impatient()
	ctx := context.Background()
	h := b.host()
	if err := h.Take(ctx, lease("r1")); err != nil {
		t.Fatal(err)
	}
	b.locked("")
	err := b.host().Take(ctx, lease("r2"))
	var held *mesh.Held
	if !errors.As(err, &held) || held.Left != 0 || !strings.Contains(err.Error(), "fuser") || !strings.Contains(err.Error(), "when that ends is not known") {
		t.Errorf("take: %v", err)
	}
	for what, err := range map[string]error{"renewed": h.Renew(ctx), "given back": h.Release(ctx)} {
		if err == nil || !strings.Contains(err.Error(), "could not be "+what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if lease := b.get("/var/lib/meshsync/prod/lease"); !strings.HasPrefix(lease, "r1\n") {
		t.Errorf("the lease is %q", lease)
	}
}

// Whoever can open a file can lock it.
func TestOnlyRootCanOpenTheLock(t *testing.T) {
	t.Parallel()
	for _, before := range []os.FileMode{0, 0o644} {
		b := newBox(t)
		if before != 0 {
			b.put("/var/lib/meshsync/prod/lock", "")
		}
		if err := b.host().Take(context.Background(), lease("r1")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(b.path("/var/lib/meshsync/prod/lock")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%o: %v %v", before, info, err)
		}
		if info, err := os.Stat(b.path("/var/lib/meshsync/prod/lease")); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("everybody may read who has the lease: %v %v", info, err)
		}
	}
}

// A killed batch leaves its name in the lock, and its number may be another process's by then.
func TestThePidOfAKilledBatchMayBeAnothers(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		for _, text := range []string{"run killed pid %d\n", "run killed pid %d\n1\n"} {
			want := []mesh.Resource{directory("/d", false)}
			h := b.host(want...)
			w := planned(t, h, want)
			b.put("/var/lib/meshsync/prod/lock", fmt.Sprintf(text, os.Getpid()))
			_ = os.Remove(b.path("/once"))
			b.wrap(`if [ ! -e "$R/once" ]; then : >"$R/once"; exit 1; fi`, "flock")
			if _, err := results(t, h, w); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// A lease that expired while its run was away, or at work, is still its own when nobody took it.
func TestAnExpiredLeaseThatNobodyTookIsTheRunsOwn(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		ctx := context.Background()
		want := []mesh.Resource{directory("/d", false)}
		h := b.host(want...)
		w := planned(t, h, want)
		if err := h.Take(ctx, lease(w.Run)); err != nil {
			t.Fatal(err)
		}
		b.leaseUntil(w.Run, time.Now().Add(-time.Minute))
		if err := h.Renew(ctx); err != nil {
			t.Errorf("renew: %v", err)
		}
		b.leaseUntil(w.Run, time.Now().Add(-time.Minute))
		if got, err := results(t, h, w); err != nil || got["create /d"].Result != plan.ResultDone {
			t.Errorf("%v %+v", err, got)
		}
	})
}

func TestALongBatchRenewsItsLeaseAtItsEnd(t *testing.T) {
	t.Parallel()
	for name, shell := range shells(t) {
		for lasted, renews := range map[string]bool{"0": false, "3600": true} {
			dir := t.TempDir()
			b := &batch{lease: lease("r1")}
			script := "B=" + quote(dir) + " RUN=r1 T=t\n" + leaseFunctions + leaseState(b.lease) + "ms_uptime\nbegun=$((up-" + lasted + "))\n" + b.keepsLease()
			cmd := exec.CommandContext(t.Context(), shell[0], append(shell[1:], "-c", script)...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
			text, err := os.ReadFile(filepath.Join(dir, "lease"))
			if renewed := err == nil && strings.HasPrefix(string(text), "r1\n"); renewed != renews {
				t.Errorf("%s: after %s s renewed is %v: %q %v", name, lasted, renewed, text, err)
			}
		}
	}
}

func TestALeaseThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.put("/var/lib/meshsync/prod", "a file in the way")
	if err := b.host().Take(context.Background(), lease("r1")); err == nil || !strings.Contains(err.Error(), "lease cannot be written") {
		t.Errorf("%v", err)
	}
}
