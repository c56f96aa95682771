package host

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// connected dials and fails the test if that does not work.
func connected(t *testing.T, o remote.Options, h mesh.HostSpec) *remote.Conn {
	t.Helper()
	p, err := remote.NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	c, err := p.Host(h).Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// occupied takes the one place that a server with MaxStartups 1 has for those who are
// not logged in yet, until it is closed.
func occupied(t *testing.T, s *openSSH) net.Conn {
	t.Helper()
	var c net.Conn
	eventually(t, "a place among those who are not logged in", func() bool {
		var err error
		if c, err = new(net.Dialer).DialContext(context.Background(), "tcp", s.addr()); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(c).ReadString('\n')
		if !strings.HasPrefix(line, "SSH-") {
			_ = c.Close()
		}
		return strings.HasPrefix(line, "SSH-")
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// often is how often connections are asked here whether they live.
const often = time.Second

func serverSituations() []situation {
	return []situation{
		{"a connection that dies without a word", mesh.ConnectionLost, []string{"answered none of 3"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			way := newRelay(t, s.addr())
			o, h := s.options(), s.spec()
			o.KeepAlive, h.Port = often, way.port
			c := connected(t, o, h)
			var once sync.Once
			_, err := c.Run(context.Background(), "echo begun; exec cat", open(t), 1<<10, func(l []byte) {
				if string(l) == "begun" {
					once.Do(func() { close(way.dark) })
				}
			})
			return err
		}},
		{"a script that is quiet for long", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			o := s.options()
			o.KeepAlive = often
			c := connected(t, o, s.spec())
			fifo := filepath.Join(s.dir, "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := c.Run(context.Background(), "cat "+fifo, strings.NewReader(""), 1<<10, nil)
				ended <- err
			}()
			eventually(t, "more questions than may stay without an answer", func() bool {
				return strings.Count(s.log(), "rtype keepalive@openssh.com") > 5
			})
			f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			return <-ended
		}},
		{"MaxSessions 1", mesh.OK, nil, func(t *testing.T) error {
			b := newBox(t)
			s := newOpenSSH(t, b, "MaxSessions 1")
			c := connected(t, s.options(), s.spec())
			for range 50 {
				if r, err := c.Run(context.Background(), "echo x", strings.NewReader(""), 1<<10, nil); err != nil || string(r.Stdout) != "x\n" {
					t.Errorf("%q", r.Stdout)
					return err
				}
			}
			b.dialer = s.dialer(s.options())
			works(t, b, []mesh.Resource{file("/d", "x")})
			return nil
		}},
		{"MaxSessions 0", mesh.ConnectionLost, []string{"opens no session", "MaxSessions"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "MaxSessions 0")
			return connects(t, s.options(), s.spec())
		}},
		{"MaxStartups that is reached for a while", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "MaxStartups 1", "LoginGraceTime 0")
			place := occupied(t, s)
			before := strings.Count(s.log(), "drop connection")
			o := s.options()
			ended := make(chan error, 1)
			go func() { ended <- connects(t, o, s.spec()) }()
			eventually(t, "two tries that are turned away", func() bool { return strings.Count(s.log(), "drop connection") > before+1 })
			_ = place.Close()
			return <-ended
		}},
		{"MaxStartups that is smaller than the crowd", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "MaxStartups 1")
			o := s.options()
			p, err := remote.NewPool(o)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			errs := make([]error, 12)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { errs[i] = connectsIn(t, p, s.spec()) })
			}
			all.Wait()
			if !strings.Contains(s.log(), "drop connection") {
				t.Error("nobody was turned away")
			}
			return errors.Join(errs...)
		}},
		{"MaxStartups that is reached for good", mesh.ConnectionLost, []string{"turned us away", "Exceeded MaxStartups", "tries"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t), "MaxStartups 1", "LoginGraceTime 0")
			occupied(t, s)
			o := s.options()
			o.Timeout = 3 * time.Second
			return connects(t, o, s.spec())
		}},
	}
}

// open is an input that does not end before the test does.
func open(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = w.Close(), r.Close() })
	return r
}
