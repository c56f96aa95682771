package hostd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// A World is a set of hosts and the clusters that their units form. Its methods may be
// called from several goroutines.
type World struct {
	dir    string
	mode   Mode
	timing Timing
	active func()
	names  []string
	hosts  map[string]*Host

	mu        sync.Mutex   // guards what follows, and all units' states
	seen      map[int]bool // see Show
	zookeeper []*zooKeeper
	masters   []*master
	agents    map[*agent]struct{}
}

// Start boots the hosts. When it returns they accept connections and their enabled units
// were started. Close must be called.
func Start(o Options) (*World, error) {
	mode, err := chooseMode(o.Mode)
	if err != nil {
		return nil, err
	}
	if o.Active == nil {
		o.Active = func() {}
	}
	w := &World{dir: o.Dir, mode: mode, timing: o.Timing.orDefaults(), active: o.Active, hosts: map[string]*Host{}, agents: map[*agent]struct{}{}}
	for _, d := range []string{"bin", "hosts", "run", "keys"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	if err := reachable(o.Dir, mode); err != nil {
		return nil, err
	}
	if err := writeStubs(filepath.Join(o.Dir, "bin"), mode); err != nil {
		return nil, err
	}
	for _, h := range o.Hosts {
		if err := checkName(h.Name); err != nil {
			return nil, err
		}
		if w.hosts[h.Name] != nil {
			return nil, fmt.Errorf("two hosts of the sandbox are called %s", h.Name)
		}
		w.hosts[h.Name] = newHost(w, h, o)
		w.names = append(w.names, h.Name)
	}
	slices.Sort(w.names)
	if err := w.each((*Host).boot); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// each calls f for all hosts, a few at once.
func (w *World) each(f func(*Host) error) error {
	errs := make([]error, len(w.names))
	slots := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i, name := range w.names {
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = f(w.hosts[name])
			<-slots
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close ends all hosts: nothing of them is left running or mounted. The folder stays.
func (w *World) Close() error {
	err := w.each((*Host).close)
	return errors.Join(err, os.RemoveAll(filepath.Join(w.dir, "run")))
}

// Mode is what the machine allowed.
func (w *World) Mode() Mode { return w.mode }

// Names lists the hosts, sorted.
func (w *World) Names() []string { return slices.Clone(w.names) }

// Host returns a host by its name, or nil.
func (w *World) Host(name string) *Host { return w.hosts[name] }

// checkName holds a name to what is safe in a path and as a host name.
func checkName(name string) error {
	ok := name != "" && len(name) <= 63 && name[0] != '-'
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("a host of the sandbox is called %q; a name has letters, digits and dashes", name)
	}
	return nil
}

// reachable checks that the user who runs a host's commands can get at its folder.
func reachable(dir string, mode Mode) error {
	if mode != ModePlain || !isRoot() {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return err
		}
		if info.Mode()&0o001 == 0 {
			return fmt.Errorf("without namespaces the sandbox runs commands as uid %d, who cannot enter %s; choose another folder or chmod o+x it", nobody, d)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

// later calls f after d, with the world locked.
func (w *World) later(d time.Duration, f func(now time.Time)) {
	time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		f(time.Now())
	})
}
