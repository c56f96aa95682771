package host

import (
	"fmt"
	"io"
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
		works(t, b, []mesh.Resource{directory("/d", false), file("/d/f", strings.Repeat("large\n", largePart/5))})
		if left := b.left(); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	})
}

// A payload of another length than was sent is none, however that came: nothing is changed, and none of it is left.
func TestAPayloadThatDoesNotArriveWholeChangesNothing(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/f", "old")
		want := []mesh.Resource{file("/d/f", strings.Repeat("new\n", maxInline))}
		for what, line := range map[string]string{
			"cut":              "head -c 100000; exit 0",
			"longer":           "cat; echo '#'; exit 0",
			"a disk that ends": "head -c 100000; echo 'cat: No space left on device' >&2; exit 1",
		} {
			b.wrap("[ $# -gt 0 ] || [ ! -d \"$R/var/lib/meshsync/prod/staging\" ] || { "+line+"; }", "cat")
			h := b.host(want...)
			w := planned(t, h, want)
			got, err := results(t, h, w)
			if err == nil || got["update /d/f"].Result != plan.ResultFailed || b.get("/d/f") != "old" {
				t.Errorf("%s: %v %+v, %d bytes", what, err, got, len(b.get("/d/f")))
			}
			if what == "a disk that ends" && len(b.left()) > 0 {
				t.Errorf("%s: it leaves %v", what, b.left())
			}
		}
		b.wrap("", "cat")
		works(t, b, want)
		if left := b.left(); len(left) > 0 {
			t.Errorf("the next batch leaves %v", left)
		}
	})
}

// What is short text goes in the script, and each shell writes it as it is.
func TestOnlyShortTextGoesInTheScript(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "a\tb\n'$x' \\ ä\n\n": true, strings.Repeat("x", maxInline): true,
		strings.Repeat("x", maxInline+1): false, "a\x00": false, "a\r\n": false, "\x7f": false, "\xff": false, "\x1b": false,
	} {
		for _, secret := range []bool{false, true} {
			b := &batch{parts: []part{{"/f", text, secret}}, slices: map[string]slice{}}
			b.lay()
			if at := b.slices["/f"]; at.inline() != (want && !secret) || at.size != len(text) {
				t.Errorf("%.20q, secret %v: %+v", text, secret, at)
			}
		}
	}
	several := &batch{parts: []part{{"/much", strings.Repeat("x", maxInline-2), false}, {"/binary", "\x00", false}, {"/a", "a", false}, {"/b", "b", false}, {"/c", "c", false}}, slices: map[string]slice{}}
	several.lay()
	got, err := io.ReadAll(several.payload())
	if err != nil || len(got) != several.size || !strings.HasSuffix(string(got), several.parts[len(several.parts)-1].text) || strings.ContainsAny(string(got), "abc") {
		t.Errorf("the payload is %.20q of %d: %v", got, several.size, err)
	}
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/x", "")
		works(t, b, []mesh.Resource{file("/d/f", "a\tb\n'$x' \\ ä\\n%s\n\n"), file("/d/none", ""), file("/d/line", "no end"), file("/d/dash", "-n x\n"), file("/d/more", strings.Repeat("x'y", maxInline/4))})
		if _, err := os.Stat(b.path("/var/lib/meshsync/prod/staging/r1")); err == nil {
			t.Error("a payload was staged")
		}
	})
}

// A large content is copied in another way than a small one, behind others and alone.
func TestLargeContentsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcde\n", 1<<17)
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/x", "")
		works(t, b, []mesh.Resource{file("/d/large", large+"\x00 no end"), file("/d/small", "small\n"), file("/d/binary", "\x00\xff\n")})
		works(t, b, []mesh.Resource{file("/d/large", large), file("/d/small", large[1:]), file("/d/binary", "\x00\xff\n")})
		works(t, b, []mesh.Resource{file("/d/large", large+"alone"), file("/d/small", "small\n"), file("/d/binary", "\x00\xff\n")})
		if left := b.left(); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	})
}
