package host

import (
	"path/filepath"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// issued is a key with a certificate by an authority that the server trusts.
type issued struct {
	*openSSH
	key, cert string // files
}

// newIssued starts a server that accepts certificates only; how says how one is signed.
func newIssued(t *testing.T, kind string, how ...string) issued {
	t.Helper()
	dir := t.TempDir()
	ca, key := filepath.Join(dir, "ca"), filepath.Join(dir, "key")
	pair(t, ca, "")
	keygen(t, "-t", kind, "-b", "2048", "-C", "", "-N", "", "-f", key)
	keygen(t, append(append([]string{"-s", ca, "-I", "somebody", "-n", "root"}, how...), key+".pub")...)
	s := newOpenSSH(t, newBox(t), "TrustedUserCAKeys "+ca+".pub")
	s.authorize("")
	return issued{s, key, key + "-cert.pub"}
}

func certificateSituations() []situation {
	return []situation{
		{"a user certificate beside the key", mesh.OK, nil, func(t *testing.T) error {
			x := newIssued(t, "ed25519")
			return connects(t, with(func(o *remote.Options) { o.IdentityFiles = []string{x.key} }), x.spec())
		}},
		{"a user certificate of an RSA key", mesh.OK, nil, func(t *testing.T) error {
			x := newIssued(t, "rsa")
			return connects(t, with(func(o *remote.Options) { o.IdentityFiles = []string{x.key} }), x.spec())
		}},
		{"CertificateFile, and the key in the agent", mesh.OK, nil, func(t *testing.T) error {
			x, socket := newIssued(t, "ed25519"), startAgent(t)
			moved := written(t, "elsewhere-cert.pub", read(t, x.cert)+"\n")
			alone := written(t, "alone", read(t, x.key)+"\n")
			sshAdd(t, socket, alone)
			config := written(t, "config", "Host *\n  CertificateFile "+moved+"\n")
			return connects(t, with(func(o *remote.Options) { o.AgentSocket, o.ConfigFile = socket, config }), x.spec())
		}},
		{"a certificate that the agent holds", mesh.OK, nil, func(t *testing.T) error {
			x, socket := newIssued(t, "rsa"), startAgent(t)
			sshAdd(t, socket, x.key)
			return connects(t, with(func(o *remote.Options) { o.AgentSocket = socket }), x.spec())
		}},
		{"a certificate of a key with a passphrase, on a terminal", mesh.OK, nil, func(t *testing.T) error {
			x := newIssued(t, "ed25519")
			keygen(t, "-p", "-a", "1", "-P", "", "-N", "secret", "-f", x.key)
			return unlocked(t, with(func(o *remote.Options) {
				o.IdentityFiles = []string{x.key}
				o.Passphrase = func(string) ([]byte, error) { return []byte("secret"), nil }
			}), x.spec())
		}},
		{"a user certificate that expired", mesh.AuthRefused, []string{"accepts none of our keys", "key-cert.pub expired"}, func(t *testing.T) error {
			x := newIssued(t, "ed25519", "-V", "20200101:20200102")
			return connects(t, with(func(o *remote.Options) { o.IdentityFiles = []string{x.key} }), x.spec())
		}},
		{"a user certificate for another user", mesh.AuthRefused, []string{"accepts none of our keys", "key-cert.pub is for web"}, func(t *testing.T) error {
			x := newIssued(t, "ed25519", "-n", "web")
			return connects(t, with(func(o *remote.Options) { o.IdentityFiles = []string{x.key} }), x.spec())
		}},
	}
}
