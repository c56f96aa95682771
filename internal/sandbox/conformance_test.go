package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/sandbox"
	"meshsync.dev/meshsync/internal/sandbox/hostd"
)

// TestTheServerBehavesAsOpenSSH asks the sandbox's server and a real sshd the same things.
func TestTheServerBehavesAsOpenSSH(t *testing.T) {
	t.Parallel()
	t.Run("sandbox", func(t *testing.T) {
		t.Parallel()
		c := box(t, sandbox.Options{Hosts: example()[:1]})
		conformance(t, filepath.Join(c.Root("m1"), "tmp"), func() *ssh.Client {
			client, err := dialAs(t, c, "m1", "root")
			if err != nil {
				t.Fatal(err)
			}
			return client
		})
	})
	t.Run("openssh", func(t *testing.T) {
		t.Parallel()
		conformance(t, t.TempDir(), openSSH(t))
	})
}

// openSSH starts a real sshd on loopback that ends with the test, and gives how to log in.
func openSSH(t *testing.T) func() *ssh.Client {
	t.Helper()
	const sshd = "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and openssh-server")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	host, err := hostd.WriteKey(filepath.Join(dir, "host"))
	if err != nil {
		t.Fatal(err)
	}
	user, err := hostd.WriteKey(filepath.Join(dir, "user"))
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(reservedPort(t))
	config := "HostKey " + dir + "/host\nAuthorizedKeysFile " + dir + "/authorized\nPidFile none\nListenAddress 127.0.0.1:" + port +
		"\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPasswordAuthentication no\n"
	for name, text := range map[string][]byte{"config": []byte(config), "authorized": ssh.MarshalAuthorizedKey(user.PublicKey())} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", filepath.Join(dir, "config"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	at := net.JoinHostPort("127.0.0.1", port)
	var client *ssh.Client
	login := func() error {
		client, err = ssh.Dial("tcp", at, &ssh.ClientConfig{
			User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(user)}, HostKeyCallback: ssh.FixedHostKey(host.PublicKey()), Timeout: 30 * time.Second,
		})
		return err
	}
	eventually(t, "sshd lets in", func() bool { return login() == nil })
	client.Close()
	return func() *ssh.Client {
		if err := login(); err != nil {
			t.Fatal(err)
		}
		mine := client
		t.Cleanup(func() { mine.Close() })
		return mine
	}
}

// reservedPort is one that nobody else gets before the test ends, and that sshd can listen on:
// the socket that has it sets SO_REUSEADDR, as sshd does, and does not listen itself.
func reservedPort(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	t.Cleanup(func() { syscall.Close(fd) })
	at := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1), syscall.Bind(fd, at)); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return sa.(*syscall.SockaddrInet4).Port
}

// conformance holds what a client of OpenSSH may rely on, and what it must be ready for.
// dir is a folder that commands can write to.
func conformance(t *testing.T, dir string, login func() *ssh.Client) {
	t.Helper()
	t.Run("exit codes, output and error output", func(t *testing.T) {
		client := login()
		for line, want := range map[string]int{"true": 0, "exit 42": 42, "no-such-command-here": 127, "/no/such/path": 127, "sh -c 'kill -9 $$'; exit $?": 137} {
			if r := command(t, client, line, ""); r.code != want || r.failure != nil {
				t.Errorf("%s: %+v, want exit code %d", line, r, want)
			}
		}
		if r := command(t, client, "echo out; echo err >&2", ""); r.out != "out\n" || r.err != "err\n" {
			t.Errorf("%+v", r)
		}
		big := strings.Repeat("0123456789abcdef", 1<<17)
		if r := command(t, client, "cat", big); r.out != big {
			t.Errorf("2 MB through cat came back as %d bytes, %v", len(r.out), r.failure)
		}
	})
	t.Run("a signal that ends the command is told", func(t *testing.T) {
		r := command(t, login(), "exec sh -c 'kill -KILL $$'", "")
		var exit *ssh.ExitError
		if !errors.As(r.failure, &exit) || exit.Signal() != "KILL" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a command of root cannot be sent a signal", func(t *testing.T) {
		s, err := login().NewSession()
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start("echo ready; cat"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
			t.Fatal(err)
		}
		if err := s.Signal(ssh.SIGKILL); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(in, "alive")
		in.Close()
		if text, _ := io.ReadAll(out); string(text) != "alive" {
			t.Errorf("after the signal: %q", text)
		}
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("ten sessions, no more", func(t *testing.T) {
		client := login()
		for i := range 10 {
			if _, err := client.NewSession(); err != nil {
				t.Fatalf("session %d: %v", i+1, err)
			}
		}
		var open *ssh.OpenChannelError
		if _, err := client.NewSession(); !errors.As(err, &open) || open.Reason != ssh.ConnectionFailed {
			t.Errorf("session 11: %v", err)
		}
	})
	t.Run("a script that is cut is run as far as it came", func(t *testing.T) {
		client := login()
		s, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start("/bin/sh -s"); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(in, "cd %s\ncat >whole <<END\nhalf of it\n", dir)
		fmt.Fprint(in, "other")
		client.Close()
		eventually(t, "the here-document that was cut is written", func() bool {
			text, err := os.ReadFile(filepath.Join(dir, "whole"))
			return err == nil && string(text) == "half of it\nother"
		})
	})
	t.Run("a child that holds the output keeps the channel open", func(t *testing.T) {
		client := login()
		s, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start("(while [ ! -e " + dir + "/go ]; do sleep 0.05; done; echo late) & echo early"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("early\n"))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(out); string(text) != "late\n" {
			t.Errorf("%q", text)
		}
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("forwarding, and what is refused", func(t *testing.T) {
		client := login()
		var open *ssh.OpenChannelError
		if _, err := client.Dial("tcp", "127.0.0.1:1"); !errors.As(err, &open) || open.Reason != ssh.ConnectionFailed {
			t.Errorf("a port where nothing listens: %v", err)
		}
		if _, _, err := client.OpenChannel("no-such-channel", nil); !errors.As(err, &open) || open.Reason != ssh.ConnectionFailed {
			t.Errorf("an unknown channel: %v", err)
		}
		if ok, _, err := client.SendRequest("keepalive@openssh.com", true, nil); ok || err != nil {
			t.Errorf("keep-alive: %v, %v", ok, err)
		}
		s, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Setenv("R", "/"); err == nil {
			t.Error("a client set a variable")
		}
	})
}
