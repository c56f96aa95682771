package main

import (
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
		before, err := term.GetState(fd)
		if err != nil {
			return nil, fmt.Errorf("ask for the passphrase of %s: %w", file, err)
		}
		fmt.Fprintf(e.stderr, "passphrase of the key file %s (not shown; Enter to go on without it): ", file)
		type answer struct {
			word []byte
			err  error
		}
		given := make(chan answer, 1)
		go func() {
			word, err := term.ReadPassword(fd)
			given <- answer{word, err}
		}()
		select {
		case a := <-given:
			fmt.Fprintln(e.stderr)
			if errors.Is(a.err, io.EOF) {
				return nil, nil
			}
			return a.word, a.err
		case <-e.stop:
			// Reading goes on until the process ends, and what is typed must be seen again.
			_ = term.Restore(fd, before)
			fmt.Fprintln(e.stderr)
			return nil, interrupted(e)
		}
	}
}
