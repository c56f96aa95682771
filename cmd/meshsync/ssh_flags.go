package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"meshsync.dev/meshsync/internal/remote"
)

// sshFlags say how hosts are reached beyond what the mesh and ssh_config say.
type sshFlags struct {
	user       string
	identities []string
	knownHosts []string
	config     string
}

func (s *sshFlags) register(f *pflag.FlagSet) {
	f.StringVar(&s.user, "ssh-user", "", "user for hosts for which neither the mesh nor ssh_config names one")
	f.StringArrayVarP(&s.identities, "identity", "i", nil, "private key `FILE` (repeatable; default: the agent, then ssh_config's and ~/.ssh/id_*)")
	f.StringArrayVar(&s.knownHosts, "known-hosts", nil, "known_hosts `FILE` (repeatable; default ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts)")
	f.StringVar(&s.config, "ssh-config", "", "ssh_config `FILE` (default ~/.ssh/config)")
}

// registerNoSudo adds the flag of the commands that only read.
func registerNoSudo(f *pflag.FlagSet, noSudo *bool) {
	f.BoolVar(noSudo, "no-sudo", false, "read hosts as the plain user; what that user may not read is unknown")
}

// check refuses files that were named and are not there; the default ones may be missing.
func (s *sshFlags) check() error {
	named := append(append([]string{}, s.identities...), s.knownHosts...)
	if s.config != "" {
		named = append(named, s.config)
	}
	for _, f := range named {
		if info, err := os.Stat(f); err != nil || info.IsDir() {
			return usage("there is no file %s, which is named for SSH", f)
		}
	}
	return nil
}

// options are what remote needs; nothing there reads the environment.
func (s *sshFlags) options(e *environment, timeout time.Duration) remote.Options {
	home := e.getenv("HOME")
	o := remote.Options{
		User: s.user, IdentityFiles: s.identities, KnownHosts: s.knownHosts, ConfigFile: s.config,
		AgentSocket: e.getenv("SSH_AUTH_SOCK"), Home: home, LocalUser: e.getenv("USER"), Timeout: min(timeout, 15*time.Second),
		Passphrase: askPassphrase(e),
	}
	if home == "" {
		return o
	}
	if len(o.KnownHosts) == 0 {
		o.KnownHosts = []string{filepath.Join(home, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"}
	}
	if o.ConfigFile == "" {
		o.ConfigFile = filepath.Join(home, ".ssh", "config")
	}
	return o
}

// askPassphrase is how a person is asked for the passphrase of a key file. It is nil when
// there is nobody to ask: the answer comes from standard input and the question goes to
// standard error, so both have to be a terminal.
func askPassphrase(e *environment) func(file string) ([]byte, error) {
	in, ok := e.stdin.(*os.File)
	if !ok || !e.stdinTTY || !e.stderrTTY {
		return nil
	}
	return func(file string) ([]byte, error) {
		fd := int(in.Fd())
		before, err := term.MakeRaw(fd) // before the question: who types at once must not see it
		if err != nil {
			return nil, fmt.Errorf("ask for the passphrase of %s: %w", file, err)
		}
		defer func() { _ = term.Restore(fd, before) }()
		keys := &keyboard{in: in}
		given := make(chan answer, 1)
		go func() {
			question := fmt.Sprintf("passphrase of the key file %s (not shown; Enter to go on without it): ", file)
			t := term.NewTerminal(keys.on(e.stderr), "")
			_ = t.SetSize(1<<12, 1) // it leaves it to the terminal to break the line; nothing else can fail
			word, err := t.ReadPassword(question)
			given <- answer{word, err}
		}()
		select {
		case a := <-given:
			switch {
			case keys.interrupted:
				fmt.Fprint(e.stderr, "\r\n")
				return nil, interruption()
			case errors.Is(a.err, io.EOF):
				fmt.Fprint(e.stderr, "\r\n")
				return nil, nil
			}
			return []byte(a.word), a.err
		case <-e.stop: // reading goes on until the process ends
			fmt.Fprint(e.stderr, "\r\n")
			return nil, interruption()
		}
	}
}

type answer struct {
	word string
	err  error
}

// keyboard is a terminal in raw mode, on which Ctrl-C is a key and no signal.
type keyboard struct {
	in          io.Reader
	interrupted bool // Ctrl-C came
}

func (k *keyboard) Read(p []byte) (int, error) {
	n, err := k.in.Read(p)
	k.interrupted = k.interrupted || bytes.IndexByte(p[:n], 3) >= 0
	return n, err
}

// on joins it with what shows the question.
func (k *keyboard) on(screen io.Writer) io.ReadWriter {
	return struct {
		io.Reader
		io.Writer
	}{k, screen}
}
