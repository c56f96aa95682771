package host

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// disk follows, call by call, what a batch has the kernel bring to the disk: of the rest a cut
// of the power leaves what it likes.
type disk struct {
	t    *testing.T
	root string
	// data and dirs are what changed since it was synced: files and what is said of them, and
	// directories by their entries.
	data, dirs map[string]bool
	there      map[string]bool // paths that something is at
	live       []string        // what was put in place by a rename, in order

	parent, cwd map[string]string // of processes
}

var (
	callLine = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += +(\d+)`)
	fdPath   = regexp.MustCompile(`^(?:AT_FDCWD|\d+)<(.*?)>(?:\(deleted\))?$`)
)

// passing tells what is of use to the batch itself only from what is to last.
func passing(name string) bool {
	if strings.Contains(name, "/.meshsync-") || strings.Contains(name, "/staging") {
		return true
	}
	base, inState := path.Base(name), path.Dir(name) == "/var/lib/meshsync/prod"
	return inState && (base[0] == '.' || base == "lock" || base == "lease") || strings.HasSuffix(name, "/old/.new")
}

// at is the directory that a process is in: a child begins in that of its parent.
func (d *disk) at(pid string) string {
	for ; pid != ""; pid = d.parent[pid] {
		if dir, went := d.cwd[pid]; went {
			return dir
		}
	}
	return "/"
}

// paths are those below the root that a call names: a descriptor, a name, or both for one.
func (d *disk) paths(pid, args string) []string {
	var out []string
	at := ""
	add := func(name string) {
		if name = path.Clean(name); strings.HasPrefix(name, d.root+"/") {
			out = append(out, strings.TrimPrefix(name, d.root))
		}
		at = ""
	}
	for a := range strings.SplitSeq(args, ", ") {
		switch m := fdPath.FindStringSubmatch(a); {
		case m != nil && at != "":
			add(at)
			at = m[1]
		case m != nil:
			at = m[1]
		case strings.HasPrefix(a, `"`):
			if name := strings.Trim(a, `"`); path.IsAbs(name) {
				add(name)
			} else {
				add(path.Join(cmp.Or(at, d.at(pid)), name))
			}
		}
	}
	if at != "" {
		add(at)
	}
	return out
}

// call takes in one line of the trace.
func (d *disk) call(line string) {
	m := callLine.FindStringSubmatch(line)
	if m == nil {
		return
	}
	pid, name, args := m[1], m[2], m[3]
	if name == "chdir" {
		d.cwd[pid] = path.Clean(path.Join(d.at(pid), strings.Trim(args, `"`)))
		if strings.HasPrefix(args, `"/`) {
			d.cwd[pid] = path.Clean(strings.Trim(args, `"`))
		}
		return
	}
	if name == "write" {
		var text string
		args, text, _ = strings.Cut(args, ", ")
		if strings.HasPrefix(text, `"@t done `) || strings.HasPrefix(text, `"@t record `) {
			d.told(strings.Fields(text)[1:3])
		}
	}
	in := d.paths(pid, args)
	if len(in) == 0 {
		return
	}
	last := in[len(in)-1]
	switch name {
	case "fsync":
		delete(d.data, last)
		delete(d.dirs, last)
	case "write", "copy_file_range", "fchmod", "fchown", "fchmodat", "fchownat":
		d.data[last] = true
	case "openat":
		if strings.Contains(args, "O_CREAT") {
			d.data[last] = true
			d.made(last)
		}
	case "mkdir", "mkdirat", "symlink", "symlinkat", "linkat":
		d.made(last)
	case "unlink", "unlinkat", "rmdir":
		delete(d.there, last)
		delete(d.data, last)
		d.entry(last)
	case "rename", "renameat", "renameat2":
		d.renamed(in[0], last)
	}
}

func (d *disk) renamed(from, to string) {
	if d.data[from] && d.there[to] && !passing(to) {
		d.t.Errorf("%s takes the place of %s before it is on the disk", from, to)
	}
	d.data[to] = d.data[from]
	delete(d.data, from)
	delete(d.there, from)
	d.there[to] = true
	d.entry(to)
	d.live = append(d.live, to)
}

func (d *disk) made(name string) {
	if !d.there[name] {
		d.there[name] = true
		d.entry(name)
	}
}

// entry notes that a directory has or loses an entry that is to last.
func (d *disk) entry(name string) {
	if !passing(name) {
		d.dirs[path.Dir(name)] = true
	}
}

// told is called where the batch says that something is done: by then it is on the disk.
func (d *disk) told(what []string) {
	for name, dirty := range d.data {
		if dirty && !passing(name) {
			d.t.Errorf("%s is not on the disk when the batch says %s", name, what)
			delete(d.data, name)
		}
	}
	for name := range d.dirs {
		d.t.Errorf("the entries of %s are not on the disk when the batch says %s", name, what)
		delete(d.dirs, name)
	}
}

