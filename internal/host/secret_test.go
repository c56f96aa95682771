package host

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
	"meshsync.dev/meshsync/internal/secret"
)

// vault gives the values of secrets by the name of their variable.
type vault map[string]string

func (v vault) get(s mesh.SecretSource) (secret.Value, error) {
	text, ok := v[s.Env+s.Age]
	if !ok {
		return secret.Value{}, errors.New("there is none")
	}
	return secret.New(text), nil
}

// secretFile is a file whose content git holds as a ciphertext.
func secretFile(name, source string) mesh.Resource {
	s := mesh.SecretSource{Age: source}
	return mesh.Resource{Addr: addr(mesh.File, name), Secret: &s, Attrs: mesh.MustTree(map[string]any{
		"content": s.ID(), "mode": "0600", "owner": "root", "group": "root",
	})}
}

func (b *box) hostWith(v vault, rs ...mesh.Resource) *Host {
	h := b.host(rs...)
	h.o.Secrets = v.get
	return h
}

// compared is how what is wanted differs from what is there, by the plan's own eyes.
func compared(t *testing.T, h *Host, want []mesh.Resource) diff.Result {
	t.Helper()
	s := h.Observe(context.Background())
	if s.Outcome != mesh.OK || len(s.Unknown) > 0 {
		t.Fatalf("%s: %s %+v", s.Outcome, s.Message, s.Unknown)
	}
	seen := mesh.Observed{Targets: []mesh.TargetState{s}}
	return diff.Diff(plan.Desired(plan.Input{Mesh: &mesh.Mesh{Resources: want}, Seen: seen}), seen)
}

// brought applies what is wanted, and fails when that does not hold afterwards.
func brought(t *testing.T, h *Host, want []mesh.Resource) {
	t.Helper()
	w := plan.Work{Run: "r1", Time: "2026-01-01T00:00:00Z", Changes: compared(t, h, want).Changes}
	got, err := results(t, h, w)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range got {
		if o.Result != plan.ResultDone {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if left := compared(t, h, want); len(left.Changes) != 0 || len(left.Equal) != len(want) {
		t.Errorf("afterwards: %+v", left)
	}
}

// forms are all that a secret could be known by.
func forms(text string) []string {
	sum := sha256.Sum256([]byte(text))
	out := []string{hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:])}
	if len(text) >= 6 { // a shorter one is in everything
		trimmed := base64.RawStdEncoding.EncodeToString([]byte(text))
		out = append(out, text, hex.EncodeToString([]byte(text)), trimmed[:len(trimmed)-2])
	}
	return out
}

// ears hears all that a host says.
type ears struct {
	*box
	mu    sync.Mutex
	heard []string
}

func (e *ears) Dial(context.Context) (Conn, error) { return e, nil }

func (e *ears) Run(ctx context.Context, command string, stdin io.Reader, limit int64, lines func([]byte)) (remote.Result, error) {
	r, err := e.box.Run(ctx, command, stdin, limit, lines)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, command, string(r.Stdout), r.Stderr)
	return r, err
}

func (e *ears) heardNothingOf(t *testing.T, text string) {
	t.Helper()
	for _, form := range forms(text) {
		for _, h := range e.heard {
			if strings.Contains(h, form) {
				t.Errorf("%q was said in %q", form, h)
			}
		}
	}
}

// holding lists the files of a host that hold a form of the secret, but for the one that may.
func (b *box) holding(text, but string) []string {
	var out []string
	_ = filepath.WalkDir(b.root, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || name == b.path(but) {
			return err
		}
		data, _ := os.ReadFile(name)
		for _, form := range forms(text) {
			if strings.Contains(string(data), form) {
				out = append(out, strings.TrimPrefix(name, b.root))
			}
		}
		return nil
	})
	return out
}

func TestSecretsOfAnyBytesArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	values := append([]string{
		"\x00", "\x00\x00\n", "\n", "no line feed", "a\r\nb\r\n", "-n\n", "\xff\xfe\x80", `\c\0\n`, "EOF\n}\n", "keyed:\n",
		strings.Repeat("\x00'\"$(x)`\\\n", 1<<17),
	}, nasty...)
	everyWay(t, func(t *testing.T, b *box) {
		v, want := vault{}, []mesh.Resource{directory("/d", true)}
		for i, text := range values {
			name := "/d/s" + string(rune('A'+i))
			v[name] = text
			want = append(want, secretFile(name, name))
		}
		brought(t, b.hostWith(v, want...), want)
		for name, text := range v {
			if b.get(name) != text {
				t.Errorf("%s is not what was sent", name)
			}
		}
		if left, _ := os.ReadDir(b.path("/var/lib/meshsync/prod/staging")); len(left) > 0 {
			t.Errorf("it is left in staging: %v", left)
		}
		for name, mode := range map[string]os.FileMode{"/d/sA": 0o600, keyFile: 0o600, "/var/lib/meshsync/prod/secrets": 0o644} {
			if info, err := os.Stat(b.path(name)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v %v", name, info.Mode(), err)
			}
		}
	})
}

// Git moves, somebody moves, both do, the key goes: the classes are those of other files.
func TestSecretsAreComparedWithoutBeingKnown(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	v := vault{"old": "canary-one", "new": "canary-two"}
	e := &ears{box: b}
	b.dialer = e
	was, is := []mesh.Resource{directory("/d", false), secretFile("/d/s", "old")}, []mesh.Resource{directory("/d", false), secretFile("/d/s", "new")}
	h := b.hostWith(v, was...)
	class := func(step string, want []mesh.Resource, class diff.Class) {
		t.Helper()
		got := compared(t, b.hostWith(v, want...), want).Changes
		if class == "" && len(got) > 0 || class != "" && (len(got) != 1 || got[0].Class != class || len(got[0].Fields) != 1 || got[0].Fields[0].Path != "content") {
			t.Errorf("%s: want %q, got %+v", step, class, got)
		}
	}
	brought(t, h, was)
	class("the same source", was, "")
	class("another source", is, diff.Pending)
	b.put("/d/s", "by hand")
	class("edited", was, diff.Drift)
	class("edited, and another source", is, diff.Both)
	brought(t, h, was)
	key := b.get(keyFile)
	if err := os.Remove(b.path(keyFile)); err != nil {
		t.Fatal(err)
	}
	class("without the key", was, diff.Drift)
	brought(t, b.hostWith(v, was...), was)
	if b.get(keyFile) == key {
		t.Error("there is no new key")
	}
	if err := os.Remove(b.path("/var/lib/meshsync/prod/record.json")); err != nil {
		t.Fatal(err)
	}
	class("without a record", was, diff.Differs)
	brought(t, b.hostWith(v, is...), is)
	if left := b.holding("canary-one", ""); len(left) > 0 {
		t.Errorf("the old content is kept in %v", left)
	}
	e.heardNothingOf(t, "canary-one")
	e.heardNothingOf(t, "canary-two")
	e.heardNothingOf(t, "by hand")
}

