package host

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// tarred is one member of a tar archive.
type tarred struct {
	name string
	kind byte
	mode int64
	text string // of a file; where a link leads
}

func archived(t *testing.T, members ...tarred) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		h := tar.Header{Name: m.name, Typeflag: m.kind, Mode: m.mode, Uid: 65534, Gid: 65534}
		switch m.kind {
		case tar.TypeReg:
			h.Size = int64(len(m.text))
		case tar.TypeSymlink, tar.TypeLink:
			h.Linkname = m.text
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if m.kind == tar.TypeReg {
			_, _ = w.Write([]byte(m.text)) // to memory
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// archive declares what is put on the host, to be unpacked in a directory.
func (b *box) archive(name, to, text string) mesh.Resource {
	b.t.Helper()
	b.put("/srv/"+name+".tar", text)
	return mesh.Resource{Addr: addr("archive", name), Attrs: mesh.MustTree(map[string]any{
		"url": "file:///srv/" + name + ".tar", "to": to, "strip": "0", "sha256": strings.TrimPrefix(mesh.DigestBytes([]byte(text)), "sha256:"),
	})}
}

// tree lists what is below a path: mode, name, and where a link leads or what a file holds.
func (b *box) tree(name string) string {
	b.t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(b.path(name), func(p string, d os.DirEntry, err error) error {
		if err != nil || p == b.path(name) {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s %s", fi.Mode(), strings.TrimPrefix(p, b.path(name)+"/"))
		switch {
		case fi.Mode().IsRegular():
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " %s", text)
		case fi.Mode()&os.ModeSymlink != 0:
			to, err := os.Readlink(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " -> %s", to)
		}
		out.WriteString("\n")
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.String()
}

// everyTar runs a test with each shell and each tar that a host may have.
func everyTar(t *testing.T, test func(*testing.T, *box)) {
	t.Helper()
	for name, shell := range shells(t) {
		for _, program := range []string{"tar", "busybox tar"} {
			t.Run(name+" and "+program, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath(strings.Fields(program)[0]); err != nil {
					t.Skip("no " + program + " on this machine")
				}
				b := newBox(t, shell...)
				text := "#!/bin/sh\nexec " + program + " \"$@\"\n"
				if program != "tar" {
					if err := os.WriteFile(filepath.Join(b.bin, "tar"), []byte(text), 0o755); err != nil {
						t.Fatal(err)
					}
				}
				test(t, b)
			})
		}
	}
}

func TestAnArchiveIsMergedIntoItsDirectory(t *testing.T) {
	t.Parallel()
	everyTar(t, func(t *testing.T, b *box) {
		b.put("/opt/x/bin/own", "own")
		b.put("/opt/x/becomes-dir", "old")
		if err := os.Chmod(b.path("/opt/x/bin"), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/nowhere", b.path("/opt/x/becomes-file")); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			want := []mesh.Resource{b.archive("a", "/opt/x", archived(t,
				tarred{"./", tar.TypeDir, 0o700, ""}, tarred{"bin/", tar.TypeDir, 0o755, ""}, tarred{"bin/run", tar.TypeReg, 0o755, fmt.Sprint(i)},
				tarred{"becomes-dir/", tar.TypeDir, 0o755, ""}, tarred{"becomes-dir/it's $(x)", tar.TypeReg, 0o644, "f"}, tarred{"becomes-file", tar.TypeReg, 0o644, "f"},
				tarred{".hidden/", tar.TypeDir, 0o755, ""}, tarred{".hidden/f", tar.TypeReg, 0o600, "f"}, tarred{"current", tar.TypeSymlink, 0o777, "bin"},
				tarred{"bin/same", tar.TypeLink, 0o755, "bin/run"},
			))}
			works(t, b, want)
			wanted := fmt.Sprintf(`drwxr-xr-x .hidden
-rw------- .hidden/f f
-rw-r--r-- .meshsync-a 
drwxr-xr-x becomes-dir
-rw-r--r-- becomes-dir/it's $(x) f
-rw-r--r-- becomes-file f
drwxr-x--- bin
-rw-r--r-- bin/own own
-rwxr-xr-x bin/run %[1]d
-rwxr-xr-x bin/same %[1]d
Lrwxrwxrwx current -> bin
`, i)
			if got := b.tree("/opt/x"); got != wanted {
				t.Errorf("%d: there is\n%s\nwant\n%s", i, got, wanted)
			}
		}
	})
}

