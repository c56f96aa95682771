package config

import (
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// verifyKey holds a file that is declared as an OpenPGP public key to its fingerprint:
// whoever holds the key of a package source can install anything.
func (l *loader) verifyKey(host, role, field, name string, origin mesh.Pos, d primitive.Declared) {
	if d.Fingerprint == "" || d.Text == nil && d.Secret == nil {
		return
	}
	var got []string
	var err error
	if d.Secret == nil {
		got, err = fingerprints(*d.Text)
	}
	e := Error{Pos: origin, Rule: "key", Hint: "compare it with the one that its owner publishes, by another way than the key came"}
	if p := l.yieldPosition([]string{"out", host, role, "yield", field, name}); !p.IsZero() {
		e.Pos = p
	}
	switch {
	case d.Secret != nil:
		e.Msg, e.Hint = fmt.Sprintf("%s is a secret with the fingerprint of a public key, which nobody could verify before it is applied", name), "a public key is no secret: write it as content"
	case err != nil:
		e.Msg, e.Hint = fmt.Sprintf("the content of %s is no OpenPGP public key: %v", name, err), "export it by gpg --armor --export"
	case len(got) != 1:
		e.Msg = fmt.Sprintf("%s holds %d keys, and its fingerprint is that of one: %s", name, len(got), strings.Join(got, ", "))
	case got[0] != d.Fingerprint:
		e.Msg = fmt.Sprintf("the key in %s has the fingerprint %s, and %s is declared", name, got[0], d.Fingerprint)
	default:
		return
	}
	l.once(role, e)
}

// fingerprints are those of the primary keys in a keyring, armored or not.
func fingerprints(text string) ([]string, error) {
	read := openpgp.ReadKeyRing
	if strings.Contains(text, "-----BEGIN PGP ") {
		read = openpgp.ReadArmoredKeyRing
	}
	ring, err := read(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, entity := range ring {
		out = append(out, fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint))
	}
	return out, nil
}
