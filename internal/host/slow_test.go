package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// A user who owns a directory puts a pipe in place of a file right before it is opened: nobody
// waits for that to be filled.
func TestAPipeInPlaceOfAFileHoldsNothingUp(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/srv/u/f", "x")
		b.put("/srv/root/g", "same\n")
		b.owned("/srv/u")
		// Shorter than on a host, and long enough for what comes before the pipe on a busy machine.
		if err := os.WriteFile(filepath.Join(b.bin, "timeout"), []byte("#!/bin/sh\nshift\nexec /usr/bin/timeout 2 \"$@\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		turned := `[ ! -e "$R/turn" ] || { rm "$R/srv/u/f"; mkfifo "$R/srv/u/f"; }`
		back := func(program string) {
			for _, p := range []string{filepath.Join(b.bin, program), b.path("/turn"), b.path("/srv/u/f")} {
				_ = os.Remove(p)
			}
			b.put("/srv/u/f", "x")
		}
		want := []mesh.Resource{file("/srv/u/f", "new\n"), file("/srv/root/g", "same\n")}
		for _, program := range []string{"sha256sum", "head"} {
			b.put("/turn", "")
			b.wrap(turned, program)
			s := b.host(want...).Observe(context.Background())
			if s.Outcome != mesh.OK || len(s.Resources)+len(s.Unknown) != 2 || s.Resources[0].Addr.Name != "/srv/root/g" {
				t.Errorf("%s: %s %s: %+v, unknown %+v", program, s.Outcome, s.Message, s.Resources, s.Unknown)
			}
			back(program)
		}
		secret := mesh.Resource{Addr: addr(mesh.File, "/srv/u/f"), Attrs: file("/srv/u/f", "").Attrs.Clone(), Secret: &mesh.SecretSource{Env: "S"}}
		secret.Attrs["content"] = secret.Secret.ID()
		b.put("/turn", "")
		b.wrap(turned, "sha256sum")
		if s := b.host(secret, want[1]).Observe(context.Background()); s.Outcome != mesh.OK || len(s.Unknown) != 1 || s.Unknown[0].Addr.Name != "/srv/u/f" {
			t.Errorf("a secret: %s %s: %+v, unknown %+v", s.Outcome, s.Message, s.Resources, s.Unknown)
		}
		back("sha256sum")
		for program, message := range map[string]string{"sha256sum": "it is no longer as planned", "cp": "its old content cannot be kept"} {
			h := b.host(want...)
			w := planned(t, h, want)
			b.put("/turn", "")
			b.wrap(turned, program)
			got, err := results(t, h, w)
			if o := got["update /srv/u/f"]; err != nil || o.Result == plan.ResultDone || !strings.Contains(o.Message, message) {
				t.Errorf("%s: %v %+v", program, err, o)
			}
			back(program)
		}
	})
}
