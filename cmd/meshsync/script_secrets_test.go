package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/rogpeppe/go-internal/testscript"
)

// canaries are the secrets of a script: now is what each source gives, past what it gave.
type canaries struct {
	now  map[string]string
	past []string
}

type canaryKey struct{}

func canariesOf(ts *testscript.TestScript) *canaries {
	c, _ := ts.Value(canaryKey{}).(*canaries)
	return c
}

func (c *canaries) next(name string) string {
	if old := c.now[name]; old != "" {
		c.past = append(c.past, old)
	}
	c.now[name] = "canary-" + name + "-" + rand.Text()
	return c.now[name]
}

// secretCommands are the verbs about secrets:
//
//	seal FILE             make a new secret; its ciphertext replaces @AGE@, or the one before, in FILE
//	variable on|off       make a new secret and put it into $DB_PASSWORD, or take that away
//	printed               make a new secret and put it into $WORK/vault, for a command to print
//	holds HOST PATH NAME  the file on the host is the secret of age, env or command
//	watched CODE CMD…     run a command that must end with CODE, and look for all secrets in what it
//	                      says, and meanwhile in the arguments and environment of every process
//	nowhere               look for all secrets in every file of the script, hosts included
func secretCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"seal": cmdSeal, "variable": cmdVariable, "printed": cmdPrinted, "holds": cmdHolds, "watched": cmdWatched, "nowhere": cmdNowhere,
	}
}

func cmdSeal(ts *testscript.TestScript, _ bool, args []string) {
	id, err := age.GenerateX25519Identity()
	ts.Check(err)
	file := filepath.Join(ts.Getenv("WORK"), "identity")
	ts.Check(os.WriteFile(file, []byte(id.String()+"\n"), 0o600))
	var b bytes.Buffer
	armored := armor.NewWriter(&b)
	w, err := age.Encrypt(armored, id.Recipient())
	ts.Check(err)
	_, err = w.Write([]byte(canariesOf(ts).next("age")))
	ts.Check(errors.Join(err, w.Close(), armored.Close()))
	text := strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", `\n`)
	name := ts.MkAbs(args[0])
	was := ts.ReadFile(name)
	begin := strings.Index(was, "-----BEGIN")
	if begin < 0 {
		was = strings.Replace(was, "@AGE@", text, 1)
	} else {
		end := strings.Index(was[begin:], `"`)
		was = was[:begin] + text + was[begin+end:]
	}
	ts.Check(os.WriteFile(name, []byte(was), 0o600))
}

func cmdVariable(ts *testscript.TestScript, _ bool, args []string) {
	value := ""
	if args[0] == "on" {
		value = canariesOf(ts).next("env")
	}
	ts.Setenv("DB_PASSWORD", value)
}

func cmdPrinted(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("WORK"), "vault"), []byte(canariesOf(ts).next("command")), 0o600))
}

func cmdHolds(ts *testscript.TestScript, neg bool, args []string) {
	data, err := os.ReadFile(filepath.Join(boxOf(ts).Root(args[0]), args[1]))
	if same := err == nil && string(data) == canariesOf(ts).now[args[2]]; same == neg {
		ts.Fatalf("%s on %s: %v; it is the secret: %v", args[1], args[0], err, same)
	}
}

// needles are the forms of secrets, in which they could be found.
func needles(texts ...string) map[string][]byte {
	out := map[string][]byte{}
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text))
		whole := base64.RawStdEncoding.EncodeToString([]byte(text))
		for kind, form := range map[string]string{
			"itself": text, "hex": hex.EncodeToString([]byte(text)), "base64": whole[:len(whole)-2],
			"sha256": hex.EncodeToString(sum[:]), "sha256 base64": base64.StdEncoding.EncodeToString(sum[:]),
		} {
			out[text+" ("+kind+")"] = []byte(form)
		}
	}
	return out
}

func found(in []byte, all map[string][]byte) string {
	for name, form := range all {
		if bytes.Contains(in, form) {
			return name
		}
	}
	return ""
}

func (c *canaries) all() []string {
	out := slices.Clone(c.past)
	for _, text := range c.now {
		out = append(out, text)
	}
	return out
}

