// Package unseal asks the sources of secrets for their values: it decrypts, reads a
// variable, or has a command run. It is called to apply a plan that was agreed to, never to
// make one. What comes out is a secret.Value at once, and no error says anything of it.
package unseal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/armor"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// MaxSize is the size in bytes above which something is no secret but a mistake.
const MaxSize = 16 << 20

// Options are the ways to secrets.
type Options struct {
	Identities []string            // files with age identities
	Getenv     func(string) string // of the own process
	// Run starts a program without a shell and returns what it printed, at most a byte
	// above MaxSize. Its errors quote nothing that the program said.
	Run func(ctx context.Context, argv []string) ([]byte, error)
}

// Resolver asks each source once. Its methods may be called at the same time.
type Resolver struct {
	o      Options
	mu     sync.Mutex
	values map[string]secret.Value // by SecretSource.ID
	// keys are the identities, once they were read. They stand behind a function because an
	// identity prints itself.
	keys func() []age.Identity
}

// New returns a resolver. Nothing is read yet.
func New(o Options) *Resolver { return &Resolver{o: o, values: map[string]secret.Value{}} }

// Resolve asks a source, unless it was asked before.
func (r *Resolver) Resolve(ctx context.Context, s mesh.SecretSource) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.values[s.ID()]; ok {
		return nil
	}
	data, err := r.ask(ctx, s)
	switch {
	case err != nil:
		return err
	case len(data) == 0:
		return fmt.Errorf("%s holds nothing", s)
	case len(data) > MaxSize:
		return fmt.Errorf("%s gives more than %d MiB, which is no secret", s, MaxSize>>20)
	}
	r.values[s.ID()] = secret.New(string(data))
	return nil
}

// Value returns what a source gave when it was asked.
func (r *Resolver) Value(s mesh.SecretSource) (secret.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[s.ID()]
	if !ok {
		return v, fmt.Errorf("%s was not asked", s)
	}
	return v, nil
}

func (r *Resolver) ask(ctx context.Context, s mesh.SecretSource) ([]byte, error) {
	switch {
	case s.Env != "":
		v := r.o.Getenv(s.Env)
		if v == "" {
			return nil, fmt.Errorf("%s is not set, or empty", s)
		}
		return []byte(v), nil
	case len(s.Command) > 0:
		out, err := r.o.Run(ctx, s.Command)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; what it says is not shown, for it may hold the secret: run it by hand", s, err)
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%s prints nothing", s)
		}
		return out, nil
	default:
		return r.decrypt(s)
	}
}

// ErrNoIdentity says that there is a ciphertext and no identity to decrypt it with.
var ErrNoIdentity = errors.New("no age identity was given")

func (r *Resolver) decrypt(s mesh.SecretSource) ([]byte, error) {
	keys, err := r.identities()
	if err != nil {
		return nil, err
	}
	in, err := age.Decrypt(armor.NewReader(strings.NewReader(strings.TrimSpace(s.Age))), keys...)
	var noMatch *age.NoIdentityMatchError
	if errors.As(err, &noMatch) {
		return nil, fmt.Errorf("%s is for none of the identities in %s", s, strings.Join(r.o.Identities, ", "))
	}
	damaged := fmt.Errorf("%s is damaged: encrypt it anew", s)
	if err != nil {
		return nil, damaged // what age says of it is left out on purpose, here and below
	}
	data, err := io.ReadAll(io.LimitReader(in, MaxSize+1))
	if err != nil {
		return nil, damaged
	}
	return data, nil
}

// identities reads the identity files when the first ciphertext comes.
func (r *Resolver) identities() ([]age.Identity, error) {
	if r.keys != nil {
		return r.keys(), nil
	}
	if len(r.o.Identities) == 0 {
		return nil, ErrNoIdentity
	}
	var all []age.Identity
	for _, name := range r.o.Identities {
		if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(name)), "AGE-SECRET-KEY-") || strings.ContainsAny(name, "\r\n") {
			return nil, errors.New("age identity: what names it is an identity itself: name the file that holds it, and make a new one, for this one stood where others can read it")
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("age identity: %w", err)
		}
		keys, err := age.ParseIdentities(bytes.NewReader(data))
		if err != nil { // age's words quote the line
			return nil, fmt.Errorf("age identity: %s is no file of identities as age-keygen writes it; one with a passphrase, or of SSH, is none", name)
		}
		all = append(all, keys...)
	}
	r.keys = func() []age.Identity { return all }
	return all, nil
}
