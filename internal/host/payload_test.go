package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// A payload may hold secrets. A batch that is killed at any call leaves none once it has begun,
// for nothing says that there will be another one; and nobody else can read what there is.
func TestAKilledBatchLeavesNoPayload(t *testing.T) {
	t.Parallel()
	all := shells(t)
	for name, shell := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, killed := 1, true; killed; n += 2 {
				b := newBox(t, shell...)
				want := []mesh.Resource{secretFile("/d/secret", "s"), file("/d/last", "x")}
				b.put("/d/secret", "old")
				h := b.hostWith(vault{"s": "canary"}, want...)
				w := planned(t, h, want)
				b.wrap(fmt.Sprintf(`[ -s "$R/var/lib/meshsync/prod/lock" ] || exec "${0##*/}" "$@"
k=0; read -r k <"$R/count"; k=$((k+1)); echo "$k" >"$R/count"
if [ "$k" = %d ]; then read -r _ _ _ pid <"$R/var/lib/meshsync/prod/lock"; kill -9 "$pid"; exit 1; fi`, n),
					"mv", "cp", "rm", "sync", "chown", "chmod", "mkdir", "rmdir", "tail", "sha256sum", "stat", "cat")
				b.put("/count", "0\n")
				_, err := results(t, h, w)
				killed = err != nil
				b.onlyRootReads("canary")
				_, begun := os.Stat(b.path("/var/lib/meshsync/prod/record.json"))
				if left, _ := filepath.Glob(b.path("/var/lib/meshsync/prod/staging/*")); begun == nil && len(left) > 0 {
					t.Errorf("killed at call %d, it leaves %v", n, left)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// onlyRootReads shows that a text is in no file that another user can open.
func (b *box) onlyRootReads(text string) {
	b.t.Helper()
	err := filepath.WalkDir(b.root, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() && fi.Mode().Perm()&0o007 == 0 {
			return filepath.SkipDir
		}
		if fi.Mode().IsRegular() && fi.Mode().Perm()&0o044 != 0 {
			if data, err := os.ReadFile(name); err != nil || strings.Contains(string(data), text) {
				b.t.Errorf("%s %s: everybody can read it (%v)", fi.Mode(), name, err)
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// A run that ended between its two steps on a host did nothing there: the next one has the
// same to do, and removes what it sent.
func TestAPayloadWithoutItsBatchGoesWithTheNextOne(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want := []mesh.Resource{secretFile("/d/secret", "s")}
		b.put("/d/x", "")
		h := b.hostWith(vault{"s": "canary"}, want...)
		w := planned(t, h, want)
		batch, err := newBatch("prod", "@t", w, h.last, h.o.Secrets)
		if err == nil {
			err = h.stage(t.Context(), "killed", batch)
		}
		if err != nil {
			t.Fatal(err)
		}
		b.onlyRootReads("canary")
		if left := b.left(); len(left) != 1 {
			t.Errorf("the payload: %v", left)
		}
		next := b.hostWith(vault{"s": "canary"}, want...)
		if err := next.Take(t.Context(), lease("second")); err != nil {
			t.Fatal(err)
		}
		w = planned(t, next, want)
		w.Run = "second"
		if got, err := results(t, next, w); err != nil || got["create /d/secret"].Result != plan.ResultDone {
			t.Fatal(err, got)
		}
		if left := b.left(); len(left) > 0 {
			t.Errorf("the next run leaves %v", left)
		}
	})
}

// A clock that is set makes a payload old at once, as far as that of its own batch.
func TestABatchKeepsItsPayloadWhenTheClockIsSet(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.wrap(`touch -d '2001-01-01' "$R"/var/lib/meshsync/prod/staging/*`, "flock")
		b.put("/var/lib/meshsync/prod/staging/ended", "of a run that ended amid it")
		works(t, b, []mesh.Resource{directory("/d", false), file("/d/f", "\x00")})
		if left := b.left(); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	})
}
