//go:build linux

package bed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Options say what Start boots.
type Options struct {
	Hosts int  // h1 up to this number, at most MaxHosts
	Bare  bool // without ZooKeeper, HAProxy and Mesos, for tests that install them; they are in the hosts' apt
}

// A Bed is a number of hosts that run, in a network of their own.
type Bed struct {
	Hosts      []*Host
	KeyFile    string // logs in as root, admin (sudo without a password) and reader (no sudo)
	KnownHosts string // the hosts' keys, by name and by address
	scope      string
	dir        string
	trees      Trees
	lock       *lock
}

// Start boots hosts and returns when each one's sshd greets. They are removed at the
// test's end, or before by Close. A package has one bed at a time, since the names and
// addresses of hosts are always the same: tests that start one do not run in parallel.
// Without the means for a bed the test is skipped.
func Start(t testing.TB, o Options) *Bed {
	t.Helper()
	if reason := os.Getenv(withoutVariable); reason != "" {
		t.Skip(reason)
	}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(t) })
	return b
}

// Open is Start for a program that is no test; it is run by Inside. Where there is an error
// nothing is left.
func Open(ctx context.Context, o Options) (*Bed, error) {
	if reason := os.Getenv(withoutVariable); reason != "" {
		return nil, errors.New(reason)
	}
	if reason := os.Getenv(brokenVariable); reason != "" {
		return nil, errors.New("no bed could be made: " + reason)
	}
	var in inside
	if err := json.Unmarshal([]byte(os.Getenv(insideVariable)), &in); err != nil {
		return nil, errors.New("what runs now was not begun by bed.Main or bed.Inside, which make the place where hosts answer")
	}
	if o.Hosts < 1 || o.Hosts > MaxHosts {
		return nil, fmt.Errorf("a bed has 1 to %d hosts, not %d", MaxHosts, o.Hosts)
	}
	b, err := newBed(in)
	if err != nil {
		return nil, fmt.Errorf("another bed of this program is up: %w", err)
	}
	err = b.make(ctx, o)
	if err == nil {
		err = b.each(ctx, (*Host).boot)
	}
	if err != nil {
		return nil, errors.Join(err, b.Remove(context.WithoutCancel(ctx)))
	}
	return b, nil
}

// newBed claims the place of the package's only bed.
func newBed(in inside) (*Bed, error) {
	l, err := take(filepath.Join(in.Dir, "bed.lock"), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, err
	}
	return &Bed{
		KeyFile:    filepath.Join(in.Trees.Base, keyFile),
		KnownHosts: filepath.Join(in.Trees.Base, knownHosts),
		scope:      in.Scope, dir: filepath.Join(in.Dir, "bed"), trees: in.Trees, lock: l,
	}, nil
}

// make prepares the hosts up to their boot.
func (b *Bed) make(ctx context.Context, o Options) error {
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return err
	}
	if err := newRepository(b.repo(), b.trees.Pool); err != nil {
		return err
	}
	own, err := filepath.Glob(filepath.Join(b.trees.Full, ownDir, "*.deb"))
	if err != nil {
		return err
	}
	for _, from := range own {
		file := filepath.Join(b.repo(), ownDir, filepath.Base(from))
		// A link, since both are on one disk and neither is ever written.
		if err := errors.Join(os.Link(from, file), publish(ctx, b.repo(), file)); err != nil {
			return err
		}
	}
	for i := range o.Hosts {
		h, err := newHost(ctx, b, i+1, o.Bare)
		if err != nil {
			return err
		}
		b.Hosts = append(b.Hosts, h)
	}
	return nil
}

// each does something on all hosts at once.
func (b *Bed) each(ctx context.Context, do func(*Host, context.Context) error) error {
	failed := make([]error, len(b.Hosts))
	done := make(chan struct{})
	for i, h := range b.Hosts {
		go func() {
			failed[i] = do(h, ctx)
			done <- struct{}{}
		}()
	}
	for range b.Hosts {
		<-done
	}
	return errors.Join(failed...)
}

// Host finds a host by its name.
func (b *Bed) Host(t testing.TB, name string) *Host {
	t.Helper()
	for _, h := range b.Hosts {
		if h.Name == name {
			return h
		}
	}
	t.Fatalf("the bed has no host %s", name)
	return nil
}

// Close is Remove, whose error is the test's.
func (b *Bed) Close(t testing.TB) {
	t.Helper()
	if err := b.Remove(context.Background()); err != nil { // the test's context has ended
		t.Errorf("remove the hosts: %v", err)
	}
}

// Remove kills the hosts and removes all that the bed has on the machine. Calling it again
// does nothing.
func (b *Bed) Remove(ctx context.Context) error {
	if b.lock == nil {
		return nil
	}
	failed := b.each(ctx, (*Host).remove)
	failed = errors.Join(failed, removeTree(b.dir), b.lock.remove())
	b.lock = nil
	return failed
}

// consoleTail is the end of what a host said on its console.
func consoleTail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("its console ends with:\n%s", tail(strings.ToValidUTF8(string(text), "?")))
}
