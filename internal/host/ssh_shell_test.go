package host

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// One shell takes all scripts of a connection. Nothing of one is left to the next one, and what becomes
// of the shell, or how a script ends, the next one does not feel.
func TestScriptsOfOneConnectionKnowNothingOfEachOther(t *testing.T) {
	t.Parallel()
	s := newOpenSSH(t, newBox(t))
	c, err := s.dial(s.options(), s.spec())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	run := func(script, out, says string, exit int) string {
		t.Helper()
		r, err := c.Run(context.Background(), "/bin/sh -s", strings.NewReader(script), 1<<20, nil)
		if err != nil || !strings.HasPrefix(string(r.Stdout), out) || !strings.Contains(r.Stderr, says) || r.Exit != exit {
			t.Errorf("%q: %v %q %q %d", script, err, r.Stdout, r.Stderr, r.Exit)
		}
		return string(r.Stdout)
	}
	shell := run("echo $$", "", "", 0)
	run("x=1; f() { :; }; cd /proc; umask 077; exec 9</proc/version; echo no line end | tr -d '\\n'", "no line end", "", 0)
	run("echo \"<${x-}>$(umask)\"; f 2>/dev/null || echo gone; [ -e /proc/self/fd/9 ] || echo closed", "<>0022\ngone\nclosed\n", "", 0)
	if again := run("echo $$", "", "", 0); again != shell {
		t.Errorf("shell %q was followed by %q", shell, again)
	}
	run("exit 0; echo never", "", "", 0)
	run("echo said; echo why >&2; exit 7", "said\n", "why", 7)
	run("kill -9 $$", "", "", 255)
	if r, err := c.Run(context.Background(), "id -u; echo x", strings.NewReader(""), 1<<20, nil); err != nil || !strings.HasSuffix(string(r.Stdout), "x\n") {
		t.Errorf("beside the shell: %v %q", err, r.Stdout)
	}
	run("echo alive", "alive\n", "", 0)
}

// What /etc/environment or a profile exports reaches scripts: options of bash, and how GNU's programs read theirs.
func TestScriptsStandWhatAnEnvironmentSets(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash on this machine")
	}
	for _, env := range []string{"SHELLOPTS=errexit", "SHELLOPTS=noclobber", "SHELLOPTS=nounset", "POSIXLY_CORRECT=1"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			shell := fmt.Sprintf(`ForceCommand case "$SSH_ORIGINAL_COMMAND" in "/bin/sh -s") exec env %s bash --posix -s;; *) exec sh -c "$SSH_ORIGINAL_COMMAND";; esac`, env)
			if err := newOpenSSH(t, b, shell).works(b); err != nil {
				t.Error(err)
			}
		})
	}
}

// A context that ends right before a script, or as it begins, ends it: a session that is asked for while the
// connection goes is never answered.
func TestAScriptThatIsGivenUpAtItsBeginEnds(t *testing.T) {
	t.Parallel()
	s := newOpenSSH(t, newBox(t))
	for range 40 {
		c := connected(t, s.options(), s.spec())
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		if _, err := c.Run(ctx, "/bin/sh -s", strings.NewReader("sleep 60"), 1<<20, nil); err == nil {
			t.Error("it ended well")
		}
		_ = c.Close()
	}
}
