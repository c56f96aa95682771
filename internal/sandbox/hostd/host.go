package hostd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Host is one machine of the sandbox.
type Host struct {
	world   *World
	name    string
	address string
	root    string
	run     string // pipes and ports of this host, outside its root
	owners  string // owners of its files, where there are no namespaces
	user    string
	userKey []byte // as on the wire
	options HostOptions
	catalog map[string]*offer // what apt can get
	key     ssh.Signer
	other   ssh.Signer // shown by the fault wrong-host-key
	cage    confinement
	booted  time.Time
	elapsed string // from the machine's boot to that of the host, as systemctl prints it

	faults faults

	mu       sync.Mutex
	listener net.Listener
	port     int // stays the same when the listener is closed and opened again
	conns    map[net.Conn]struct{}
	running  map[int]struct{} // process groups of commands and units, by their leader
	ended    bool
	diskJob  sync.Mutex // one change of the disk at a time
	tooling  sync.Mutex // one run of a tool that reads or writes the host's files at a time
	units    map[string]*unit
	loaded   map[string]loadedUnit // by unit's name; guarded by the world's lock
	serving  sync.WaitGroup
	execs    int
}

func newHost(w *World, o HostOptions, all Options) *Host {
	return &Host{
		world: w, name: o.Name, address: o.Address, options: o, catalog: makeCatalog(o),
		root: filepath.Join(w.dir, "hosts", o.Name), run: filepath.Join(w.dir, "run", o.Name),
		owners: filepath.Join(w.dir, "owners", o.Name), user: all.User, userKey: all.UserKey.Marshal(), cage: plain{},
		conns: map[net.Conn]struct{}{}, running: map[int]struct{}{}, units: map[string]*unit{},
	}
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// Root is the folder that stands for the host's root. While the fault full-disk is on it
// is another than before and after.
func (h *Host) Root() string { return h.seen() }

// Port is where its SSH server listens, on 127.0.0.1.
func (h *Host) Port() int { return h.port }

// HostKey is its public key as a line of authorized_keys.
func (h *Host) HostKey() string { return authorizedLine(h.key.PublicKey()) }

func (h *Host) boot() error {
	h.booted, h.elapsed = time.Now(), sinceBoot()
	if err := os.MkdirAll(h.root, 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(h.owners, 0o755); err != nil {
		return err
	}
	if err := settle(h.root); err != nil {
		return fmt.Errorf("host %s: its root: %w", h.name, err)
	}
	if err := h.layRoot(); err != nil {
		return err
	}
	if err := h.bootKernel(); err != nil {
		return fmt.Errorf("host %s: lay its kernel's files: %w", h.name, err)
	}
	if err := os.MkdirAll(h.run, 0o755); err != nil {
		return err
	}
	if err := h.keys(); err != nil {
		return err
	}
	if err := h.confine(); err != nil {
		return err
	}
	if err := h.listen(); err != nil {
		return err
	}
	return h.startEnabled()
}

// keys makes the host's key and a wrong one, or reads them when the host was up before.
func (h *Host) keys() error {
	var err error
	if h.key, err = keyFile(filepath.Join(h.world.dir, "keys", h.name)); err == nil {
		h.other, err = newKey()
	}
	if err != nil {
		return fmt.Errorf("host %s: its key: %w", h.name, err)
	}
	return nil
}

func (h *Host) confine() error {
	if h.world.mode != ModeNamespaces {
		return h.plainOwners()
	}
	boot := filepath.Join(h.run, "boot_id")
	if err := os.WriteFile(boot, []byte(randomUUID()+"\n"), 0o644); err != nil {
		return err
	}
	o := confineOptions{name: h.name, root: h.root, bootID: boot}
	for _, f := range []struct {
		to   *string
		name string
	}{{&o.passwd, "passwd"}, {&o.group, "group"}} {
		if _, err := os.Stat(filepath.Join(h.root, "etc", f.name)); err == nil {
			*f.to = filepath.Join(h.root, "etc", f.name)
		}
	}
	c, err := confine(o)
	if err != nil {
		return err
	}
	h.cage = c
	return nil
}

func (h *Host) startEnabled() error {
	for _, u := range h.options.Units {
		if err := checkName(u.Name); err != nil {
			return err
		}
		h.units[u.Name] = newUnit(h, u)
	}
	h.loadUnits()
	for _, of := range h.catalog {
		for _, u := range of.units {
			if h.units[u.Name] == nil { // its package may come
				h.units[u.Name] = newUnit(h, u)
			}
		}
	}
	for _, u := range h.options.Units {
		x := h.units[u.Name]
		if u.Enabled && x.fragment() != "" {
			if err := x.enable(); err != nil {
				return err
			}
		}
	}
	for _, x := range h.unitList() {
		if x.fileState() == "enabled" {
			_ = x.start() // its failure is the unit's state, as at any boot
		}
	}
	return nil
}

func (h *Host) close() error {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	h.unlisten()
	for _, u := range h.unitList() {
		u.stop()
	}
	h.killAll()
	err := h.bringBack()
	if err != nil {
		err = fmt.Errorf("host %s: its files are as they were before the fault %s: %w", h.name, FaultFullDisk, err)
	}
	err = errors.Join(err, h.cage.close())
	h.serving.Wait()
	return err
}

// unitList lists the units by name.
func (h *Host) unitList() []*unit {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for n := range h.units {
		names = append(names, n)
	}
	slices.Sort(names)
	out := make([]*unit, len(names))
	for i, n := range names {
		out[i] = h.units[n]
	}
	return out
}

// unlisten closes the SSH server and its connections.
func (h *Host) unlisten() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listener != nil {
		_ = h.listener.Close()
		h.listener = nil
	}
	for c := range h.conns {
		_ = c.Close()
	}
}

var errEnded = errors.New("the sandbox has ended")

func randomUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Units lists the host's units with their states, for people, sorted.
func (h *Host) Units() []string {
	var out []string
	for _, u := range h.unitList() {
		if h.unit(u.name) == nil {
			continue // its package is not installed
		}
		s := u.snapshot()
		line := u.name + " " + s.state
		if s.pid != 0 {
			line += fmt.Sprintf(", pid %d", s.pid)
		}
		out = append(out, line)
	}
	return out
}

// ActiveFaults lists the faults that are on, as they are written.
func (h *Host) ActiveFaults() []string { return h.faults.active() }
