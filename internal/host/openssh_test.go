package host

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// patience is for a server that answers on a busy machine. Only who waits for its end gives less.
const patience = time.Minute

// openSSH is a real sshd on loopback whose sessions have a box as their root.
type openSSH struct {
	t        *testing.T
	port     int
	hostKey  string // as a line of authorized_keys
	identity string // private key file that it accepts
	other    string // private key file that it does not
	user     string // the public key of identity, as a line of authorized_keys
	dir      string // its own files
}

func newKey(t *testing.T, file string) string {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// freePort is one that nobody else gets before the test ends, and that a server which sets
// SO_REUSEADDR, as all do, can listen on: of a port that is just free, other tests take their
// own meanwhile.
func freePort(t *testing.T) int {
	t.Helper()
	_, port := bound(t, syscall.SO_REUSEADDR)
	return port
}

// newOpenSSH starts a server. What it is configured with beyond the ordinary comes first,
// since sshd takes the first value of each setting.
func newOpenSSH(t *testing.T, b *box, config ...string) *openSSH {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a real sshd is started as root only")
	}
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		t.Skip("openssh-server is not installed")
	}
	_ = os.MkdirAll("/run/sshd", 0o755)
	dir := t.TempDir()
	s := &openSSH{t: t, port: freePort(t), identity: filepath.Join(dir, "id"), other: filepath.Join(dir, "other"), dir: dir}
	s.hostKey = newKey(t, filepath.Join(dir, "host"))
	s.user = newKey(t, s.identity)
	newKey(t, s.other)
	s.authorize(s.user)
	put(t, filepath.Join(dir, "config"), strings.Join(config, "\n")+fmt.Sprintf("\nListenAddress 127.0.0.1\nPort %d\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nStrictModes no\nUsePAM no\n"+
		"PermitRootLogin yes\nPasswordAuthentication no\nPidFile none\nAllowTcpForwarding yes\nLogLevel DEBUG1\nSetEnv MESHSYNC_ROOT=%s PATH=%s:/usr/bin:/bin\n",
		s.port, dir, dir, b.root, b.bin))
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-E", filepath.Join(dir, "log"), "-f", filepath.Join(dir, "config"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if c, err := new(net.Dialer).DialContext(context.Background(), "tcp", s.addr()); err == nil {
			_ = c.Close()
			return s
		}
	}
	t.Fatalf("sshd does not listen: %s", s.log())
	return nil
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// authorize sets whom the server lets in, in lines of authorized_keys.
func (s *openSSH) authorize(lines ...string) {
	s.t.Helper()
	put(s.t, filepath.Join(s.dir, "authorized"), strings.Join(lines, "\n")+"\n")
}

// log is what the server said so far.
func (s *openSSH) log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text)
}

// known is the line of known_hosts for the server.
func (s *openSSH) known() string { return fmt.Sprintf("[127.0.0.1]:%d %s\n", s.port, s.hostKey) }

func (s *openSSH) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *openSSH) spec() mesh.HostSpec {
	return mesh.HostSpec{Name: "h", Address: "127.0.0.1", Port: s.port, User: "root", HostKeys: []string{s.hostKey}}
}

func (s *openSSH) options() remote.Options {
	return remote.Options{IdentityFiles: []string{s.identity}, Timeout: patience}
}

