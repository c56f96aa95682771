package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// A marathon is one Marathon of the sandbox with its port.
type marathon struct {
	url     string
	handler *marathond.Server
	keeper  *keeper
	server  *http.Server
	served  chan struct{}
	down    atomic.Bool
}

func (c *Cluster) startMarathon(name string) (*marathon, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("marathon %s: %w", name, err)
	}
	h, k, err := keptMarathon(c.dir, name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("marathon %s: %w", name, err), l.Close())
	}
	m := &marathon{url: "http://" + l.Addr().String(), handler: h, keeper: k, served: make(chan struct{})}
	m.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.touch()
		m.serve(w, r)
	})}
	c.world.Show(l.Addr().(*net.TCPAddr).Port)
	go func() {
		defer close(m.served)
		_ = m.server.Serve(l)
	}()
	return m, nil
}

func (m *marathon) close() error {
	err := m.server.Close()
	<-m.served
	return errors.Join(err, m.keeper.close(), m.handler.Close())
}

// faultDown is the one fault that is the sandbox's own, whatever answers there.
const faultDown = "unreachable"

func (c *Cluster) marathonNames() []string { return slices.Sorted(maps.Keys(c.marathons)) }

func (m *marathon) fault(name, arg string) error {
	if name == faultDown {
		if arg != "" && arg != off {
			return fmt.Errorf("takes no argument but %s", off)
		}
		m.down.Store(arg != off)
		return nil
	}
	return m.handler.Fault(name, arg)
}

// active lists the faults that are on.
func (m *marathon) active() []string {
	out := m.handler.ActiveFaults()
	if m.down.Load() {
		out = append(out, faultDown)
	}
	return out
}

func (m *marathon) serve(w http.ResponseWriter, r *http.Request) {
	if m.down.Load() {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	m.handler.ServeHTTP(w, r)
}
