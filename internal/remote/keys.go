package remote

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

// keyFile is what a file says of a key. What is in it is guarded by Pool.mu.
type keyFile struct {
	name   string
	pub    ssh.PublicKey // nil when the file tells it only to who has the passphrase
	signer ssh.Signer    // nil: it has a passphrase, or the key itself is not in the file
	locked []byte        // the file, when it has a passphrase
	asked  bool          // for the passphrase
	why    string        // why there is no signer, and what to do
}

// keyFile reads a key file once.
func (p *Pool) keyFile(name string) (*keyFile, error) {
	if k, ok := p.files[name]; ok {
		return k, nil
	}
	k, err := readKey(name)
	if err != nil {
		return nil, err
	}
	if k.locked != nil {
		why := "and nobody named it, so it was not asked for (-i names it)"
		if p.o.Passphrase == nil {
			why = "and there is no terminal to ask for it"
		}
		k.why = fmt.Sprintf("the key file %s has a passphrase, %s: ssh-add %s", name, why, name)
	}
	p.files[name] = k
	return k, nil
}

// readKey reads a private key, or, where it is kept elsewhere, the public one: an agent
// or a token may have the other half.
func readKey(name string) (*keyFile, error) {
	k := &keyFile{name: name}
	data, err := os.ReadFile(name)
	beside := readPublic(name + ".pub")
	if os.IsNotExist(err) && beside != nil {
		k.pub, k.why = beside, fmt.Sprintf("of the key %s there is only the public half, and the agent does not hold it", name)
		return k, nil
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	k.signer, err = ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		k.pub = k.signer.PublicKey()
	case errors.As(err, &locked):
		k.locked, k.pub = data, locked.PublicKey
		if k.pub == nil {
			k.pub = beside
		}
	default:
		if k.pub = parsePublic(data); k.pub == nil {
			k.pub = beside
		}
		if k.pub == nil {
			return nil, fmt.Errorf("key file %s is no private key that SSH knows: %w", name, err)
		}
		k.why = fmt.Sprintf("%s is no private key that can be used here, and the agent does not hold it", name)
	}
	return k, nil
}

// readPublic reads a line of a public key or certificate; nil when there is none.
func readPublic(name string) ssh.PublicKey {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return parsePublic(data)
}

func parsePublic(data []byte) ssh.PublicKey {
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return key
}

// lockedSigner is a key that the host is told of and that cannot sign. Only when the host
// would accept it, it matters that it is locked.
type lockedSigner struct {
	pub ssh.PublicKey
	why string
}

func (s lockedSigner) PublicKey() ssh.PublicKey { return s.pub }

func (s lockedSigner) Sign(io.Reader, []byte) (*ssh.Signature, error) {
	return nil, &Error{Outcome: mesh.AuthRefused, Msg: s.why}
}

// SignWithAlgorithm makes RSA keys known for more than SHA-1, which servers refuse.
func (s lockedSigner) SignWithAlgorithm(io.Reader, []byte, string) (*ssh.Signature, error) {
	return s.Sign(nil, nil)
}

// keyError says that a key of ours is at fault, and not the host.
func keyError(ep endpoint, err error) *Error {
	return &Error{Outcome: mesh.AuthRefused, Host: ep.name, Err: err, Msg: err.Error()}
}
