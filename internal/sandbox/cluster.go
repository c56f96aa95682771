package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/hostd"
)

// A Cluster is a sandbox that runs in this process. Its methods may be called from several
// goroutines.
type Cluster struct {
	dir       string
	lock      *os.File
	world     *hostd.World
	marathons map[string]*marathon
	lastUse   atomic.Int64 // Unix nanoseconds
}

// Start boots a sandbox. When it returns, its hosts and Marathons accept connections and
// DIR/connect.json is there. Close must be called. A folder in which a sandbox runs already is refused.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := prepare(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	c := &Cluster{dir: dir, marathons: map[string]*marathon{}}
	if c.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	c.touch()
	if err := c.start(o); err != nil { //nolint:contextcheck // what is started outlives the context, until Close
		return nil, errors.Join(fmt.Errorf("start the sandbox in %s: %w", dir, err), c.Close())
	}
	return c, nil
}

func (c *Cluster) start(o Options) error {
	identity := filepath.Join(c.dir, "keys", "user")
	if err := os.MkdirAll(filepath.Dir(identity), 0o755); err != nil {
		return err
	}
	key, err := hostd.WriteKey(identity)
	if err != nil {
		return err
	}
	c.world, err = hostd.Start(hostd.Options{
		Dir: c.dir, User: o.user(), UserKey: key.PublicKey(), Hosts: o.Hosts, Mode: o.Mode, Timing: o.Timing, Active: c.touch,
	})
	if err != nil {
		return err
	}
	connect := Connect{Schema: ConnectSchema, Hosts: map[string]Address{}, Identity: identity, Marathons: map[string]string{}}
	for _, name := range o.Marathons {
		m, err := c.startMarathon(name)
		if err != nil {
			return err
		}
		c.marathons[name] = m
		connect.Marathons[name] = m.url
	}
	for _, name := range c.world.Names() {
		h := c.world.Host(name)
		connect.Hosts[name] = Address{Address: "127.0.0.1", Port: h.Port(), User: o.user(), HostKey: h.HostKey()}
	}
	return connect.write(c.ConnectFile())
}

// prepare makes the folder and returns its path without symlinks: hosts see it by that.
func prepare(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("it needs a folder")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(dir, ":\n") {
		return "", fmt.Errorf("the folder %q has a colon or a line end in its path, which cannot stand in PATH", dir)
	}
	return filepath.EvalSymlinks(dir)
}

// lockDir keeps two sandboxes out of one folder. The lock ends with the process.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("a sandbox runs in %s already; end it with: meshsync sandbox down --dir %s", dir, dir)
	}
	return f, nil
}

// Close ends the sandbox: no process, mount or socket of it is left. Its files stay, but for
// the connect file. Closing again does nothing.
func (c *Cluster) Close() error {
	if c.lock == nil {
		return nil
	}
	errs := []error{os.Remove(c.ConnectFile())}
	if errors.Is(errs[0], os.ErrNotExist) {
		errs = nil
	}
	for _, m := range c.marathons {
		errs = append(errs, m.close())
	}
	if c.world != nil {
		errs = append(errs, c.world.Close())
	}
	// Closing is not enough: a process that is being started elsewhere has the file for a moment, too.
	errs = append(errs, syscall.Flock(int(c.lock.Fd()), syscall.LOCK_UN), c.lock.Close())
	c.lock = nil
	return errors.Join(errs...)
}

// ConnectFile is the path of the connect file.
func (c *Cluster) ConnectFile() string { return filepath.Join(c.dir, ConnectFile) }

// Root is the folder that stands for a host's root, or "" when there is no such host.
func (c *Cluster) Root(host string) string {
	h := c.world.Host(host)
	if h == nil {
		return ""
	}
	return h.Root()
}

// MarathonURL is the base URL of a Marathon, or "" when there is none of that name.
func (c *Cluster) MarathonURL(name string) string {
	m := c.marathons[name]
	if m == nil {
		return ""
	}
	return m.url
}

// PutPod makes a pod in a Marathon as somebody else would.
func (c *Cluster) PutPod(marathon, id string) error {
	m := c.marathons[marathon]
	if m == nil {
		return fmt.Errorf("the sandbox has no Marathon called %q", marathon)
	}
	return m.handler.PutPod(id)
}

// Mode says how the hosts are kept apart.
func (c *Cluster) Mode() Mode { return c.world.Mode() }

func (c *Cluster) touch() { c.lastUse.Store(time.Now().UnixNano()) }

func (c *Cluster) idle() time.Duration { return time.Since(time.Unix(0, c.lastUse.Load())) }