// What an archive holds is bound to the directory: it leads nowhere else, and brings no
// devices and no rights.
func TestWhatAnArchiveMustNotHoldIsRefused(t *testing.T) {
	t.Parallel()
	everyTar(t, func(t *testing.T, b *box) {
		if os.Getuid() != 0 {
			t.Skip("only root can make devices")
		}
		b.put("/secret", "root's own")
		b.put("/out/kept", "root's own")
		b.put("/opt/x/kept", "old")
		good := tarred{"f", tar.TypeReg, 0o644, "new"}
		for name, members := range map[string][]tarred{
			"absolute":           {{b.path("/out/evil"), tar.TypeReg, 0o644, "x"}},
			"above":              {{"../../out/evil", tar.TypeReg, 0o644, "x"}},
			"above, below":       {{"a/../../../out/evil", tar.TypeReg, 0o644, "x"}},
			"link, absolute":     {{"l", tar.TypeSymlink, 0o777, b.path("/out")}, {"l/evil", tar.TypeReg, 0o644, "x"}},
			"link, above":        {{"l", tar.TypeSymlink, 0o777, "../../out"}, {"l/evil", tar.TypeReg, 0o644, "x"}},
			"hard link":          {{"h", tar.TypeLink, 0o644, b.path("/secret")}},
			"hard link, above":   {{"h", tar.TypeLink, 0o644, "../../../../secret"}},
			"hard link, by link": {{"l", tar.TypeSymlink, 0o777, b.root}, {"h", tar.TypeLink, 0o644, "l/secret"}},
			"device":             {{"c", tar.TypeChar, 0o666, ""}},
			"pipe":               {{"p", tar.TypeFifo, 0o666, ""}},
			"as root":            {{"s", tar.TypeReg, 0o4755, "#!"}},
			"as a group":         {{"s", tar.TypeReg, 0o2755, "#!"}},
		} {
			t.Run(name, func(t *testing.T) {
				want := []mesh.Resource{b.archive("a", "/opt/x", archived(t, append(members, good)...))}
				h := b.host(want...)
				got, err := results(t, h, planned(t, h, want))
				if err != nil {
					t.Fatal(err)
				}
				o := got["create a"]
				if there := b.tree("/opt/x"); o.Result == plan.ResultFailed && there != "-rw-r--r-- kept old\n" {
					t.Errorf("it was refused (%s), and there is\n%s", o.Message, there)
				}
				// A tar may drop what is before a name: then it is below the directory.
				if o.Result != plan.ResultFailed && !strings.HasPrefix(name, "absolute") && !strings.HasPrefix(name, "above") {
					t.Errorf("%+v\n%s", o, b.tree("/opt/x"))
				}
				if got := b.tree("/out"); got != "-rw-r--r-- kept root's own\n" {
					t.Errorf("elsewhere is\n%s", got)
				}
				if fi, err := os.Stat(b.path("/secret")); err != nil || fi.Mode().Perm() != 0o644 || links(fi) != 1 {
					t.Errorf("a file elsewhere: %v %v", fi, err)
				}
				for _, p := range []string{"/opt/x", "/var/lib/meshsync/.archives"} {
					if err := os.RemoveAll(b.path(p)); err != nil {
						t.Fatal(err)
					}
				}
				b.put("/opt/x/kept", "old")
			})
		}
		if left := b.left(); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	})
}

