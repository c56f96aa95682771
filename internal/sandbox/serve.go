package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// controlSocket is the name of the socket in a sandbox's folder by which its process is asked.
const controlSocket = "control"

// controlTimeout bounds one question and its answer.
const controlTimeout = 30 * time.Second

// request is one line that a client sends to the control socket.
type request struct {
	Do     string `json:"do"` // status, fault or down
	Target string `json:"target,omitempty"`
	Name   string `json:"name,omitempty"`
	Arg    string `json:"arg,omitempty"`
}

// reply is one line that comes back.
type reply struct {
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}

// Serve runs a sandbox until ctx ends, Down is called for its folder, or nobody used it
// for the time that the options allow. Then it ends it and returns nil.
func Serve(ctx context.Context, o Options) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c, err := Start(ctx, o)
	if err != nil {
		return err
	}
	s := &server{cluster: c, stop: stop}
	defer func() {
		err = errors.Join(err, c.Close())
		s.ended()
	}()
	if err := s.listen(); err != nil { //nolint:contextcheck // a fault acts on hosts that outlive any question
		return err
	}
	s.wait(ctx, o.Idle)
	return nil
}

// A server answers on the control socket.
type server struct {
	cluster  *Cluster
	stop     func()
	listener *net.UnixListener
	asking   sync.WaitGroup

	mu    sync.Mutex
	downs []net.Conn // who waits for the end
}

func (s *server) listen() error {
	path := filepath.Join(s.cluster.dir, controlSocket)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of one that was killed
		return err
	}
	l, err := listenUnix(path)
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	s.listener = l
	s.asking.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.asking.Go(func() { s.answer(c) })
		}
	})
	return nil
}

// wait returns when the sandbox is to end.
func (s *server) wait(ctx context.Context, idle time.Duration) {
	if idle <= 0 {
		<-ctx.Done()
		return
	}
	for {
		left := idle - s.cluster.idle()
		if left <= 0 {
			return
		}
		t := time.NewTimer(left)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

func (s *server) answer(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(controlTimeout))
	var q request
	if err := json.NewDecoder(c).Decode(&q); err != nil {
		_ = c.Close()
		return
	}
	var r reply
	switch q.Do {
	case "status":
		r.Text = s.cluster.status()
	case "fault":
		if err := s.cluster.Fault(q.Target, q.Name, q.Arg); err != nil {
			r.Error = err.Error()
		}
	case "down":
		s.mu.Lock()
		s.downs = append(s.downs, c)
		s.mu.Unlock()
		s.stop()
		return // answered when all has ended
	default:
		r.Error = fmt.Sprintf("the sandbox does not know %q", q.Do)
	}
	_ = json.NewEncoder(c).Encode(r)
	_ = c.Close()
}

// ended answers who asked for the end.
func (s *server) ended() {
	if s.listener == nil {
		return
	}
	_ = s.listener.Close()
	s.asking.Wait()
	for _, c := range s.downs {
		_ = json.NewEncoder(c).Encode(reply{})
		_ = c.Close()
	}
}

// status is a text for people: hosts with their units and faults, Marathons.
func (c *Cluster) status() string {
	var b strings.Builder
	for _, name := range c.world.Names() {
		h := c.world.Host(name)
		fmt.Fprintf(&b, "host %s at 127.0.0.1:%d\n", name, h.Port())
		for _, u := range h.Units() {
			fmt.Fprintf(&b, "  %s\n", u)
		}
		for _, f := range h.ActiveFaults() {
			fmt.Fprintf(&b, "  fault %s\n", f)
		}
	}
	for _, name := range c.marathonNames() {
		m := c.marathons[name]
		fmt.Fprintf(&b, "marathon %s at %s\n", name, m.url)
		for _, f := range m.active() {
			fmt.Fprintf(&b, "  fault %s\n", f)
		}
	}
	return b.String()
}