// TestWhatABatchSaysIsDoneIsOnTheDisk traces whole batches. Data before the rename, the
// directory behind it, the record before the first change, and once more behind the last.
func TestWhatABatchSaysIsDoneIsOnTheDisk(t *testing.T) {
	t.Parallel()
	if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("strace cannot trace here")
	}
	durable := func(name string, shell []string, created string, secrets bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shell...)
			for _, f := range []string{"/d/changed", "/d/gone", "/d/becomes-link", "/d/becomes-dir", "/d/becomes-secret", "/e/x", "/var/lib/x"} {
				b.put(f, "old")
			}
			b.put("/etc/hosts", "127.0.0.1 localhost\n")
			want := []mesh.Resource{
				directory("/d", true), file("/d/changed", "new"), file("/d/created", created), file("/d/empty", ""), symlink("/d/becomes-link", "/new"),
				directory("/d/becomes-dir", false), directory("/e/sub/below", false), file("/d/becomes-secret", "new"),
				{Addr: addr("hosts-entry", "10.0.0.9"), Attrs: mesh.MustTree(map[string]any{"names": "m9"})},
			}
			if secrets {
				want = append(slices.DeleteFunc(want, func(r mesh.Resource) bool { return r.Addr.Name == "/d/becomes-secret" }), secretFile("/d/secret", "s"), secretFile("/d/becomes-secret", "s"))
			}
			h := b.host(want...)
			h.o.Secrets = vault{"s": "x"}.get
			w := planned(t, h, want)
			there := b.all()
			trace := filepath.Join(t.TempDir(), "trace")
			b.before = []string{
				"strace", "-f", "-qq", "-y", "-s", "40", "-A", "-o", trace, "-e",
				"trace=chdir,clone,clone3,fork,vfork,fsync,rename,renameat,renameat2,mkdir,mkdirat,symlink,symlinkat,unlink,unlinkat,rmdir,link,linkat,openat,write,copy_file_range,fchmodat,fchownat,fchmod,fchown",
			}
			got, err := results(t, h, w)
			if err != nil {
				t.Fatal(err, got)
			}
			d := followed(t, b, trace, there)
			record := "/var/lib/meshsync/prod/record.json"
			live := slices.DeleteFunc(slices.Clone(d.live), func(n string) bool { return strings.HasPrefix(n, "/var/lib/") && n != record })
			if len(live) < 8 || live[0] != record || live[len(live)-1] != record || !slices.Contains(live, "/d/changed") || !slices.Contains(live, "/etc/hosts") {
				t.Errorf("put in place: %q", live)
			}
		})
	}
	for name, shell := range shells(t) {
		durable(name, shell, strings.Repeat("new", 5000), true)
		durable(name+", a large file alone", shell, strings.Repeat("new", largePart), false)
	}
}

// all are the paths of the host, as it has them.
func (b *box) all() map[string]bool {
	b.t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(b.root, func(name string, _ os.DirEntry, err error) error {
		out[strings.TrimPrefix(name, b.root)] = true
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// followed reads the trace of a batch, whose token becomes @t.
func followed(t *testing.T, b *box, trace string, there map[string]bool) *disk {
	t.Helper()
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`write\(1<[^>]*>, "(\S+) begin\\n`).FindStringSubmatch(string(data))
	if token == nil {
		t.Fatal("the trace has no batch")
	}
	d := &disk{t: t, root: b.root, data: map[string]bool{}, dirs: map[string]bool{}, there: there, parent: map[string]string{}, cwd: map[string]string{}}
	text := whole(strings.ReplaceAll(string(data), token[1], "@t"))
	for line := range strings.Lines(text) {
		if m := callLine.FindStringSubmatch(line); m != nil && (strings.HasPrefix(m[2], "clone") || strings.HasSuffix(m[2], "fork")) {
			d.parent[m[4]] = m[1]
		}
	}
	d.data["/var/lib/meshsync/prod/staging/r1"] = true // it was sent before
	for line := range strings.Lines(text) {
		d.call(line)
	}
	if len(d.live) == 0 {
		t.Fatal(fmt.Sprint("nothing was put in place: ", string(data[:min(len(data), 2000)])))
	}
	return d
}

var unfinishedCall = regexp.MustCompile(`(?m)^(\d+) +(.*) <unfinished \.\.\.>\n`)

// whole joins the halves of calls between which another process was traced.
func whole(trace string) string {
	var out strings.Builder
	begun := map[string]string{}
	for line := range strings.Lines(trace) {
		pid, rest, _ := strings.Cut(line, " ")
		if m := unfinishedCall.FindStringSubmatch(line); m != nil {
			begun[pid] = m[2]
			continue
		}
		if _, end, resumed := strings.Cut(rest, " resumed>"); resumed {
			line = pid + " " + begun[pid] + end
		}
		out.WriteString(line)
	}
	return out.String()
}
