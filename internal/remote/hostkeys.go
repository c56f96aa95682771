package remote

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

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
	if len(ep.pinned) > 0 {
		return pinnedCallback(ep)
	}
	if k.db == nil {
		return func(_ string, _ net.Addr, key ssh.PublicKey) error { return unknownKey(ep, key) }, nil
	}
	check := k.db.HostKeyCallback()
	return func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		err := check(hostname, remote, key)
		switch {
		case err == nil:
			return nil
		case knownhosts.IsHostKeyChanged(err):
			return wrongKey(ep, key, "known_hosts has another key for it")
		case knownhosts.IsHostUnknown(err):
			return unknownKey(ep, key)
		default:
			return &Error{Outcome: mesh.WrongHostKey, Host: ep.name, Err: err, Msg: fmt.Sprintf("%s: %v", ep.addr, err)}
		}
	}, k.db.HostKeyAlgorithms(ep.addr)
}

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
