//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what a person types goes in at the one end, and what a
// program shows comes out there.
type terminal struct {
	t            *testing.T
	keys, screen *os.File // the person's end, and the program's

	mu    sync.Mutex
	shown string
	more  chan struct{} // something came, or the end
	ended bool
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, keys: os.NewFile(uintptr(fd), "ptmx"), screen: screen, more: make(chan struct{}, 1)}
	t.Cleanup(func() { _ = x.keys.Close(); _ = screen.Close() })
	go x.read()
	return x
}

func (x *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := x.keys.Read(buf)
		x.mu.Lock()
		x.shown += string(buf[:n])
		x.ended = err != nil // when no program has it open any more
		ended := x.ended
		x.mu.Unlock()
		select {
		case x.more <- struct{}{}:
		default:
		}
		if ended {
			return
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown
}

// waitFor waits until a text is shown.
func (x *terminal) waitFor(text string) {
	x.t.Helper()
	limit := time.After(time.Minute)
	for !strings.Contains(x.text(), text) {
		select {
		case <-x.more:
		case <-limit:
			x.t.Fatalf("never shown: %q, but\n%s", text, x.text())
		}
	}
}

func (x *terminal) types(text string) {
	x.t.Helper()
	if _, err := x.keys.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// echoes tells whether what is typed is shown.
func (x *terminal) echoes() bool {
	x.t.Helper()
	var state *unix.Termios
	raw, err := x.keys.SyscallConn()
	if err == nil {
		err = errors.Join(err, raw.Control(func(fd uintptr) { state, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }))
	}
	if err != nil {
		x.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// guarded is a mesh of one host, which a real sshd is, and that lets in a key with the
// passphrase "open sesame".
type guarded struct {
	t   *testing.T
	dir string
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a real sshd is started as root only")
	}
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		t.Skip("openssh-server is not installed")
	}
	g := &guarded{t, t.TempDir()}
	_ = os.MkdirAll("/run/sshd", 0o755) // sshd says if it cannot use it
	g.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", g.path("host"))
	g.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", g.path("id"))
	g.run("cp", g.path("id.pub"), g.path("authorized"))
	port := reservedPort(t)
	key, err := os.ReadFile(g.path("host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	g.put("known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", port, key))
	g.put("infra/cue.mod/module.cue", "module: \"example.com/infra\"\nlanguage: version: \"v0.17.0\"\n")
	g.put("infra/prod/mesh.cue", fmt.Sprintf("package prod\n\nname: \"prod\"\nhosts: h1: {address: \"127.0.0.1\", ssh: {user: \"root\", port: %d}}\n", port))
	g.put("sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nPidFile none\nSetEnv MESHSYNC_ROOT=%s\n",
		port, g.path("host"), g.path("authorized"), g.path("root")))
	sshd := exec.Command("/usr/sbin/sshd", "-D", "-E", g.path("log"), "-f", g.path("sshd_config"))
	if err := sshd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sshd.Process.Kill(); _ = sshd.Wait() })
	for end := time.Now().Add(time.Minute); ; {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = c.Close()
			return g
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// reservedPort is one that nobody else gets before the test ends, and that sshd can listen on:
// the socket that has it sets SO_REUSEADDR, as sshd does, and does not listen itself.
func reservedPort(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	at := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, at)); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return sa.(*unix.SockaddrInet4).Port
}

func (g *guarded) path(name string) string { return filepath.Join(g.dir, name) }

func (g *guarded) put(name, text string) {
	g.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(g.path(name)), 0o755), os.WriteFile(g.path(name), []byte(text), 0o600)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guarded) run(name string, args ...string) {
	g.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		g.t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// plan is the command that asks the host, in a session of its own on a terminal.
func (g *guarded) plan(x *terminal) *exec.Cmd {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"meshsync", "plan", "-C", "prod", "--worktree", "-i", g.path("id"), "--known-hosts", g.path("known_hosts")}
	cmd.Dir = g.path("infra")
	cmd.Env = []string{"HOME=" + g.dir, "PATH=" + os.Getenv("PATH"), "USER=root", "TERM=dumb"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = x.screen, x.screen, x.screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return cmd
}

// code waits for the end of a command that has the terminal.
func (x *terminal) code(cmd *exec.Cmd) int {
	x.t.Helper()
	err := cmd.Wait()
	_ = x.screen.Close() // then the other end sees the end of what was shown
	limit := time.After(time.Minute)
	for x.mu.Lock(); !x.ended; x.mu.Lock() {
		x.mu.Unlock()
		select {
		case <-x.more:
		case <-limit:
			x.t.Fatal("the terminal does not end")
		}
	}
	x.mu.Unlock()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		x.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

const asked = "passphrase of the key file"

func TestAPassphraseIsAskedForOnATerminal(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		types string
		code  int
		says  string
	}{
		"right":    {"open sesame\n", exitOK, "1 of 1"},
		"wrong":    {"guess one\nguess two\nguess three\n", exitIncomplete, "the passphrase that was given does not open the key file"},
		"none":     {"\n", exitIncomplete, "has a passphrase, and it was not given: ssh-add"},
		"ended":    {"\x04", exitIncomplete, "has a passphrase, and it was not given: ssh-add"},
		"given up": {"open\x03", exitInterrupted, "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, term := newGuarded(t), newTerminal(t)
			cmd := g.plan(term)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			term.waitFor(asked)
			if term.echoes() {
				t.Error("it asks while what is typed is shown")
			}
			term.waitFor("go on without it): ")
			term.types(x.types)
			if err := cmd.Process.Signal(syscall.Signal(0)); err != nil && x.code == exitOK {
				t.Error(err)
			}
			code := term.code(cmd)
			shown := term.text()
			if code != x.code || !strings.Contains(shown, x.says) {
				t.Errorf("exit code %d, want %d, with %q:\n%s", code, x.code, x.says, shown)
			}
			if n := strings.Count(shown, asked); n != 1 {
				t.Errorf("it asks %d times:\n%s", n, shown)
			}
			for _, word := range []string{"open sesame", "guess", "sesame"} {
				if strings.Contains(shown, word) {
					t.Errorf("what was typed is shown:\n%s", shown)
				}
			}
			if !term.echoes() {
				t.Error("the terminal is left without an echo")
			}
		})
	}
}

// Nobody is asked who could not see the question, or whose answer would come from elsewhere.
func TestAPassphraseIsAskedForOnATerminalOnly(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*exec.Cmd){
		"standard input": func(c *exec.Cmd) {
			c.Stdin = strings.NewReader("open sesame\n")
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		},
		"standard error": func(c *exec.Cmd) { c.Stderr = c.Stdout.(*os.File) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, term := newGuarded(t), newTerminal(t)
			cmd := g.plan(term)
			said, err := os.Create(g.path("said"))
			if err != nil {
				t.Fatal(err)
			}
			defer said.Close()
			cmd.Stdout = said
			change(cmd)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			code := term.code(cmd)
			text, err := os.ReadFile(said.Name())
			if err != nil {
				t.Fatal(err)
			}
			all := term.text() + string(text)
			if code != exitIncomplete || strings.Contains(all, asked) || !strings.Contains(all, "ssh-add "+g.path("id")) {
				t.Errorf("exit code %d:\n%s", code, all)
			}
		})
	}
}
