//go:build linux

package faults

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

const unit = "[Service]\nExecStart=/bin/sleep infinity\n"

// scene puts the host into the old state and returns what is wanted: each primitive that lies
// at a path is made, changed, replaced and removed, and a service starts.
func (l *lab) scene(t *testing.T) []mesh.Resource {
	t.Helper()
	l.Must(t, `umount /srv/t 2>/dev/null
systemctl stop probe 2>/dev/null
rm -rf /srv/t /var/lib/meshsync /etc/systemd/system/probe.service; systemctl daemon-reload
mkdir -p /srv/t/d/becomes-file && cd /srv/t/d
for f in changed gone becomes-link becomes-dir; do printf old >$f; done
ln -s /old link`)
	// What git drops is recorded as made; it lies in no purged directory.
	made := []mesh.Resource{directory("/srv/t", false), file("/srv/t/dropped", "old"), directory("/srv/t/below", false), file("/srv/t/below/dropped", "old")}
	h := l.target(t, made)
	if got, err := apply(t, h, planned(t, h, "made", made)); err != nil {
		t.Fatal(err, got)
	}
	return []mesh.Resource{
		directory("/srv/t", false), directory("/srv/t/d", true), directory("/srv/t/new/below", false),
		file("/srv/t/d/changed", "new"), file("/srv/t/d/created", strings.Repeat("new\n", 20000)), file("/srv/t/d/becomes-file", "new"),
		symlink("/srv/t/d/becomes-link", "/new"), symlink("/srv/t/d/link", "/new"), directory("/srv/t/d/becomes-dir", false),
		file("/etc/systemd/system/probe.service", unit), service("probe", "/srv/t/d/changed"),
	}
}

// whole shows that nothing is mixed: a file has its old content or its new one.
func (l *lab) whole(t *testing.T) {
	t.Helper()
	l.Must(t, `cd /srv/t/d && for f in changed gone becomes-link; do
  [ ! -f $f ] || [ -L $f ] || case $(cat $f) in old|new) ;; *) echo "$f: $(cat $f)" >&2; exit 1;; esac
done
[ -e changed ] && { [ -L link ] && case $(readlink link) in /old|/new) ;; *) exit 1;; esac; }
[ -e becomes-link ] || [ -L becomes-link ]
[ ! -e created ] || [ "$(stat -c %s created)" = 80000 ]
[ ! -e /etc/systemd/system/probe.service ] || [ "$(stat -c %s /etc/systemd/system/probe.service)" = `+fmt.Sprint(len(unit))+` ]`)
}

// TestAHostThatDiesAfterEachStep kills it as soon as the batch tells the end of a step.
func TestAHostThatDiesAfterEachStep(t *testing.T) {
	l := newLab(t)
	for n := 1; ; n++ {
		want := l.scene(t)
		seen, killed := 0, false
		h := l.target(t, want)
		err := h.Apply(t.Context(), l.ready(t, h, "first", want), func(o plan.Outcome) {
			if seen++; seen == n && o.Result == plan.ResultDone {
				l.Kill(t)
				killed = true // after the last step all may have been said by then
			}
		})
		if !killed {
			if err != nil {
				t.Errorf("nothing was killed: %v", err)
			}
			l.settles(t, want)
			t.Logf("killed after each of %d steps", n-1)
			return
		}
		l.Boot(t)
		l.whole(t)
		l.settles(t, want)
		if t.Failed() {
			t.Fatalf("killed after step %d", n)
		}
	}
}

// TestAHostThatDiesAmidAStep kills it while a program of a step is about to run; each ninth
// call is enough to meet all steps.
func TestAHostThatDiesAmidAStep(t *testing.T) {
	l := newLab(t)
	for n := 2; ; n += 9 {
		want := l.scene(t)
		h := l.target(t, want)
		w := l.ready(t, h, "first", want)
		l.hook(t, n, "mkdir", "sync", "mv", "cp", "rm", "rmdir", "chown", "systemctl")
		stopped, ended := l.at(t, h, w, func() { l.Kill(t) })
		err := <-ended
		if !stopped {
			if err != nil {
				t.Error(err)
			}
			t.Logf("killed amid each ninth of %d programs", n)
			return
		}
		if err == nil {
			t.Error("a host that died is said to have ended its work")
		}
		l.Boot(t)
		l.unhook(t)
		l.whole(t)
		l.settles(t, want)
		if t.Failed() {
			t.Fatalf("killed amid program %d", n)
		}
	}
}

// TestAConnectionThatBreaks cuts the cable, or takes away sshd, amid the payload and amid the script.
func TestAConnectionThatBreaks(t *testing.T) {
	l := newLab(t)
	for _, x := range []struct {
		name, program string
		call          int
		breaks, mends func(testing.TB)
		gives         bool // the run gives up
		busy          bool // the batch goes on meanwhile, and the next run says so
	}{
		{"cable cut amid the payload and joined", "cat", 1, l.Cut, l.Join, false, false},
		{"cable cut amid the payload, the run gives up", "cat", 1, l.Cut, l.Join, true, false},
		{"cable cut amid the script and joined", "mv", 3, l.Cut, l.Join, false, false},
		{"cable cut amid the script, the run gives up", "mv", 3, l.Cut, l.Join, true, true},
		{"sshd restarted amid the script", "mv", 3, func(t testing.TB) { l.Must(t, "systemctl restart ssh") }, func(testing.TB) {}, false, false},
		{"sshd's sessions ended amid the script", "mv", 3, func(t testing.TB) {
			l.Must(t, "systemctl kill -s KILL ssh; systemctl stop 'session-*.scope'; systemctl start ssh")
		}, func(testing.TB) {}, false, false},
	} {
		l.afterAFailure(t)
		t.Run(x.name, func(t *testing.T) {
			want := l.scene(t)
			h := l.target(t, want)
			w := l.ready(t, h, "first", want)
			l.hook(t, x.call, x.program)
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			ended := begun(ctx, h, w)
			if !l.stops(t, ended, func() { x.breaks(t) }) {
				t.Fatalf("the batch ended: %v", <-ended)
			}
			if x.gives {
				giveUp()
				if err := <-ended; err == nil {
					t.Error("a batch that nobody saw end is said to be done")
				}
				x.mends(t)
				if x.busy {
					l.isBusy(t, want)
				}
				l.let(t)
			} else {
				l.let(t)
				x.mends(t)
				t.Logf("it ends with %v", <-ended)
			}
			eventually(t, "the batch on the host ends", func() bool {
				return l.Exec(t, "[ ! -e /var/lib/meshsync/prod/lock ] || flock -n /var/lib/meshsync/prod/lock true").Exit == 0
			})
			l.unhook(t)
			l.whole(t)
			l.settles(t, want)
		})
	}
}

// isBusy shows that another run can neither take the lease nor work, and says why.
func (l *lab) isBusy(t *testing.T, want []mesh.Resource) {
	t.Helper()
	h := l.target(t, want)
	pid := strings.Fields(l.Get(t, "/var/lib/meshsync/prod/lock"))
	if len(pid) != 5 { // run RUN pid PID, and when that process started
		t.Fatalf("the lock says %q", pid)
	}
	says := fmt.Sprintf("batch of run first still runs, pid %s", pid[3])
	if err := h.Take(t.Context(), mesh.Lease{Run: "other"}); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("another run takes the lease: %v, want %q", err, says)
	}
	if err := h.Apply(t.Context(), planned(t, h, "other", want), func(plan.Outcome) {}); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("another run works: %v, want %q", err, says)
	}
}
