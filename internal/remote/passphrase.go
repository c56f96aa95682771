package remote

import (
	"fmt"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
)

// Unlock asks for the passphrases of the keys that the hosts and their jump hosts need,
// each once. It is to be called from the main flow before any host is dialled, since hosts
// are dialled many at once and within a time that a person need not keep.
//
// A key that an agent holds is not asked for, and a default one, which nobody named, only
// when there is no other to try. A passphrase that is wrong is no error here: the hosts that
// want the key say so. The error is that of Options.Passphrase.
func (p *Pool) Unlock(hosts []mesh.HostSpec) error {
	if p.o.Passphrase == nil {
		return nil
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	for _, h := range hosts {
		ep := p.resolve(h)
		hops, _ := p.hops(ep) // what is wrong with them, the host's own dialling says
		for _, e := range append(hops, ep) {
			o, err := p.offer(p.life, e)
			if err != nil {
				continue // likewise
			}
			for _, k := range o.locked {
				if !e.named && len(o.ready) > 0 {
					continue
				}
				if err := p.unlock(k); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *Pool) unlock(k *keyFile) error {
	if k.asked {
		return nil
	}
	k.asked = true
	word, err := p.o.Passphrase(k.name)
	if err != nil {
		return err
	}
	defer clear(word)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(word) == 0 {
		k.why = fmt.Sprintf("the key file %s has a passphrase, and it was not given: ssh-add %s", k.name, k.name)
		return nil
	}
	s, err := ssh.ParsePrivateKeyWithPassphrase(k.locked, word)
	if err != nil {
		k.why = fmt.Sprintf("the passphrase that was given does not open the key file %s: try again, or ssh-add %s", k.name, k.name)
		return nil
	}
	k.signer, k.pub, k.locked, k.why = s, s.PublicKey(), nil, ""
	return nil
}