// dial connects with options and a spec.
func (s *openSSH) dial(o remote.Options, h mesh.HostSpec) (*remote.Conn, error) {
	s.t.Helper()
	p, err := remote.NewPool(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = p.Close() })
	c, err := p.Host(h).Dial(context.Background())
	if err == nil {
		s.t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

type poolDialer struct{ *remote.Dialer }

func (d poolDialer) Dial(ctx context.Context) (Conn, error) { return d.Dialer.Dial(ctx) }

func TestAHostBehindOpenSSH(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	s := newOpenSSH(t, b)
	b.put("/units/zk/x", "")
	p, err := remote.NewPool(s.options())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	want := []mesh.Resource{directory("/d", true), file("/d/it's", "x\n"), symlink("/l", "/d"), service("zk", "/d/")}
	h := New(Options{Mesh: "prod", Name: "h", Resources: want, Dialer: poolDialer{p.Host(s.spec())}, Timeout: patience})
	defer h.Close()
	got, err := results(t, h, planned(t, h, want[:3]))
	if err != nil || len(got) != 3 {
		t.Fatalf("%v %+v", err, got)
	}
	if st := h.Observe(context.Background()); st.Outcome != mesh.OK || len(st.Absent) != 0 || len(st.Resources) != 4 {
		t.Errorf("%s %s %+v", st.Outcome, st.Message, st.Absent)
	}
}

func TestOutcomesOfDialling(t *testing.T) {
	t.Parallel()
	s := newOpenSSH(t, newBox(t))
	silent, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	web, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(web) }()
	defer server.Close()
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	for _, x := range []struct {
		name   string
		change func(*remote.Options, *mesh.HostSpec)
		want   mesh.Outcome
		says   string
	}{
		{"wrong host key", func(_ *remote.Options, h *mesh.HostSpec) {
			h.HostKeys = []string{newKey(t, filepath.Join(t.TempDir(), "k"))}
		}, mesh.WrongHostKey, "the mesh pins another key for it"},
		{"unknown host key", func(_ *remote.Options, h *mesh.HostSpec) { h.HostKeys = nil }, mesh.UnknownHostKey, "then add to known_hosts: [127.0.0.1]:"},
		{"refused key", func(o *remote.Options, _ *mesh.HostSpec) { o.IdentityFiles = []string{s.other} }, mesh.AuthRefused, "accepts none of our keys for the user root"},
		{"closed port", func(_ *remote.Options, h *mesh.HostSpec) { _, h.Port = bound(t) }, mesh.NoConnection, "connection refused"},
		{"silent port", func(o *remote.Options, h *mesh.HostSpec) { h.Port, o.Timeout = port(silent), 2*time.Second }, mesh.Timeout, "then said nothing"},
		{"web server", func(_ *remote.Options, h *mesh.HostSpec) { h.Port = port(web) }, mesh.NoSSH, "does not speak SSH"},
		{"no such name", func(_ *remote.Options, h *mesh.HostSpec) { h.Address = "no-such-host.invalid" }, mesh.NoConnection, "no connection to"},
		{"jump host that is down", func(_ *remote.Options, h *mesh.HostSpec) {
			_, port := bound(t)
			h.ProxyJump = fmt.Sprintf("root@127.0.0.1:%d", port)
		}, mesh.NoConnection, "jump host"},
	} {
		t.Run(x.name, func(t *testing.T) {
			o, h := s.options(), s.spec()
			x.change(&o, &h)
			_, err := s.dial(o, h)
			var e *remote.Error
			if !errors.As(err, &e) || e.Outcome != x.want || !strings.Contains(e.Error(), x.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestKnownHostsAndSSHConfig(t *testing.T) {
	t.Parallel()
	s := newOpenSSH(t, newBox(t))
	dir := t.TempDir()
	known, config := filepath.Join(dir, "known_hosts"), filepath.Join(dir, "config")
	if err := os.WriteFile(known, []byte(fmt.Sprintf("[127.0.0.1]:%d %s\n", s.port, s.hostKey)), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("Host master\n  HostName 127.0.0.1\n  Port %d\n  User root\n  IdentityFile %s\nHost jumped\n  HostName 127.0.0.1\n  Port %d\n  User root\n  IdentityFile %s\n  ProxyJump master\n",
		s.port, s.identity, s.port, s.identity)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := remote.Options{KnownHosts: []string{known}, ConfigFile: config, Timeout: patience}
	for _, name := range []string{"master", "jumped"} {
		c, err := s.dial(o, mesh.HostSpec{Name: "h", Address: name})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := c.Run(context.Background(), "id -u", strings.NewReader(""), 100, nil)
		if err != nil || string(r.Stdout) != "0\n" {
			t.Errorf("%s: %v %q", name, err, r.Stdout)
		}
	}
	if err := os.WriteFile(known, []byte(fmt.Sprintf("[127.0.0.1]:%d %s\n", s.port, newKey(t, filepath.Join(dir, "k")))), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.dial(o, mesh.HostSpec{Name: "h", Address: "master"})
	var e *remote.Error
	if !errors.As(err, &e) || e.Outcome != mesh.WrongHostKey {
		t.Errorf("got %v", err)
	}
}

// startAgent starts a real ssh-agent and returns its socket.
func startAgent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if c, err := new(net.Dialer).DialContext(context.Background(), "unix", socket); err == nil {
			_ = c.Close()
			return socket
		}
	}
	t.Fatal("ssh-agent does not listen")
	return ""
}

func TestKeysComeFromAnAgentAndFromHome(t *testing.T) {
	t.Parallel()
	s := newOpenSSH(t, newBox(t))
	socket := startAgent(t)
	outcome := func(o remote.Options) (mesh.Outcome, string) {
		o.Timeout = patience
		_, err := s.dial(o, s.spec())
		var e *remote.Error
		if errors.As(err, &e) {
			return e.Outcome, e.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
		return mesh.OK, ""
	}
	if got, text := outcome(remote.Options{AgentSocket: socket}); got != mesh.AuthRefused {
		t.Errorf("an agent without keys: %s %s", got, text)
	}
	add := exec.Command("ssh-add", s.identity)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if got, text := outcome(remote.Options{AgentSocket: socket}); got != mesh.OK {
		t.Errorf("an agent with the key: %s %s", got, text)
	}
	if got, text := outcome(remote.Options{AgentSocket: socket + "-gone", IdentityFiles: []string{s.identity}}); got != mesh.OK {
		t.Errorf("an agent that is gone, and a file: %s %s", got, text)
	}
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(s.identity, filepath.Join(home, ".ssh", "id_ed25519")); err != nil {
		t.Fatal(err)
	}
	if got, text := outcome(remote.Options{Home: home}); got != mesh.OK {
		t.Errorf("the key below home: %s %s", got, text)
	}
	locked := filepath.Join(home, "locked")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	public, err := os.ReadFile(locked + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	s.authorize(string(public))
	p, err := remote.NewPool(remote.Options{IdentityFiles: []string{locked}, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 { // the second host is told, too
		if _, err := p.Host(s.spec()).Dial(context.Background()); err == nil || !strings.Contains(err.Error(), "ssh-add "+locked) {
			t.Errorf("a key with a passphrase: %v", err)
		}
	}
}

func TestACommandThatFloodsOrHangsEnds(t *testing.T) {
	t.Parallel()
	s := newOpenSSH(t, newBox(t))
	for command, want := range map[string]mesh.Outcome{
		"cat /dev/zero":         mesh.TooLarge,
		"echo begun; sleep 100": mesh.Timeout,
		"kill -9 $PPID":         mesh.ConnectionLost,
	} {
		c, err := s.dial(s.options(), s.spec())
		if err != nil {
			t.Fatal(err)
		}
		limit := patience
		if want == mesh.Timeout {
			limit = 2 * time.Second
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		_, err = c.Run(ctx, command, strings.NewReader(""), 1<<20, nil)
		cancel()
		var e *remote.Error
		if !errors.As(err, &e) || e.Outcome != want {
			t.Errorf("%s: got %v, want %s", command, err, want)
		}
	}
}

// ops is a dialer whose user is not root.
type ops struct{ Dialer }

func (ops) User() string { return "ops" }

func TestScriptsRunAsRootBySudoOrSayWhyNot(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		sudo string // the program; "" for none
		want mesh.Outcome
		says string
	}{
		"allowed":      {"#!/bin/sh\n[ \"$1\" = -n ] || exit 9\nshift\nexec \"$@\"\n", mesh.OK, ""},
		"a password":   {"#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n", mesh.NoSudo, "sudo -n is refused for the user ops (sudo: a password is required)"},
		"no such user": {"#!/bin/sh\necho 'This account is currently not available.'\nexit 1\n", mesh.ScriptFailed, "status 1: This account is currently not available."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyWay(t, func(t *testing.T, b *box) {
				if err := os.WriteFile(filepath.Join(b.bin, "sudo"), []byte(x.sudo), 0o755); err != nil {
					t.Fatal(err)
				}
				b.put("/d/f", "x")
				b.dialer = ops{b.way()}
				want := []mesh.Resource{file("/d/f", "y")}
				h := b.host(want...)
				s := h.Observe(context.Background())
				if s.Outcome != x.want || !strings.Contains(s.Message, x.says) {
					t.Fatalf("%s: %s", s.Outcome, s.Message)
				}
				if len(s.Absent) != 0 || x.want != mesh.OK && len(s.Resources) != 0 {
					t.Errorf("seen without sudo: %+v", s)
				}
				if x.want == mesh.OK {
					works(t, b, want)
				}
			})
		})
	}
}
