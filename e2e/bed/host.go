//go:build linux

package bed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A Host is one Debian with systemd. Its methods may be called at the same time for
// different hosts; for one host, only Exec, Put and Get may.
type Host struct {
	Name    string
	Address string // within the control namespace only
	HostKey string // its public key, as a line of known_hosts has it behind the name

	scope   string
	dir     string // what the host has outside
	group   group
	machine machine
	lower   []string // its disk's read-only layers, the uppermost first
	key     string   // the file of its private key
	disks   int      // how many it has had

	mu     sync.Mutex
	runs   *process // nil while it is off
	closed bool
}

// newHost makes a host's disk, network and group, but boots nothing.
func newHost(ctx context.Context, b *Bed, i int, bare bool) (*Host, error) {
	name := hostName(i)
	key := filepath.Join(b.trees.Base, keysDir, name)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(public))
	g, err := groupOf(b.scope)
	if err != nil {
		return nil, err
	}
	h := &Host{
		Name: name, Address: address(i), HostKey: strings.Join(fields[:2], " "),
		scope: b.scope, dir: filepath.Join(b.dir, name), group: g.below(name), key: key,
		lower: []string{filepath.Join(b.trees.Base, rootDir)},
	}
	if !bare {
		h.lower = append([]string{filepath.Join(b.trees.Full, upperDir)}, h.lower...)
	}
	h.machine = machine{
		name: b.scope + "-" + name, root: filepath.Join(h.dir, "root"), repo: b.repo(), pool: b.trees.Pool,
	}
	// Until the bed is removed the host is in its list, so that what was made goes with it.
	failing := context.WithoutCancel(ctx)
	if err := h.newDisk(); err != nil {
		return nil, errors.Join(err, h.remove(failing))
	}
	if err := plug(ctx, h.scope, h.Name, h.Address); err != nil {
		return nil, errors.Join(err, h.remove(failing))
	}
	return h, nil
}

// newDisk gives the host a disk that holds what makes it this host and no other.
func (h *Host) newDisk() error {
	h.disks++
	disk := filepath.Join(h.dir, fmt.Sprintf("disk%d", h.disks))
	if err := os.MkdirAll(disk, 0o755); err != nil {
		return err
	}
	root := h.machine.root
	if err := overlay(root, filepath.Join(disk, "upper"), filepath.Join(disk, "work"), h.lower...); err != nil {
		return err
	}
	write := func(name, text string) error { return os.WriteFile(filepath.Join(root, name), []byte(text), 0o644) }
	id := sha256.Sum256([]byte(h.Name))
	return errors.Join(
		write("etc/machine-id", fmt.Sprintf("%x\n", id[:16])),
		write("etc/hostname", h.Name+"\n"),
		copyFile(filepath.Join(root, "etc/ssh/ssh_host_ed25519_key"), h.key, 0o600),
		copyFile(filepath.Join(root, "etc/ssh/ssh_host_ed25519_key.pub"), h.key+".pub", 0o644),
	)
}

// Boot boots a host that is off, from the disk it has, and returns when its sshd greets.
func (h *Host) Boot(t testing.TB) {
	t.Helper()
	if err := h.boot(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Kill ends all processes of the host at once, as a power cut does. What it wrote stays.
func (h *Host) Kill(t testing.TB) {
	t.Helper()
	if err := h.kill(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Reset kills the host and boots it from a new disk, as it was when the bed was started.
func (h *Host) Reset(t testing.TB) {
	t.Helper()
	err := h.kill(t.Context())
	if err == nil {
		err = errors.Join(removeTree(h.machine.root), h.newDisk())
	}
	if err != nil {
		t.Fatal(fmt.Errorf("reset %s: %w", h.Name, err))
	}
	h.Boot(t)
}

// Cut pulls the host's cable: to all others it falls silent, its connections stay open.
func (h *Host) Cut(t testing.TB) { t.Helper(); h.cable(t, "down") }

// Join puts the cable back.
func (h *Host) Join(t testing.TB) { t.Helper(); h.cable(t, "up") }

func (h *Host) cable(t testing.TB, state string) {
	t.Helper()
	if err := batch(t.Context(), control(h.scope), "link set "+h.Name+" "+state); err != nil {
		t.Fatal(err)
	}
}

// remove kills the host for good and removes all that it has.
func (h *Host) remove(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	if err := h.kill(ctx); err != nil {
		return err
	}
	return errors.Join(unplug(ctx, h.scope, h.Name), removeTree(h.dir))
}