// Who may write to the directory, or to one on the way or below, leads nothing elsewhere.
func TestAnArchiveIsNotUnpackedOverWhatAUserTurnsElsewhere(t *testing.T) {
	t.Parallel()
	content := []tarred{{"bin/", tar.TypeDir, 0o755, ""}, {"bin/f", tar.TypeReg, 0o644, "new"}, {"f", tar.TypeReg, 0o644, "new"}}
	for _, at := range []string{"/u", "/u/x", "/u/x/bin"} { // what is a link to elsewhere
		for _, program := range []string{"", "tail", "tar", "mkdir", "find", "sync", "mv"} { // when: before the batch, or at a call
			t.Run(at+" "+program, func(t *testing.T) {
				t.Parallel()
				b := newBox(t)
				for _, f := range []string{"/other/f", "/other/x/f", "/other/bin/f", "/other/x/bin/f"} {
					b.put(f, "root's own")
				}
				elsewhere := b.tree("/other")
				b.put("/u/x/bin/own", "")
				for _, d := range []string{"/u", "/u/x", "/u/x/bin"} {
					b.owned(d)
				}
				want := []mesh.Resource{b.archive("a", "/u/x", archived(t, content...))}
				h := b.host(want...)
				w := planned(t, h, want)
				turn := fmt.Sprintf(`[ -L "$R%[1]s" ] || [ ! -e "$R%[1]s" ] || { mv "$R%[1]s" "$R%[1]s.away"; ln -s "$R/other" "$R%[1]s"; chown -h 65534 "$R%[1]s"; }`, at)
				if program != "" {
					b.wrap(`[ ! -e "$R/var/lib/meshsync/prod/lock" ] || `+turn, program)
				} else if out, err := exec.Command("/bin/sh", "-c", "R="+b.root+"; "+turn).CombinedOutput(); err != nil {
					t.Fatalf("%v %s", err, out)
				}
				got, err := results(t, h, w)
				if err != nil {
					t.Fatal(err)
				}
				if now := b.tree("/other"); now != elsewhere {
					t.Errorf("%+v: elsewhere is\n%s", got, now)
				}
				if o := got["create a"]; program == "" && (o.Result != plan.ResultFailed || !strings.Contains(o.Message, "is a symbolic link that another user owns")) {
					t.Errorf("%+v", o)
				}
			})
		}
	}
}

// TestAnArchiveIsOnTheDiskBeforeItIsSaid traces the calls that bring all of a file system to
// the disk: before the first move, and before the note that says what is unpacked.
func TestAnArchiveIsOnTheDiskBeforeItIsSaid(t *testing.T) {
	t.Parallel()
	if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("strace cannot trace here")
	}
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shell...)
			b.put("/opt/x/bin/run", "old")
			want := []mesh.Resource{b.archive("a", "/opt/x", archived(t, tarred{"bin/", tar.TypeDir, 0o755, ""}, tarred{"bin/run", tar.TypeReg, 0o755, "new"}))}
			h := b.host(want...)
			w := planned(t, h, want)
			trace := filepath.Join(t.TempDir(), "trace")
			b.before = []string{"strace", "-f", "-qq", "-y", "-A", "-o", trace, "-e", "trace=syncfs,fsync,rename,renameat,renameat2,write"}
			if got, err := results(t, h, w); err != nil || got["create a"].Result != plan.ResultDone {
				t.Fatal(err, got)
			}
			data, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			order := regexp.MustCompile(`(?s)write\(\d+<[^>]*/new/bin/run>.*syncfs.*rename[^\n]*/fd/8/[^\n]*run.*syncfs.*fsync[^\n]*\.archives/\.new\.prod>.*rename[^\n]*\.archives/\.new.*fsync[^\n]*\.archives>`)
			if !order.Match(data) {
				t.Errorf("%s", data[max(0, len(data)-6000):])
			}
		})
	}
}

// Who may write to the directory puts anything where the witness goes.
func TestAnArchivesWitnessIsANewFile(t *testing.T) {
	t.Parallel()
	everyTar(t, func(t *testing.T, b *box) {
		b.put("/srv/other", "somebody's\n")
		b.put("/opt/x/f", "")
		want := []mesh.Resource{b.archive("a", "/opt/x", archived(t, tarred{"f", tar.TypeReg, 0o644, "new"}))}
		for name, put := range map[string]func(string) error{
			"a pipe":      func(p string) error { return syscall.Mkfifo(p, 0o666) },
			"a hard link": func(p string) error { return os.Link(b.path("/srv/other"), p) },
			"a link":      func(p string) error { return os.Symlink(b.path("/srv/other"), p) },
		} {
			if err := errors.Join(os.RemoveAll(b.path("/opt/x/.meshsync-a")), os.RemoveAll(b.path("/var/lib/meshsync/.archives")), put(b.path("/opt/x/.meshsync-a"))); err != nil {
				t.Fatal(err)
			}
			works(t, b, want)
			if fi, err := os.Lstat(b.path("/opt/x/.meshsync-a")); err != nil || !fi.Mode().IsRegular() || b.get("/srv/other") != "somebody's\n" {
				t.Errorf("%s: %v %v, and the other file has %q", name, fi, err, b.get("/srv/other"))
			}
		}
	})
}

