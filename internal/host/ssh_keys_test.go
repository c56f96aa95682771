package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// locked makes a key with the passphrase "secret" that the server accepts.
func (s *openSSH) locked(more ...string) string {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "locked")
	s.authorize(pair(s.t, file, "secret", more...))
	return file
}

// crowd fills an agent with more keys than sshd lets one try.
func crowd(t *testing.T, socket string) {
	t.Helper()
	for i := range 8 {
		file := filepath.Join(t.TempDir(), fmt.Sprint("key", i))
		newKey(t, file)
		sshAdd(t, socket, file)
	}
}

func keySituations() []situation {
	return []situation{
		{"a key that the agent holds", mesh.OK, nil, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			sshAdd(t, socket, s.identity)
			return connects(t, with(func(o *remote.Options) { o.AgentSocket = socket }), s.spec())
		}},
		{"an agent that does not answer", mesh.AuthRefused, []string{"accepts none of our keys for the user root", "the agent at ", "does not answer"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			return connects(t, with(func(o *remote.Options) { o.AgentSocket = filepath.Join(s.dir, "gone") }), s.spec())
		}},
		{"an agent that is empty or locked", mesh.AuthRefused, []string{"the agent at ", "holds no key"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			return connects(t, with(func(o *remote.Options) { o.AgentSocket = startAgent(t) }), s.spec())
		}},
		{"a host that takes no keys at all", mesh.AuthRefused, []string{"takes no keys", "PubkeyAuthentication"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "PubkeyAuthentication no", "PasswordAuthentication yes")
			return connects(t, s.options(), s.spec())
		}},
		{"a host that wants more than a key", mesh.AuthRefused, []string{"accepts our key", "wants more", "AuthenticationMethods"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "AuthenticationMethods publickey,password", "PasswordAuthentication yes")
			return connects(t, s.options(), s.spec())
		}},
		{"a key with a passphrase, on a terminal", mesh.OK, nil, passphraseOnce},
		{"a key with a passphrase, and no terminal", mesh.AuthRefused, []string{"locked has a passphrase", "no terminal", "ssh-add "}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			file := s.locked()
			err := connects(t, with(func(o *remote.Options) { o.IdentityFiles = []string{file} }), s.spec())
			if err == nil || !strings.Contains(err.Error(), "ssh-add "+file) {
				t.Errorf("the key is not named: %v", err)
			}
			return err
		}},
		{"a key with a passphrase in the old format, and no terminal", mesh.AuthRefused, []string{"locked has a passphrase", "ssh-add "}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			file := s.locked("-m", "PEM", "-t", "rsa", "-b", "2048")
			if err := os.Remove(file + ".pub"); err != nil {
				t.Fatal(err)
			}
			return connects(t, with(func(o *remote.Options) { o.IdentityFiles = []string{file} }), s.spec())
		}},
		{"a key with a passphrase in the old format, on a terminal", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			file := s.locked("-m", "PEM", "-t", "rsa", "-b", "2048")
			if err := os.Remove(file + ".pub"); err != nil {
				t.Fatal(err)
			}
			return unlocked(t, with(func(o *remote.Options) {
				o.IdentityFiles = []string{file}
				o.Passphrase = func(string) ([]byte, error) { return []byte("secret"), nil }
			}), s.spec())
		}},
		{"a key of a jump host with a passphrase, on a terminal", mesh.OK, nil, func(t *testing.T) error {
			x := newSite(t, 2)
			x.servers[0].identity = x.servers[0].locked()
			o := x.options()
			o.Passphrase = func(string) ([]byte, error) { return []byte("secret"), nil }
			return unlocked(t, o, mesh.HostSpec{Name: "h", Address: "s1", ProxyJump: "s0"})
		}},
		{"a passphrase that is wrong", mesh.AuthRefused, []string{"does not open the key file", "ssh-add "}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			asked := 0
			o := with(func(o *remote.Options) {
				o.IdentityFiles = []string{s.locked()}
				o.Passphrase = func(string) ([]byte, error) { asked++; return []byte("guess"), nil }
			})
			err := unlocked(t, o, s.spec())
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
			return err
		}},
		{"a key with a passphrase that the agent holds", mesh.OK, nil, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			file := s.locked()
			open := filepath.Join(s.dir, "open")
			put(t, open, read(t, file)+"\n")
			keygen(t, "-p", "-a", "1", "-P", "secret", "-N", "", "-f", open)
			sshAdd(t, socket, open)
			config := written(t, "config", "Host 127.0.0.1\n  IdentityFile "+file+"\n")
			return unlocked(t, with(func(o *remote.Options) {
				o.AgentSocket, o.ConfigFile = socket, config
				o.Passphrase = func(f string) ([]byte, error) { t.Errorf("asked for %s", f); return nil, nil }
			}), s.spec())
		}},
		{"a default key with a passphrase, beside one that works", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			home := t.TempDir()
			if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
				t.Fatal(err)
			}
			line := pair(t, filepath.Join(home, ".ssh", "id_rsa"), "secret", "-t", "rsa", "-b", "2048")
			s.authorize(line, s.user)
			put(t, filepath.Join(home, ".ssh", "id_ed25519"), read(t, s.identity)+"\n")
			return unlocked(t, with(func(o *remote.Options) {
				o.Home = home
				o.Passphrase = func(f string) ([]byte, error) { t.Errorf("asked for %s", f); return nil, nil }
			}), s.spec())
		}},
		{"a public key file that names a key of the agent", mesh.OK, nil, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			crowd(t, socket)
			sshAdd(t, socket, s.identity)
			public := written(t, "id.pub", s.user+"\n")
			config := written(t, "config", "Host *\n  IdentitiesOnly yes\n  IdentityFile "+public+"\n")
			return connects(t, with(func(o *remote.Options) { o.AgentSocket, o.ConfigFile = socket, config }), s.spec())
		}},
		{"more keys in the agent than the host lets one try", mesh.AuthRefused, []string{"too many keys", "IdentitiesOnly"}, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			crowd(t, socket)
			sshAdd(t, socket, s.identity)
			return connects(t, with(func(o *remote.Options) { o.AgentSocket = socket }), s.spec())
		}},
		{"IdentitiesOnly beside a full agent", mesh.OK, nil, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			crowd(t, socket)
			config := written(t, "config", fmt.Sprintf("Host *\n  IdentitiesOnly yes\n  IdentityFile %s\n", s.identity))
			return connects(t, with(func(o *remote.Options) { o.AgentSocket, o.ConfigFile = socket, config }), s.spec())
		}},
		{"IdentitiesOnly without the key that the host accepts", mesh.AuthRefused, []string{"accepts none of our keys"}, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			sshAdd(t, socket, s.identity)
			config := written(t, "config", fmt.Sprintf("Host *\n  IdentitiesOnly yes\n  IdentityFile %s\n", s.other))
			return connects(t, with(func(o *remote.Options) { o.AgentSocket, o.ConfigFile = socket, config }), s.spec())
		}},
		{"IdentityAgent", mesh.OK, nil, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			sshAdd(t, socket, s.identity)
			config := written(t, "config", fmt.Sprintf("Host *\n  IdentityAgent \"%s\"\n", socket))
			return connects(t, with(func(o *remote.Options) { o.ConfigFile = config; o.AgentSocket = startAgent(t) }), s.spec())
		}},
		{"IdentityAgent none", mesh.AuthRefused, []string{"accepts none of our keys"}, func(t *testing.T) error {
			s, socket := newOpenSSH(t, newBox(t)), startAgent(t)
			sshAdd(t, socket, s.identity)
			config := written(t, "config", "Host *\n  IdentityAgent none\n")
			return connects(t, with(func(o *remote.Options) { o.ConfigFile, o.AgentSocket = config, socket }), s.spec())
		}},
	}
}

// unlocked connects after the main flow asked for passphrases.
func unlocked(t *testing.T, o remote.Options, h mesh.HostSpec) error {
	t.Helper()
	p, err := remote.NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Unlock([]mesh.HostSpec{h}); err != nil {
		t.Fatal(err)
	}
	return connectsIn(t, p, h)
}

// passphraseOnce has many hosts behind one key: it is asked for before any is dialled, once.
func passphraseOnce(t *testing.T) error {
	s := newOpenSSH(t, newBox(t))
	file := s.locked()
	asked := 0
	p, err := remote.NewPool(with(func(o *remote.Options) {
		o.IdentityFiles = []string{file}
		o.Passphrase = func(f string) ([]byte, error) {
			asked++
			if f != file {
				t.Errorf("asked for %s", f)
			}
			return []byte("secret"), nil
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	hosts := []mesh.HostSpec{s.spec(), s.spec(), s.spec()}
	for range 2 {
		if err := p.Unlock(hosts); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times before the hosts are dialled", asked)
	}
	errs := make([]error, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() { errs[i] = connectsIn(t, p, h) })
	}
	all.Wait()
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	return errors.Join(errs...)
}