func cmdWatched(ts *testscript.TestScript, _ bool, args []string) {
	c := canariesOf(ts)
	done, seen := make(chan struct{}), make(chan sighting)
	go func() { seen <- watch(done, needles(c.all()...), c.now["env"]) }()
	err := ts.Exec(args[1], args[2:]...)
	close(done)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if s := <-seen; s.what != "" || s.rounds == 0 {
		ts.Fatalf("seen in %d rounds over all processes: %s", s.rounds, s.what)
	}
	for _, name := range []string{"stdout", "stderr"} {
		if n := found([]byte(ts.ReadFile(name)), needles(c.all()...)); n != "" {
			ts.Fatalf("%s says %s", name, n)
		}
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it ended with %d, want %s", code, args[0])
	}
}

// sighting is what somebody saw who looks at all processes of the machine.
type sighting struct {
	rounds int
	what   string // where, and which
}

// watch looks at the arguments and environments of all processes until done. The one
// exception is the variable in the environment of meshsync, where the user put it, and of
// the commands that it runs for secrets, which are its children.
func watch(done <-chan struct{}, all map[string][]byte, variable string) sighting {
	var s sighting
	for {
		pids, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range pids {
			args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			before := isTheUsers(dir)
			env, _ := os.ReadFile(filepath.Join(dir, "environ"))
			// It may have become meshsync meanwhile, or have ended.
			if variable != "" && (before || isTheUsers(dir)) {
				env = bytes.ReplaceAll(env, []byte("DB_PASSWORD="+variable+"\x00"), nil)
			}
			for where, data := range map[string][]byte{"cmdline": args, "environ": env} {
				if n := found(data, all); n != "" {
					s.what = dir + "/" + where + " of " + strings.ReplaceAll(string(args), "\x00", " ") + ": " + n
				}
			}
		}
		s.rounds++
		select {
		case <-done:
			return s
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// isTheUsers reports whether a process is meshsync or its child.
func isTheUsers(dir string) bool { return isMeshsync(dir) || isMeshsync(parentOf(dir)) }

func isMeshsync(dir string) bool {
	args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	name, _, _ := strings.Cut(string(args), "\x00")
	return filepath.Base(name) == "meshsync"
}

func parentOf(dir string) string {
	stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
	_, rest, _ := strings.Cut(string(stat), ") ")
	if f := strings.Fields(rest); len(f) > 1 {
		return filepath.Join("/proc", f[1])
	}
	return dir
}

// cmdNowhere searches all that the script's commands wrote: outputs, journals, snapshots,
// the repository, and the hosts with their records. A secret of now may be where it belongs.
func cmdNowhere(ts *testscript.TestScript, _ bool, _ []string) {
	c := canariesOf(ts)
	work := ts.Getenv("WORK")
	files := 0
	ts.Check(filepath.WalkDir(work, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			if errors.Is(err, fs.ErrNotExist) {
				err = nil // a service of the sandbox goes on working
			}
			return err
		}
		files++
		own := map[string]string{filepath.Join(work, "vault"): "command"}[name]
		if dir, base := filepath.Split(name); strings.HasSuffix(dir, "/etc/logshipper/") {
			own = base
		}
		data, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if own != "" && string(data) == c.now[own] {
			return nil
		}
		if n := found(data, needles(c.all()...)); n != "" {
			ts.Fatalf("%s holds %s", name, n)
		}
		return nil
	}))
	if files < 50 {
		ts.Fatalf("%d files are not all", files)
	}
}

// A watch that sees nothing shows nothing.
func TestTheWatchSeesArgumentsAndEnvironments(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*exec.Cmd){
		"arguments":   func(c *exec.Cmd) { c.Args = append(c.Args, "canary-seen") },
		"environment": func(c *exec.Cmd) { c.Env = []string{"X=canary-seen"} },
	} {
		cmd := exec.Command("sh", "-c", "read x", "sh")
		start(cmd)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		close(done)
		if s := watch(done, needles("canary-seen"), ""); s.what == "" {
			t.Errorf("%s: not seen", name)
		}
		_ = in.Close()
		_ = cmd.Wait()
	}
}
