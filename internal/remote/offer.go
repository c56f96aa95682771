package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

// offer is what a host is shown, in this order: the keys that are named for it or the
// default ones, each after its certificates; what else the agent holds; and the keys with
// a passphrase that nobody gave, since their acceptance is the end of the trying.
type offer struct {
	ready  []ssh.Signer
	closed []ssh.Signer // the latter
	locked []*keyFile   // the files of the latter, and those of which not even the public half is known
	notes  []string     // what speaks against some of it
}

func (o offer) signers() []ssh.Signer { return slices.Concat(o.ready, o.closed) }

// offer collects what a host is shown. The error is an *Error, about a key that was named
// and cannot be read.
func (p *Pool) offer(ctx context.Context, ep endpoint) (offer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var o offer
	held := p.agentAt(ctx, ep.agent)
	if held.note != "" {
		o.notes = append(o.notes, held.note)
	}
	files, err := p.keyFiles(ep)
	if err != nil {
		return offer{}, err
	}
	certs := map[string]*ssh.Certificate{}
	names := slices.Clone(ep.certs)
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.name, ".pub")+"-cert.pub")
	}
	for _, name := range names {
		if c := userCertificate(name); c != nil {
			certs[name] = c
		} else if slices.Contains(ep.certs, name) {
			o.notes = append(o.notes, name+" holds no certificate")
		}
	}
	certified := func(s ssh.Signer) []ssh.Signer {
		var out []ssh.Signer
		for _, name := range names {
			c, ok := certs[name]
			if !ok || !same(c.Key, s.PublicKey()) {
				continue
			}
			if cs, err := ssh.NewCertSigner(c, s); err == nil {
				out = append(out, cs)
			}
			o.note(doubt(name, c, ep.user, time.Now()))
		}
		return append(out, s)
	}
	for _, f := range files {
		i := slices.IndexFunc(held.signers, func(s ssh.Signer) bool { return f.pub != nil && same(s.PublicKey(), f.pub) })
		switch {
		case f.signer != nil:
			o.add(&o.ready, certified(f.signer)...)
		case i >= 0:
			o.add(&o.ready, certified(held.signers[i])...)
		case f.locked != nil && f.pub != nil:
			o.locked = append(o.locked, f)
			o.add(&o.closed, certified(lockedSigner{f.pub, f.why})...)
		default:
			if f.locked != nil {
				o.locked = append(o.locked, f)
			}
			o.note(f.why)
		}
	}
	for _, s := range held.signers {
		c, isCert := s.PublicKey().(*ssh.Certificate)
		if !isCert {
			// A certificate in a file may belong to it.
			all := certified(s)
			if ep.only {
				all = all[:len(all)-1]
			}
			o.add(&o.ready, all...)
		} else if !ep.only {
			o.add(&o.ready, s)
			o.note(doubt(fmt.Sprintf("the agent's certificate %q", c.KeyId), c, ep.user, time.Now()))
		}
	}
	return o, nil
}

// keyFiles reads the keys that are named for a host, or else the default ones. What is
// only ssh_config's or a default may be missing.
func (p *Pool) keyFiles(ep endpoint) ([]*keyFile, error) {
	names, defaults := ep.identities, false
	if !ep.named && p.o.Home != "" {
		defaults = true
		for _, n := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			names = append(names, filepath.Join(p.o.Home, ".ssh", n))
		}
	}
	var out []*keyFile
	for _, name := range names {
		k, err := p.keyFile(name)
		switch {
		case err == nil:
			out = append(out, k)
		case defaults:
		case isMissing(err) && !slices.Contains(p.o.IdentityFiles, name):
		default:
			return nil, keyError(ep, err)
		}
	}
	return out, nil
}

// add appends what is not there yet: each key that is tried costs one of the few tries
// that sshd has for a login (MaxAuthTries).
func (o *offer) add(list *[]ssh.Signer, more ...ssh.Signer) {
	for _, s := range more {
		if !slices.ContainsFunc(o.signers(), func(x ssh.Signer) bool { return same(x.PublicKey(), s.PublicKey()) }) {
			*list = append(*list, s)
		}
	}
}

func (o *offer) note(text string) {
	if text != "" && !slices.Contains(o.notes, text) {
		o.notes = append(o.notes, text)
	}
}

func same(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// refused is the error when the host took nothing of it.
func (o offer) refused(ep endpoint, err error) *Error {
	e := &Error{
		Outcome: mesh.AuthRefused, Host: ep.name, Err: err,
		Msg:  fmt.Sprintf("%s accepts none of our keys for the user %s", ep.addr, ep.user),
		Hint: "add a key with -i, or start an agent that has it",
	}
	switch text := err.Error(); {
	case strings.Contains(text, "attempted methods [none],") && len(o.signers()) == 0:
		e.Msg = fmt.Sprintf("%s takes no keys for the user %s", ep.addr, ep.user)
		e.Hint = "its sshd has to allow them (PubkeyAuthentication, AuthenticationMethods): nobody is asked for a password"
	case strings.Contains(text, "attempted methods [none],"):
		e.Msg = fmt.Sprintf("%s accepts our key for the user %s and wants more than a key", ep.addr, ep.user)
		e.Hint = "let that user log in with a key alone (AuthenticationMethods in sshd_config): nobody is asked for a password or a code"
	case strings.Contains(text, "oo many authentication failures"):
		e.Msg = fmt.Sprintf("%s saw too many keys of ours (%d were to be tried) and ended the login for the user %s", ep.addr, len(o.signers()), ep.user)
		e.Hint = "name the right one for it in ssh_config (IdentityFile, and IdentitiesOnly yes)"
	}
	if len(o.notes) > 0 {
		e.Msg += " (" + strings.Join(o.notes, "; ") + ")"
	}
	return e
}

func isMissing(err error) bool {
	var e *os.PathError
	return errors.As(err, &e) && os.IsNotExist(e)
}