// Each mesh of a host has archives of its own, whatever they are called; a marker of before that
// was so is taken for what it says.
func TestTwoMeshesHaveOneArchivesName(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		look := func(meshName string, want mesh.Resource, wanted int) {
			t.Helper()
			h := New(Options{Mesh: meshName, Name: "h", Resources: []mesh.Resource{want}, Dialer: b.way(), Timeout: time.Minute})
			t.Cleanup(func() { _ = h.Close() })
			w := planned(t, h, []mesh.Resource{want})
			if len(w.Changes) != wanted {
				t.Fatalf("%s has %+v to do", meshName, w.Changes)
			}
			if got, err := results(t, h, w); err != nil {
				t.Fatal(err, got)
			}
		}
		b.put("/opt/x/own", "")
		b.put("/opt/y/own", "")
		one := b.archive("a", "/opt/x", archived(t, tarred{"f", tar.TypeReg, 0o644, "one"}))
		other := one
		other.Attrs = other.Attrs.Clone()
		other.Attrs["to"] = "/opt/y"
		look("prod", one, 1)
		look("test", other, 1)
		look("prod", one, 0)
		look("test", other, 0)
		if err := os.Rename(b.path("/var/lib/meshsync/.archives/prod.a"), b.path("/var/lib/meshsync/.archives/a")); err != nil {
			t.Fatal(err)
		}
		look("prod", one, 0)
		look("test", other, 0)
	})
}

func TestHostsEntriesAreNotWrittenElsewhere(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want := []mesh.Resource{{Addr: addr("hosts-entry", "10.0.0.9"), Attrs: mesh.MustTree(map[string]any{"names": "m9 m9.example.com"})}}
		works(t, b, want) // there is none yet
		b.put("/etc/hosts", "127.0.0.1 localhost # it's $(x)\n\n10.0.0.9 old\n10.0.0.9 more\n")
		if err := os.Chmod(b.path("/etc/hosts"), 0o640); err != nil {
			t.Fatal(err)
		}
		works(t, b, want)
		if got := b.get("/etc/hosts"); got != "127.0.0.1 localhost # it's $(x)\n\n10.0.0.9\tm9 m9.example.com\n" {
			t.Errorf("%q", got)
		}
		if fi, err := os.Stat(b.path("/etc/hosts")); err != nil || fi.Mode().Perm() != 0o640 {
			t.Errorf("%v %v", fi, err)
		}

		b.put("/other/hosts", "root's own\n")
		other := []mesh.Resource{{Addr: want[0].Addr, Attrs: mesh.MustTree(map[string]any{"names": "m8"})}}
		for name, x := range map[string]struct{ turn, says string }{
			"the file":      {`rm "$R/etc/hosts"; ln -s "$R/other/hosts" "$R/etc/hosts"; chown -h 65534 "$R/etc/hosts"`, "no regular file"},
			"the directory": {`mv "$R/etc" "$R/away"; ln -s "$R/other" "$R/etc"; chown -h 65534 "$R/etc"`, "is a symbolic link that another user owns"},
		} {
			h := b.host(other...)
			w := planned(t, h, other)
			b.owned("/etc/machine-id") // skips where nobody can be another user
			before := b.tree("/other")
			if out, err := exec.Command("/bin/sh", "-c", "R="+b.root+"; cp $R/etc/hosts $R/kept; "+x.turn).CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
			w.Changes[0].Before = nil // what is read by way of the link has no such line
			got, err := results(t, h, w)
			for _, o := range got {
				if err != nil || o.Result != plan.ResultFailed || !strings.Contains(o.Message, x.says) {
					t.Errorf("%s: %v %+v", name, err, o)
				}
			}
			if now := b.tree("/other"); now != before || len(got) != 1 {
				t.Errorf("%s: elsewhere is\n%s", name, now)
			}
			if out, err := exec.Command("/bin/sh", "-c", "R="+b.root+"; [ ! -d $R/away ] || { rm $R/etc; mv $R/away $R/etc; }; rm $R/etc/hosts; mv $R/kept $R/etc/hosts").CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
		}
		works(t, b, other)
	})
}

func links(fi os.FileInfo) uint64 {
	st, _ := fi.Sys().(*syscall.Stat_t)
	return uint64(st.Nlink)
}
