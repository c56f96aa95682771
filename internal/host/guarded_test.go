package host

import (
	"context"
	"os"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// textOf is what an observation shows of the content of the one file that is wanted.
func (b *box) textOf(name string) *string {
	b.t.Helper()
	s := b.host(file(name, "wanted\n")).Observe(context.Background())
	if s.Outcome != mesh.OK || len(s.Resources) != 1 {
		b.t.Fatalf("%s %s %+v %+v", s.Outcome, s.Message, s.Absent, s.Unknown)
	}
	return s.Resources[0].Text
}

// Where there is a link, stat says more of each path; of the topmost directory, too.
func TestAContentIsShownBesideALink(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/f", "is\n")
		if err := os.Symlink("f", b.path("/l")); err != nil {
			t.Fatal(err)
		}
		s := b.host(file("/f", "wanted\n"), symlink("/l", "f")).Observe(context.Background())
		if len(s.Resources) != 2 || s.Resources[0].Text == nil || len(s.Host.Missing) > 0 {
			t.Errorf("%+v, missing %q", s.Resources, s.Host.Missing)
		}
	})
}

// Whoever owns a directory on the way turns it to a file of root's, of the same size, once its
// mode was looked at.
func TestAContentThatSomebodyCouldHaveLedElsewhereIsNotShown(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/priv/f", "rootonly")
		if err := os.Chmod(b.path("/priv/f"), 0o600); err != nil {
			t.Fatal(err)
		}
		b.put("/u/d/f", "decoydec")
		if err := os.Chown(b.path("/u"), nobody, nobody); err != nil {
			t.Skip("only root gives a directory away")
		}
		b.wrap(`[ -L "$R/u/d" ] || { mv "$R/u/d" "$R/u/e"; ln -s ../priv "$R/u/d"; }`, "sha256sum")
		if text := b.textOf("/u/d/f"); text != nil {
			t.Errorf("%q is shown", *text)
		}
	})
}

func TestWhoCanLeadAWayElsewhere(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		make  func(*box) error
		shown bool
	}{
		"root alone writes": {func(*box) error { return nil }, true},
		"another owner":     {func(b *box) error { return os.Chown(b.path("/w"), 65534, 0) }, false},
		"the last one's":    {func(b *box) error { return os.Chown(b.path("/w/x/d"), 65534, 0) }, false},
		"everybody":         {func(b *box) error { return os.Chmod(b.path("/w/x"), 0o777) }, false},
		"everybody, sticky": {func(b *box) error { return os.Chmod(b.path("/w/x"), 0o777|os.ModeSticky) }, false},
		"a group": {func(b *box) error {
			if err := os.Chown(b.path("/w/x"), 0, 1); err != nil {
				return err
			}
			return os.Chmod(b.path("/w/x"), 0o775)
		}, false},
		"the group of root": {func(b *box) error { return os.Chmod(b.path("/w/x"), 0o775) }, true},
		"a link":            {func(b *box) error { return os.Rename(b.path("/w/x"), b.path("/w/y")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.put("/w/x/d/f", "is\n")
			if err := x.make(b); err != nil {
				t.Skip(err)
			}
			if name == "a link" {
				if err := os.Symlink("y", b.path("/w/x")); err != nil {
					t.Fatal(err)
				}
			}
			if text := b.textOf("/w/x/d/f"); (text != nil) != x.shown {
				t.Errorf("shown: %t", text != nil)
			}
		})
	}
}

// refused is the message about a file whose check says no.
func (b *box) refused(want mesh.Resource) string {
	b.t.Helper()
	h := b.host(want)
	got, err := results(b.t, h, planned(b.t, h, []mesh.Resource{want}))
	o := got["create "+want.Addr.Name]
	if err != nil || o.Result != plan.ResultFailed {
		b.t.Errorf("%v %+v", err, got)
	}
	return o.Message
}

// While a check runs, the owner of the directory puts a link to a file of root's where the
// candidate is said to be.
func TestACheckGetsTheCandidateAndNothingElse(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/priv/f", "rootonly")
		b.put("/u/d/x", "")
		b.owned("/u/d")
		b.owned("/u")
		want := file("/u/d/f", "candidate")
		want.Validate = `cd "$MESHSYNC_ROOT/u" && mv d e && mkdir -p d/.meshsync-prod.r1 && ln -s "$MESHSYNC_ROOT/priv/f" d/.meshsync-prod.r1/new; cat "$1"; false`
		if text := b.refused(want); !strings.Contains(text, "candidate") || strings.Contains(text, "rootonly") {
			t.Errorf("the check says %q", text)
		}
		b.put("/own/x", "")
		want = file("/own/f", "x")
		want.Validate = `echo "$1"; false`
		if text := b.refused(want); !strings.HasSuffix(text, "/own/.meshsync-prod.r1/new") {
			t.Errorf("where root alone writes, a check gets %q", text)
		}
	})
}

// A check may quote what it reads.
func TestWhatACheckSaysOfAFileThatNotEverybodyMayReadIsNotShown(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.put("/d/x", "")
	want := file("/d/f", "password")
	want.Validate = `cat "$1"; false`
	if text := b.refused(want); !strings.Contains(text, "password") {
		t.Errorf("of a file for everybody: %q", text)
	}
	want.Attrs = want.Attrs.Clone()
	want.Attrs["mode"] = "0640"
	if text := b.refused(want); strings.Contains(text, "password") || !strings.Contains(text, "not shown") {
		t.Error(text)
	}
}