// The digest of a secret must not leave the host where the file itself is not asked for: in
// a listing, through a link, after git has dropped it, in what a killed run left.
func TestADigestOfASecretNeverLeavesItsHost(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		const canary = "canary-of-the-host"
		e := &ears{box: b}
		if b.dialer == nil {
			b.dialer = e // over OpenSSH, what comes in is looked at as the state only
		}
		b.put("/units/app/enabled", "")
		v := vault{"s": canary, "t": canary}
		first := []mesh.Resource{directory("/d", true), secretFile("/d/s", "s"), secretFile("/d/t", "t"), service("app", "/d/", "/e/link")}
		h := b.hostWith(v, first...)
		b.put("/d/s", canary) // it is there before meshsync comes, and so no key yet
		b.put("/e/x", "")
		if err := os.Symlink("../d/s", b.path("/e/link")); err != nil {
			t.Fatal(err)
		}
		brought(t, b.hostWith(v, first[:3]...), first[:3])
		w := plan.Work{
			Run: "r1", Changes: compared(t, h, first).Changes,
			Services: []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "app", Op: plan.OpStart, Spec: *first[3].Service}},
		}
		if _, err := results(t, h, w); err != nil {
			t.Fatal(err)
		}
		b.put("/d/.meshsync-r0", canary)
		late := []mesh.Resource{directory("/d", true), service("app", "/d/", "/e/link")} // git dropped both, one stays a stray
		state := b.host(late...).Observe(context.Background())
		if state.Outcome != mesh.OK || len(state.Strays) != 3 {
			t.Fatalf("%s %s %+v", state.Outcome, state.Message, state.Strays)
		}
		for _, r := range state.Strays {
			if content, _ := r.Attrs["content"].(string); !isKeyed(content) {
				t.Errorf("%s is known by %s", r.Addr, content)
			}
		}
		for path, r := range state.Host.Reads {
			if path == "/e/link" && !isKeyed(r.Digest) || path == "/d/" && !isKeyed(r.Entries["s"]) {
				t.Errorf("%s: %+v", path, r)
			}
		}
		if reads := state.Record.Services["app"].Reads; reads["/e/link"] == "" || reads["/d/"] == "" {
			t.Errorf("nobody knows what the service was started with: %+v", state.Record.Services)
		}
		e.heardNothingOf(t, canary)
		brought(t, b.hostWith(v, late[0]), late[:1])
		e.heardNothingOf(t, canary)
	})
}

// What was a secret and is one no longer compares like any file, and the other way round.
func TestAFileBecomesASecretAndCeasesToBeOne(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		v := vault{"s": "canary-becomes"}
		plain, sealed := []mesh.Resource{directory("/d", false), file("/d/s", "public\n")}, []mesh.Resource{directory("/d", false), secretFile("/d/s", "s")}
		for _, want := range [][]mesh.Resource{plain, sealed, plain, sealed} {
			brought(t, b.hostWith(v, want...), want)
		}
		if left := b.holding("canary-becomes", "/d/s"); len(left) > 0 {
			t.Errorf("it is kept in %v", left)
		}
		if left := b.holding("public\n", "/d/s"); len(left) > 0 {
			t.Errorf("what it was before it became a secret is kept in %v", left)
		}
		if got := b.get("/var/lib/meshsync/prod/secrets"); got != "/d/s\n" {
			t.Errorf("the list is %q", got)
		}
		brought(t, b.hostWith(v, plain[0]), plain[:1])
		if got := b.get("/var/lib/meshsync/prod/secrets"); got != "" {
			t.Errorf("what is gone is still on the list: %q", got)
		}
	})
}

func TestNoMessageQuotesASecret(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	e := &ears{box: b}
	b.dialer = e
	v := vault{"s": "canary-quoted", "u": "canary-other"}
	want := []mesh.Resource{directory("/d", false), secretFile("/d/s", "s")}
	h := b.hostWith(v, want...)
	brought(t, h, want)

	refused := secretFile("/d/s", "u")
	refused.Validate = `cat "$1" >&2; false`
	h = b.hostWith(v, want[0], refused)
	w := plan.Work{Run: "r2", Changes: compared(t, h, []mesh.Resource{want[0], refused}).Changes}
	got, err := results(t, h, w)
	if o := got["update /d/s"]; err != nil || o.Result != plan.ResultFailed || !strings.Contains(o.Message, "not shown") {
		t.Errorf("%v %+v", err, o)
	}
	if b.get("/d/s") != "canary-quoted" {
		t.Error("a refused secret was written")
	}

	changed := []mesh.Resource{want[0], secretFile("/d/s", "u")}
	h = b.hostWith(v, changed...)
	w = plan.Work{Run: "r3", Changes: compared(t, h, changed).Changes}
	b.put("/d/s", "canary-by-hand")
	got, err = results(t, h, w)
	if o := got["update /d/s"]; err != nil || o.Result != plan.ResultConflict || !strings.Contains(o.Message, "and a secret content now") {
		t.Errorf("%v %+v", err, o)
	}
	for _, text := range []string{"canary-quoted", "canary-other", "canary-by-hand"} {
		e.heardNothingOf(t, text)
		if left := b.holding(text, "/d/s"); len(left) > 0 {
			t.Errorf("%s is in %v", text, left)
		}
	}
}

