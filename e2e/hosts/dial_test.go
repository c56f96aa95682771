//go:build linux

package hosts

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/remote"
)

// ways are the open connections to a machine, by user. Targets are many, each as a new run has
// it, and they share one: that a connection is new makes no difference but its time.
type ways struct {
	mu   sync.Mutex
	pool *remote.Pool
	open map[string]*remote.Conn
}

// dialer is the way that meshsync takes, as one user.
type dialer struct {
	*remote.Dialer
	ways *ways
}

// newWays closes at the test's end what was opened.
func newWays(t *testing.T, o remote.Options) *ways {
	t.Helper()
	o.Timeout = time.Minute
	p, err := remote.NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &ways{pool: p, open: map[string]*remote.Conn{}}
	t.Cleanup(func() {
		for _, c := range w.open {
			_ = c.Close()
		}
		_ = p.Close()
	})
	return w
}

func (m machine) dialer() dialer { return dialer{m.ways.pool.Host(m.HostSpec), m.ways} }

func (d dialer) Dial(ctx context.Context) (host.Conn, error) {
	d.ways.mu.Lock()
	defer d.ways.mu.Unlock()
	c := d.ways.open[d.User()]
	if c == nil {
		var err error
		if c, err = d.Dialer.Dial(ctx); err != nil {
			return nil, err
		}
		d.ways.open[d.User()] = c
	}
	return &shared{c, d}, nil
}

// shared is the open connection as one target has it. After an error it is nobody's.
type shared struct {
	*remote.Conn
	dialer dialer
}

func (s *shared) Run(ctx context.Context, command string, stdin io.Reader, limit int64, lines func([]byte)) (remote.Result, error) {
	r, err := s.Conn.Run(ctx, command, stdin, limit, lines)
	if err != nil {
		w := s.dialer.ways
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.open[s.dialer.User()] == s.Conn {
			delete(w.open, s.dialer.User())
		}
		_ = s.Conn.Close()
	}
	return r, err
}

// Close leaves it open for the next target; the pool closes it.
func (s *shared) Close() error { return nil }
