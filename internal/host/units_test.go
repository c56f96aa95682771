package host

import (
	"cmp"
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// Whatever lies in a place of a unit is seen once, be it there by git or not, a link or a
// folder with drop-ins; and where a folder of units is missing, nothing is in it.
func TestThePlacesOfUnitsAreSeen(t *testing.T) {
	t.Parallel()
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shell...)
			b.put("/lib/systemd/system/zk.service", "packaged")
			b.put("/etc/systemd/system/zk.service", "ours")
			b.put("/etc/systemd/system/zk.service.d/a.conf", "ours")
			b.put("/etc/systemd/system/zk.service.d/b.conf", "theirs")
			b.put("/lib/systemd/system/it's.service.d/c.conf", "packaged")
			b.put("/lib/other", "linked")
			if err := os.Symlink("../../other", b.path("/lib/systemd/system/it's.service")); err != nil {
				t.Fatal(err)
			}
			reads := append(primitive.UnitReads("zk"), primitive.UnitReads("it's")...)
			s := b.host(file("/etc/systemd/system/zk.service", "ours"), directory("/etc/systemd/system/zk.service.d", true),
				file("/etc/systemd/system/zk.service.d/a.conf", "ours"), service("zk", reads...)).Observe(context.Background())
			if s.Outcome != mesh.OK || len(s.Unknown) != 0 || len(s.Resources) != 4 || len(s.Strays) != 1 || s.Strays[0].Addr.Name != "/etc/systemd/system/zk.service.d/b.conf" {
				t.Fatalf("%s %s: %+v, strays %+v", s.Outcome, s.Message, s.Resources, s.Strays)
			}
			want := map[string]string{
				"/etc/systemd/system/zk.service": mesh.DigestBytes([]byte("ours")), "/lib/systemd/system/zk.service": mesh.DigestBytes([]byte("packaged")),
				"/lib/systemd/system/it's.service":    mesh.DigestBytes([]byte("linked")),
				"/etc/systemd/system/zk.service.d/":   mesh.DirDigest(map[string]string{"a.conf": mesh.DigestBytes([]byte("ours")), "b.conf": mesh.DigestBytes([]byte("theirs"))}),
				"/lib/systemd/system/it's.service.d/": mesh.DirDigest(map[string]string{"c.conf": mesh.DigestBytes([]byte("packaged"))}),
			}
			for _, r := range reads {
				if got, ok := s.Host.Reads[r]; !ok || got.Digest != cmp.Or(want[r], mesh.AbsentDigest) {
					t.Errorf("%s: %+v", r, got)
				}
			}
			if len(s.Host.Reads) != len(reads) {
				t.Errorf("reads %q", slices.Sorted(maps.Keys(s.Host.Reads)))
			}
		})
	}
}

// A service with hundreds of lines about folders that hold nothing of it would cost each host.
func TestAServiceIsALineOfTheScript(t *testing.T) {
	t.Parallel()
	want := []mesh.Resource{service("a", primitive.UnitReads("a")...), service("b", primitive.UnitReads("b")...)}
	script := observeScript(newQuery(Options{Mesh: "prod", Name: "h", Resources: want}), "@t")
	if n := strings.Count(script, "'a.service'"); n != 2 || !strings.Contains(script, "\nms_units 'a.service' 'b.service'\n") {
		t.Errorf("it is named %d times in\n%s", n, script)
	}
}
