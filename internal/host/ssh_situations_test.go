package host

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// situation is one row of the table in docs/ssh.md and the proof of it.
type situation struct {
	name string
	want mesh.Outcome
	says []string // parts of the message
	test func(*testing.T) error
}

func situations() []situation {
	return slices.Concat(keySituations(), certificateSituations(), hostKeySituations(), jumpSituations(), serverSituations(), loginSituations())
}

func TestSSHAsPeopleHaveIt(t *testing.T) {
	t.Parallel()
	for _, x := range situations() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			got, text := outcomeOf(t, x.test(t))
			if got != x.want {
				t.Errorf("%s, want %s: %s", got, x.want, text)
			}
			for _, part := range x.says {
				if !strings.Contains(text, part) {
					t.Errorf("%q does not say %q", text, part)
				}
			}
		})
	}
}

// outcomeOf is how an attempt ended, in the words that users read.
func outcomeOf(t *testing.T, err error) (mesh.Outcome, string) {
	t.Helper()
	var e *remote.Error
	switch {
	case err == nil:
		return mesh.OK, ""
	case errors.As(err, &e):
		return e.Outcome, e.Error()
	default:
		t.Errorf("an error without an outcome: %v", err)
		return "", err.Error()
	}
}

// connects dials a host and runs a command there.
func connects(t *testing.T, o remote.Options, h mesh.HostSpec) error {
	t.Helper()
	p, err := remote.NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return connectsIn(t, p, h)
}

func connectsIn(t *testing.T, p *remote.Pool, h mesh.HostSpec) error {
	t.Helper()
	c, err := p.Host(h).Dial(context.Background())
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := c.Run(context.Background(), "id -u", strings.NewReader(""), 1<<10, nil)
	if err == nil && string(r.Stdout) != "0\n" {
		t.Errorf("the command said %q, %q and ended with %d", r.Stdout, r.Stderr, r.Exit)
	}
	return err
}

// with are options without a key: those of the test come on top.
func with(change func(*remote.Options)) remote.Options {
	o := remote.Options{Timeout: patience}
	change(&o)
	return o
}

// dialer reaches the server as a target does.
func (s *openSSH) dialer(o remote.Options) Dialer {
	s.t.Helper()
	p, err := remote.NewPool(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = p.Close() })
	return poolDialer{p.Host(s.spec())}
}

// eventually asks for a condition until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	end := time.After(patience)
	for !holds() {
		select {
		case <-again.C:
		case <-end:
			t.Fatalf("%s: it did not come to that", what)
		}
	}
}

// keygen runs ssh-keygen.
func keygen(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", append([]string{"-q"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %v: %v %s", args, err, out)
	}
}

// pair makes a key as people do: FILE and FILE.pub, whose line it returns.
func pair(t *testing.T, file, passphrase string, more ...string) string {
	t.Helper()
	keygen(t, append([]string{"-t", "ed25519", "-a", "1", "-C", "", "-N", passphrase, "-f", file}, more...)...)
	return read(t, file+".pub")
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// sshAdd gives a key to an agent.
func sshAdd(t *testing.T, socket string, args ...string) {
	t.Helper()
	add := exec.Command("ssh-add", append([]string{"-q"}, args...)...)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket, "SSH_ASKPASS_REQUIRE=never")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add %v: %v %s", args, err, out)
	}
}

// written puts a text into a new file and returns its name.
func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	put(t, file, text)
	return file
}

// relay stands between a client and a server, for what can go wrong on the way.
type relay struct {
	port int
	dark chan struct{} // closed: nothing gets through any more, and nobody is told

	mu   sync.Mutex
	ends []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{port: l.Addr().(*net.TCPAddr).Port, dark: make(chan struct{})}
	t.Cleanup(func() { _ = l.Close(); r.cut() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			r.mu.Lock()
			r.ends = append(r.ends, near, far)
			r.mu.Unlock()
			go r.copy(near, far)
			go r.copy(far, near)
		}
	}()
	return r
}

// cut ends all connections so far.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.ends {
		_ = c.Close()
	}
	r.ends = nil
}

func (r *relay) copy(to, from net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		select {
		case <-r.dark:
			if err != nil {
				return
			}
			continue
		default:
		}
		if n > 0 {
			_, _ = to.Write(b[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}
