package host

import (
	"context"
	"os"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
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
