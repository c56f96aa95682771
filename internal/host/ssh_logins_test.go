package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// works looks at a host and changes it, whatever stands between the login and the script.
func (s *openSSH) works(b *box) error {
	b.put("/d/f", "old\n")
	b.dialer = s.dialer(s.options())
	want := []mesh.Resource{file("/d/f", "new\n")}
	if err := looks(s.t, b.dialer, want); err != nil {
		return err
	}
	works(s.t, b, want)
	if got := b.get("/d/f"); got != "new\n" {
		s.t.Errorf("the file is %q", got)
	}
	return nil
}

// looks observes the host; an outcome that is not ok is an error.
func looks(t *testing.T, d Dialer, want []mesh.Resource) error {
	t.Helper()
	h := New(Options{Mesh: "prod", Name: "h", Resources: want, Dialer: d, Timeout: time.Minute})
	defer h.Close()
	st := h.Observe(context.Background())
	if st.Outcome != mesh.OK {
		if len(st.Absent)+len(st.Resources) > 0 {
			t.Errorf("something was seen on a host that could not be looked at: %+v", st)
		}
		return &remote.Error{Outcome: st.Outcome, Msg: st.Message}
	}
	if len(st.Absent)+len(st.Unknown) > 0 {
		t.Errorf("%+v", st)
	}
	return nil
}

func loginSituations() []situation {
	return []situation{
		{"a banner before the login", mesh.OK, nil, func(t *testing.T) error {
			b := newBox(t)
			return newOpenSSH(t, b, "Banner "+written(t, "banner", strings.Repeat("Authorised use only.\n", 200))).works(b)
		}},
		{"a shell that prints on login", mesh.OK, nil, func(t *testing.T) error {
			b, home := newBox(t), t.TempDir()
			// Bash reads it whenever sshd starts it. The last line has no end.
			put(t, filepath.Join(home, ".bashrc"), "echo Welcome; echo careful >&2; seq 1 20000; printf 'load: '\n")
			s := newOpenSSH(t, b, fmt.Sprintf("SetEnv HOME=%s MESHSYNC_ROOT=%s PATH=%s:/usr/bin:/bin", home, b.root, b.bin))
			c := connected(t, s.options(), s.spec())
			if r, err := c.Run(context.Background(), "/bin/sh -c 'echo $HOME'", strings.NewReader(""), 1<<20, nil); err != nil || string(r.Stdout) != home+"\n" {
				t.Errorf("%v %.100q", err, r.Stdout)
			}
			return s.works(b)
		}},
		{"a shell that prints when it ends", mesh.OK, nil, func(t *testing.T) error {
			b, home := newBox(t), t.TempDir()
			put(t, filepath.Join(home, ".bashrc"), "trap 'echo bye; echo 0000 -' EXIT\n")
			s := newOpenSSH(t, b, fmt.Sprintf("SetEnv HOME=%s MESHSYNC_ROOT=%s PATH=%s:/usr/bin:/bin", home, b.root, b.bin))
			c := connected(t, s.options(), s.spec())
			if r, err := c.Run(context.Background(), "/bin/sh -c 'echo ours'", strings.NewReader(""), 1<<20, nil); err != nil || string(r.Stdout) != "ours\nbye\n0000 -\n" {
				t.Errorf("%v %.100q", err, r.Stdout)
			}
			return s.works(b)
		}},
		{"a forced command that prints and then runs ours", mesh.OK, nil, func(t *testing.T) error {
			b := newBox(t)
			return newOpenSSH(t, b, `ForceCommand echo This session is recorded.; exec sh -c "$SSH_ORIGINAL_COMMAND"`).works(b)
		}},
		{"a forced command in place of ours", mesh.ScriptFailed, []string{"did not run our script", "Only backups here.", "ForceCommand"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), `ForceCommand echo "Only backups here. ($SSH_ORIGINAL_COMMAND)"`)
			return looks(t, s.dialer(s.options()), nil)
		}},
		{"a forced command that reads all that is sent", mesh.ScriptFailed, []string{"did not run our script", "Only backups here.", "ForceCommand"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), `ForceCommand cat >/dev/null; echo "Only backups here."`)
			return looks(t, s.dialer(s.options()), nil)
		}},
		{"a forced command that prints all that is sent", mesh.ScriptFailed, []string{"did not run our script", "ForceCommand"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "ForceCommand cat")
			return looks(t, s.dialer(s.options()), nil)
		}},
		{"a key with a forced command", mesh.ScriptFailed, []string{"did not run our script", "status 3", "command="}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			s.authorize(`command="exit 3" ` + s.user)
			return looks(t, s.dialer(s.options()), nil)
		}},
		{"an account whose shell refuses", mesh.ScriptFailed, []string{"did not run our script", "This account is currently not available.", "a shell that refuses"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "ForceCommand /usr/sbin/nologin")
			return looks(t, s.dialer(s.options()), nil)
		}},
		{"sudo that wants a terminal", mesh.NoSudo, []string{"requiretty", "!requiretty"}, func(t *testing.T) error {
			b := newBox(t)
			// What sudo does under Defaults requiretty, in its own words.
			stub := "#!/bin/sh\n[ -t 0 ] || { echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; }\n"
			if err := os.WriteFile(filepath.Join(b.bin, "sudo"), []byte(stub), 0o755); err != nil {
				t.Fatal(err)
			}
			s := newOpenSSH(t, b)
			return looks(t, ops{s.dialer(s.options())}, nil)
		}},
		{"sudo that wants a password", mesh.NoSudo, []string{"a password is required", "doctor --sudoers", "out of sudo's logs"}, func(t *testing.T) error {
			b := newBox(t)
			stub := "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n"
			if err := os.WriteFile(filepath.Join(b.bin, "sudo"), []byte(stub), 0o755); err != nil {
				t.Fatal(err)
			}
			s := newOpenSSH(t, b)
			return looks(t, ops{s.dialer(s.options())}, nil)
		}},
	}
}