// A secret that nobody gives stops the batch before anything is sent.
func TestWithoutItsSecretNothingIsSent(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	want := []mesh.Resource{directory("/d", false), secretFile("/d/s", "s")}
	for name, h := range map[string]*Host{"none": b.hostWith(vault{}, want...), "nobody": b.host(want...)} {
		w := plan.Work{Run: "r1", Changes: compared(t, h, want).Changes}
		if _, err := results(t, h, w); err == nil || !strings.Contains(err.Error(), "host/h/file:/d/s") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(b.path("/var/lib/meshsync")); err == nil {
			t.Errorf("%s: something was written", name)
		}
	}
}

// Every program that the scripts start is traced with its arguments and its environment.
func TestNoProgramGetsASecretAsArgumentOrInItsEnvironment(t *testing.T) {
	t.Parallel()
	if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("strace cannot trace here")
	}
	const canary = "canary-in-argv"
	dir := t.TempDir()
	for name, shell := range shells(t) {
		trace := filepath.Join(dir, name)
		b := newBox(t, shell...)
		b.before = []string{"strace", "-f", "-qq", "-v", "-s", "1000000", "-A", "-e", "trace=execve", "-o", trace}
		v := vault{"s": canary}
		want := []mesh.Resource{directory("/d", true), secretFile("/d/s", "s")}
		h := b.hostWith(v, want...)
		w := plan.Work{
			Run: "r1", Changes: compared(t, h, want).Changes,
		}
		if _, err := results(t, h, w); err != nil {
			t.Fatal(err)
		}
		key := b.get(keyFile)
		compared(t, h, want)
		data, err := os.ReadFile(trace)
		if err != nil || strings.Count(string(data), "execve(") < 20 {
			t.Fatalf("%s: %v, %d programs were seen", name, err, strings.Count(string(data), "execve("))
		}
		for _, form := range append(forms(canary), forms(key)...) {
			if strings.Contains(string(data), form) {
				t.Errorf("%s: a program got %q", name, form)
			}
		}
	}
}

// However a batch ends that begins at all, its staged payload is gone.
func TestWhatIsStagedOfASecretGoes(t *testing.T) {
	t.Parallel()
	const canary = "canary-that-was-staged"
	for name, spoil := range map[string]func(*box){
		"another run wrote the record": func(b *box) { b.put("/var/lib/meshsync/prod/record.json", "{}") },
		"the key cannot be made":       func(b *box) { b.put(keyFile+"/x", "") },
		"nothing can be noted":         func(b *box) { b.put("/var/lib/meshsync/prod/secrets/x", "") },
		"the parent is missing":        func(b *box) { _ = os.Remove(b.path("/d")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyWay(t, func(t *testing.T, b *box) {
				want := []mesh.Resource{secretFile("/d/s", "s")}
				if err := os.Mkdir(b.path("/d"), 0o755); err != nil {
					t.Fatal(err)
				}
				h := b.hostWith(vault{"s": canary}, want...)
				w := plan.Work{Run: "r1", Changes: compared(t, h, want).Changes}
				spoil(b)
				got, err := results(t, h, w)
				if err == nil && got["create /d/s"].Result != plan.ResultFailed {
					t.Errorf("it went well: %+v", got)
				}
				if left := b.holding(canary, ""); len(left) > 0 {
					t.Errorf("%v %v: left in %v", err, got, left)
				}
			})
		})
	}
}
