package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// texts are the contents that an observation brought, by path.
func texts(s mesh.TargetState) map[string]string {
	out := map[string]string{}
	for _, r := range append(s.Resources, s.Strays...) {
		if r.Text != nil {
			out[r.Addr.Name] = *r.Text
		}
	}
	return out
}

// More files than one process gets at once are all seen, and those that differ are sent:
// at both sides of the boundary, and strays behind it.
func TestMoreFilesThanOneProcessGets(t *testing.T) {
	t.Parallel()
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shell...)
			want := []mesh.Resource{directory("/d", true)}
			for i := range pathsPerProcess + 3 {
				p, text := fmt.Sprintf("/d/%05d", i), fmt.Sprintf("text %d\n", i)
				want = append(want, file(p, text))
				if i >= pathsPerProcess-3 || i == 0 {
					text = "differs\n"
				}
				b.put(p, text)
			}
			b.put("/d/stray", "s")
			s := b.host(want...).Observe(context.Background())
			if s.Outcome != mesh.OK || len(s.Resources) != len(want) || len(s.Strays) != 1 || len(s.Absent) != 0 || len(s.Unknown) != 0 {
				t.Fatalf("%s %s: %d of %d resources, strays %v, absent %v, unknown %v", s.Outcome, s.Message, len(s.Resources), len(want), s.Strays, s.Absent, s.Unknown)
			}
			if got := texts(s); len(got) != 7 || got["/d/00000"] != "differs\n" || got[fmt.Sprintf("/d/%05d", pathsPerProcess+2)] != "differs\n" {
				t.Errorf("%d texts: %v", len(got), got)
			}
		})
	}
}

// A file that sha256sum passes over has no digest, and moves nobody else's: what differs
// behind it is sent all the same.
func TestAFileWithoutADigestMovesNoOther(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	stub := "#!/bin/sh\n/usr/bin/sha256sum \"$@\" | grep -v /unreadable\nexit 1\n"
	if err := os.WriteFile(filepath.Join(b.bin, "sha256sum"), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	want := []mesh.Resource{file("/d/a", "same"), file("/d/unreadable", "u"), file("/d/y", "wanted"), file("/d/z", "same, too")}
	b.put("/d/a", "same")
	b.put("/d/unreadable", "u")
	b.put("/d/y", "differs")
	b.put("/d/z", "same, too")
	s := b.host(want...).Observe(context.Background())
	if len(s.Unknown) != 1 || s.Unknown[0].Addr.Name != "/d/unreadable" || len(s.Resources) != 3 {
		t.Errorf("%s %s: resources %v, unknown %v", s.Outcome, s.Message, s.Resources, s.Unknown)
	}
	if got := texts(s); got["/d/y"] != "differs" {
		t.Errorf("texts %v", got)
	}
}

// A name like those of batches does not hide what is no batch's.
func TestWhatIsCalledLikeABatchsFolderIsListed(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/.meshsync-prod.x", "x")
		b.put("/d/.meshsync-prod.killed/new", "half")
		if err := os.Symlink("/srv", b.path("/d/.meshsync-prod.l")); err != nil {
			t.Fatal(err)
		}
		want := []mesh.Resource{directory("/d", true), file("/d/f", "x")}
		h := b.host(want...)
		s := h.Observe(context.Background())
		if len(s.Strays) != 2 || len(s.Unknown) != 0 {
			t.Fatalf("strays %+v, unknown %+v", s.Strays, s.Unknown)
		}
		if got, err := results(t, h, planned(t, h, want)); err != nil || len(got) != 3 {
			t.Errorf("%v %+v", err, got)
		}
		if left := b.tree("/d"); left != "-rw-r--r-- f x\n" {
			t.Errorf("there is\n%s", left)
		}
	})
}

// perl tells what is at paths as stat does: also of accounts that have no name, of special bits,
// and of links that lead over a line break or nowhere.
func TestPerlTellsWhatStatTells(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("perl is not installed")
	}
	b := newBox(t)
	for i, name := range []string{"plain", "it's a % \\ \" name", "\xff", "-x"} {
		b.put("/d/"+name, name)
		if err := os.Chown(b.path("/d/"+name), 54321*i, 54322*i); err != nil && i > 0 && os.Geteuid() == 0 {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(b.path("/d/plain"), 0o751|os.ModeSetuid|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	for i, to := range []string{"/d/plain", "no\nwhere // -> x", "../d"} {
		if err := os.Symlink(to, b.path(fmt.Sprintf("/d/l%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	want := []mesh.Resource{directory("/d", true), file("/d/plain", "x"), file("/d/missing", "x"), service("zk", "/d/")}
	look := func(programs ...string) mesh.TargetState {
		b.programs = only(t, programs...)
		s := b.host(want...).Observe(context.Background())
		if s.Outcome != mesh.OK || len(s.Strays) != 6 || len(s.Unknown) != 0 || len(s.Host.Reads) != 1 {
			t.Fatalf("%s %s: strays %+v, unknown %+v, reads %v", s.Outcome, s.Message, s.Strays, s.Unknown, s.Host.Reads)
		}
		s.Host.Now = 0 // the two looks are not at one time
		return s
	}
	if with, without := look("perl"), look(); !reflect.DeepEqual(with, without) {
		t.Errorf("with perl %+v\nwithout %+v", with, without)
	}
}
