package host

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// What goes with a directory is what the plan was made on.
func TestWhatCameIntoADirectorySinceThePlanDoesNotGoWithIt(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/old/a", "1\n")
		b.put("/old/sub/it's\nfailed", "1\n")
		want := []mesh.Resource{{Addr: addr("absent", "/old"), Attrs: mesh.MustTree(map[string]any{}), Gone: true, Recursive: true}}
		for _, x := range []struct {
			name string
			move func()
		}{
			{"one more", func() { b.put("/old/sub/precious", "x") }},
			{"another one", func() { _ = os.Rename(b.path("/old/sub/precious"), b.path("/old/sub/more")) }},
			{"saved anew", func() { b.put("/new", "22\n"); _ = os.Rename(b.path("/new"), b.path("/old/a")) }},
		} {
			h := b.host(want...)
			w := planned(t, h, want)
			if len(w.Changes) != 1 || !strings.Contains(w.Changes[0].Reason, "all that is in it goes along: entries ") {
				t.Fatalf("%s: %+v", x.name, w.Changes)
			}
			x.move()
			got, err := results(t, h, w)
			o := got["delete /old"]
			if err != nil || o.Result != plan.ResultConflict || !strings.Contains(o.Message, "the entries in it being 4 (digest ") {
				t.Errorf("%s: %v %+v", x.name, err, o)
			}
		}
		if text := b.get("/old/a") + b.get("/old/sub/it's\nfailed"); text != "22\n1\n" {
			t.Errorf("%q", text)
		}
		h := b.host(want...)
		if got, err := results(t, h, planned(t, h, want)); err != nil || got["delete /old"].Result != plan.ResultDone {
			t.Errorf("%v %+v", err, got)
		}
		if _, err := os.Lstat(b.path("/old")); err == nil {
			t.Error("it is still there")
		}
		if s := b.host(want...).Observe(context.Background()); len(s.Absent)+len(s.Unknown) != 0 || len(s.Resources) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestADirectoryDoesNotGoWhereItsTreeCannotBeKnownOrHeldTo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("no busybox on this machine")
	}
	want := []mesh.Resource{{Addr: addr("absent", "/old"), Attrs: mesh.MustTree(map[string]any{}), Gone: true, Recursive: true}}
	t.Run("find", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		b.put("/old/a", "")
		b.wrap(`exec busybox find "$@"`, "find")
		s := b.host(want...).Observe(context.Background())
		if len(s.Unknown) != 1 || !strings.Contains(s.Unknown[0].Reason, "what is in it cannot be listed") {
			t.Errorf("%+v", s)
		}
	})
	t.Run("rm", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		b.put("/old/a", "")
		b.wrap(`exec busybox rm "$@"`, "rm")
		h := b.host(want...)
		got, err := results(t, h, planned(t, h, want))
		o := got["delete /old"]
		if err != nil || o.Result != plan.ResultFailed || !strings.Contains(o.Message, "rm cannot stay on one file system") {
			t.Errorf("%v %+v", err, o)
		}
		b.get("/old/a")
	})
}
