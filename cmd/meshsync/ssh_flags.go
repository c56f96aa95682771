package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

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
