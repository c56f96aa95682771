package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/unseal"
)

// newResolver is the way to secrets. Nothing is read before a secret is asked for.
func newResolver(e *environment, identities []string) *unseal.Resolver {
	if name := e.getenv("MESHSYNC_AGE_IDENTITY"); len(identities) == 0 && name != "" {
		identities = []string{name}
	}
	return unseal.New(unseal.Options{Identities: identities, Getenv: e.getenv, Run: runSource})
}

// resolveSecrets asks the sources of all secret files that the plan writes. When one of
// them gives nothing, nothing at all is done.
func resolveSecrets(ctx context.Context, e *environment, p *planned) error {
	ctx, cancel := untilStopped(ctx, e)
	defer cancel()
	var wrong []error
	hint := ""
	asked := map[string]bool{}
	for _, s := range p.plan.Stages {
		for _, b := range s.Batches {
			for _, c := range b.Changes {
				if c.Secret == nil || c.After == nil || asked[c.Secret.ID()] {
					continue
				}
				asked[c.Secret.ID()] = true
				err := askSource(ctx, p.secrets, *c.Secret)
				if errors.Is(err, unseal.ErrNoIdentity) {
					hint = "name a file of identities with --age-identity, or in MESHSYNC_AGE_IDENTITY"
				}
				if err != nil {
					wrong = append(wrong, fmt.Errorf("%s: %w", c.Addr, err))
				}
			}
		}
	}
	if err := interrupted(e); err != nil {
		return err
	}
	if len(wrong) == 0 {
		return nil
	}
	return &failure{exit: exitError, code: "secret", err: fmt.Errorf("nothing was changed, because a secret is not to be had:\n%w", errors.Join(wrong...)), hint: hint}
}

// sourceTimeout is how long a command may take that gives a secret.
const sourceTimeout = time.Minute

func askSource(ctx context.Context, r *unseal.Resolver, s mesh.SecretSource) error {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	return r.Resolve(ctx, s)
}

// runSource runs a program that prints a secret. What it says on standard error goes
// nowhere, and no error quotes what it printed.
func runSource(ctx context.Context, argv []string) ([]byte, error) {
	out := bounded{left: unseal.MaxSize + 1}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second // a child that it left behind may hold the pipe
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, errors.New("it did not end in time")
	case errors.As(err, &exit):
		return nil, errors.New("it ended with " + exit.String())
	case err != nil:
		return nil, fmt.Errorf("it cannot be run: %w", err)
	}
	return out.Bytes(), nil
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.left)]
	b.left -= len(keep)
	_, err := b.Buffer.Write(keep)
	return len(p), err
}
