package remote

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"meshsync.dev/meshsync/internal/mesh"
)

// knownKeys verifies host keys: against those that the mesh pins, else against
// known_hosts. There is no way to skip it.
type knownKeys struct{ db *knownhosts.HostKeyDB }

func readKnownHosts(files []string) (*knownKeys, error) {
	var there []string
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			there = append(there, f)
		}
	}
	if len(there) == 0 {
		return &knownKeys{}, nil
	}
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return nil, fmt.Errorf("known_hosts: %w", err)
	}
	return &knownKeys{db: db}, nil
}

// forHost returns how to verify the host and which key types to ask it for: without
// the latter a server may offer a key of a type that is not known of it.
func (k *knownKeys) forHost(ep endpoint) (ssh.HostKeyCallback, []string) {
	check, algorithms := k.unlessRevoked(ep)
	return func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		if err := k.revoked(ep, hostname, remote, key); err != nil {
			return err
		}
		return check(hostname, remote, key)
	}, algorithms
}

func (k *knownKeys) unlessRevoked(ep endpoint) (ssh.HostKeyCallback, []string) {
	if len(ep.pinned) > 0 {
		return pinnedCallback(ep)
	}
	if k.db == nil {
		return func(_ string, _ net.Addr, key ssh.PublicKey) error { return unknownKey(ep, key) }, plainAlgorithms()
	}
	algorithms := k.db.HostKeyAlgorithms(ep.addr)
	if len(algorithms) == 0 {
		// Nobody vouches for its certificate: the key itself is what can be compared and added.
		algorithms = plainAlgorithms()
	}
	check := k.db.HostKeyCallback()
	return func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		err := check(hostname, remote, key)
		_, certified := key.(*ssh.Certificate)
		switch {
		case err == nil:
			return nil
		case knownhosts.IsHostKeyChanged(err):
			return wrongKey(ep, key, "known_hosts has another key for it")
		case knownhosts.IsHostUnknown(err):
			return unknownKey(ep, key)
		case certified:
			return &Error{
				Outcome: mesh.WrongHostKey, Host: ep.name, Err: err,
				Msg:  fmt.Sprintf("%s shows a host certificate that does not hold (%s)", ep.addr, strings.TrimPrefix(err.Error(), "ssh: ")),
				Hint: "its authority has to issue another one, for the address in the mesh (ssh-keygen -L shows what is in it)",
			}
		default:
			return &Error{Outcome: mesh.WrongHostKey, Host: ep.name, Err: err, Msg: fmt.Sprintf("%s: %v", ep.addr, err)}
		}
	}, algorithms
}

// noting keeps the first key that passes the check: that of the handshake. A later exchange
// of keys on the same connection may run beside whoever reads it.
func noting(first *mesh.HostKey, check ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		err := check(hostname, remote, key)
		if err == nil && *first == "" {
			*first = named(key)
		}
		return err
	}
}

// named is a key by its type and fingerprint; of a certificate, the key that it certifies.
func named(key ssh.PublicKey) mesh.HostKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	return mesh.HostKey(key.Type() + " " + ssh.FingerprintSHA256(key))
}

// revoked refuses what known_hosts revokes: the key, or the authority of its certificate.
// It goes before all else, what the mesh pins included.
func (k *knownKeys) revoked(ep endpoint, hostname string, remote net.Addr, key ssh.PublicKey) error {
	if k.db == nil {
		return nil
	}
	check := k.db.HostKeyCallback()
	refuse := func(key ssh.PublicKey, what string) error {
		var e *xknownhosts.RevokedError
		if !errors.As(check(hostname, remote, key), &e) {
			return nil
		}
		return &Error{
			Outcome: mesh.WrongHostKey, Host: ep.name, Err: e,
			Msg:  fmt.Sprintf("%s shows %s %s, which known_hosts revokes (%s:%d)", ep.addr, what, ssh.FingerprintSHA256(key), e.Revoked.Filename, e.Revoked.Line),
			Hint: "whoever has that key may be anybody: find out who answers there, and give the host a new key",
		}
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return refuse(key, "the host key")
	}
	if err := refuse(cert.Key, "the host key"); err != nil {
		return err
	}
	return refuse(cert.SignatureKey, "a certificate by the authority")
}

// plainAlgorithms are those of keys without certificates.
func plainAlgorithms() []string {
	return slices.DeleteFunc(ssh.SupportedAlgorithms().HostKeys, isCertAlgorithm)
}

func isCertAlgorithm(name string) bool { return strings.Contains(name, "-cert-v01@") }

func pinnedCallback(ep endpoint) (ssh.HostKeyCallback, []string) {
	var keys []ssh.PublicKey
	var algorithms []string
	for _, line := range ep.pinned {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			bad := &Error{Outcome: mesh.WrongHostKey, Host: ep.name, Err: err, Msg: "a host key pinned in the mesh is no key: " + line}
			return func(string, net.Addr, ssh.PublicKey) error { return bad }, nil
		}
		keys = append(keys, key)
		algorithms = append(algorithms, algorithmsOf(key)...)
	}
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		for _, k := range keys {
			if bytes.Equal(k.Marshal(), key.Marshal()) {
				return nil
			}
		}
		return wrongKey(ep, key, "the mesh pins another key for it")
	}, algorithms
}

// algorithmsOf lists the signature algorithms that a key can be verified with.
func algorithmsOf(key ssh.PublicKey) []string {
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{key.Type()}
}

func wrongKey(ep endpoint, key ssh.PublicKey, why string) *Error {
	return &Error{
		Outcome: mesh.WrongHostKey, Host: ep.name,
		Msg:  fmt.Sprintf("%s has the host key %s, and %s", ep.addr, ssh.FingerprintSHA256(key), why),
		Hint: "either the host was reinstalled, or this is another machine: find out before you change the known key",
	}
}

func unknownKey(ep endpoint, key ssh.PublicKey) *Error {
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	return &Error{
		Outcome: mesh.UnknownHostKey, Host: ep.name,
		Msg:  fmt.Sprintf("the host key of %s is not known (%s)", ep.addr, ssh.FingerprintSHA256(key)),
		Hint: fmt.Sprintf("compare it on the host, then add to known_hosts: %s %s", knownhosts.Normalize(ep.addr), line),
	}
}

// noCommonKey says that the host has no key of the types that are known of it.
func noCommonKey(ep endpoint, asked []string, err error) *Error {
	e := &Error{
		Outcome: mesh.WrongHostKey, Host: ep.name, Err: err,
		Msg:  fmt.Sprintf("%s offers no host key of the types that are known of it", ep.addr),
		Hint: "compare its keys on the host itself (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub)",
	}
	if !slices.ContainsFunc(asked, func(a string) bool { return !isCertAlgorithm(a) }) {
		e.Msg = fmt.Sprintf("%s shows no host certificate, and an authority is all that known_hosts has for it (@cert-authority)", ep.addr)
		e.Hint = "have the authority certify its key (HostCertificate in sshd_config), or compare the key on the host and add it to known_hosts"
	}
	return e
}
