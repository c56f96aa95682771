package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// namespaced starts a sandbox whose hosts can have a full disk.
func namespaced(t *testing.T, dir string) *sandbox.Cluster {
	t.Helper()
	c := box(t, sandbox.Options{Dir: dir, Hosts: example()[:1]})
	if c.Mode() != "namespaces" {
		t.Skip("a full disk needs a host with namespaces")
	}
	return c
}

// listing prints every file of a host: kind, mode, owner, target and content.
const listing = `cd "$R/" && find . -xdev ! -name . -printf '%p %M %U:%G %l\n' | sort && find . -xdev -type f -exec sha256sum {} + | sort`

// TestAFullDiskEndsWhateverTheRootHolds: folders deeper than a walk keeps open, files that
// a service holds open or works in, names that are hard to write, a folder that none may enter.
func TestAFullDiskEndsWhateverTheRootHolds(t *testing.T) {
	t.Parallel()
	c := namespaced(t, "")
	on(t, c, "m1", `mkdir -p "$R/var/lib/meshsync/a/b/c/d/e/f/g/h/i/j" "$R/srv/-odd name" && echo deep >"$R/var/lib/meshsync/a/b/c/d/e/f/g/h/i/j/k"
printf 'x' >"$R/srv/-odd name/new
line" && mkdir -m 0 "$R/srv/shut" && ln -s /nowhere "$R/srv/dangling" && ln "$R/etc/hosts" "$R/srv/hosts" && mkfifo "$R/srv/pipe"`)
	for range 3 {
		fault(t, c, "full-disk", "64")
		on(t, c, "m1", `systemctl restart logshipper; cd "$R/var/lib/meshsync/a/b/c/d/e/f" && date +%N >>"$R/srv/changed" && rm -f "$R/srv/gone"
(exec 8>>"$R/var/log/open" 9<"$R/etc/hosts"; exec sleep 1000) >/dev/null 2>&1 </dev/null & until [ -e "$R/var/log/open" ]; do :; done`)
		want := on(t, c, "m1", listing)
		fault(t, c, "full-disk", "off")
		if got := on(t, c, "m1", listing); got != want {
			t.Fatalf("after the fault the root is\n%s\nand was\n%s", got, want)
		}
		if got := on(t, c, "m1", `systemctl is-active logshipper; touch "$R/srv/gone" && pgrep -c sleep >/dev/null && echo runs`); got != "active\nruns\n" {
			t.Errorf("after the fault: %s", got)
		}
	}
	left, err := os.ReadDir(filepath.Dir(c.Root("m1")))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the root: %v, %v", left, err)
	}
}

// TestFilesThatAFullDiskDidNotTouchStay: their ctimes are what tells a service that runs with
// old input.
func TestFilesThatAFullDiskDidNotTouchStay(t *testing.T) {
	t.Parallel()
	c := namespaced(t, "")
	const look = `cd "$R/" && find . -xdev -type f -printf '%p %i %C@\n' | sort`
	want := on(t, c, "m1", look)
	fault(t, c, "full-disk", "64")
	on(t, c, "m1", `touch "$R/etc/a" && rm "$R/etc/a" && mkdir "$R/srv/b"`)
	fault(t, c, "full-disk", "off")
	if got := on(t, c, "m1", look); got != want {
		t.Errorf("after the fault\n%s\nwant\n%s", got, want)
	}
}

// TestUsersAddedOnAFullDiskStay: the host's own passwd is what its programs see afterwards, too.
func TestUsersAddedOnAFullDiskStay(t *testing.T) {
	t.Parallel()
	c := namespaced(t, "")
	fault(t, c, "full-disk", "64")
	fault(t, c, "full-disk", "off")
	on(t, c, "m1", `echo 'added:x:777:777::/:/bin/false' >>"$R/etc/passwd"`)
	if got := on(t, c, "m1", "id -u added"); got != "777\n" {
		t.Errorf("the user's id: %s", got)
	}
}

// TestAFullDiskThatCannotEndStaysWhole: what stops the way back half-way loses nothing,
// shows as a fault that is on, and is no obstacle later.
func TestAFullDiskThatCannotEndStaysWhole(t *testing.T) {
	t.Parallel()
	c := namespaced(t, "")
	under := filepath.Join(filepath.Dir(c.ConnectFile()), "hosts", "m1")
	fault(t, c, "full-disk", "64")
	on(t, c, "m1", `echo kept >"$R/etc/kept"`)
	want := on(t, c, "m1", listing)
	if err := os.WriteFile(under+".back", []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Fault("m1", "full-disk", "off"); err == nil {
		t.Error("the way back was not stopped")
	}
	if got := on(t, c, "m1", listing); got != want {
		t.Errorf("after the failure the root is\n%s\nand was\n%s", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(under, "etc/hostname")); string(text) != "m1\n" {
		t.Errorf("the root below: %q, %v", text, err)
	}
	if err := os.Remove(under + ".back"); err != nil {
		t.Fatal(err)
	}
	fault(t, c, "full-disk", "off")
	if got := on(t, c, "m1", listing); got != want {
		t.Errorf("in the end the root is\n%s\nand was\n%s", got, want)
	}
}

func TestAHostThatGoesDownWithAFullDiskKeepsItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := namespaced(t, dir)
	fault(t, c, "full-disk", "64")
	on(t, c, "m1", `echo kept >"$R/etc/kept"`)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := on(t, namespaced(t, dir), "m1", `cat "$R/etc/kept"`); got != "kept\n" {
		t.Errorf("after down and up: %s", got)
	}
}

// TestUpCompletesARootThatIsNotWhole: what is there stays, what is missing is laid again.
func TestUpCompletesARootThatIsNotWhole(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		dir := publicDir(t)
		o := sandbox.Options{Dir: dir, Hosts: example()[:1], Mode: mode}
		if err := box(t, o).Close(); err != nil {
			t.Fatal(err)
		}
		root := filepath.Join(dir, "hosts", "m1")
		for _, d := range []string{"etc", "var/lib", "usr"} {
			if err := os.RemoveAll(filepath.Join(root, d)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(root, "srv/mine"), []byte("mine\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		c := box(t, o)
		got := on(t, c, "m1", `cat "$R/srv/mine" "$R/etc/hostname"; ls "$R/usr/lib/systemd/system/"; stat -c %U "$R/var/lib/zookeeper"`)
		if got != "mine\nm1\nlogshipper.service\nmesos-master.service\nzookeeper.service\nzookeeper\n" {
			t.Errorf("after up: %s", got)
		}
		on(t, c, "m1", `rm "$R/etc/hosts"`)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if got := on(t, box(t, o), "m1", `[ -e "$R/etc/hosts" ] || echo gone`); !strings.Contains(got, "gone") {
			t.Error("a file that was removed is there again after down and up")
		}
	})
}
