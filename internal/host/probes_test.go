package host

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// listen starts a service that hands each connection to serve, and returns its port.
func listen(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accept(t, l, serve)
	return l.Addr().(*net.TCPAddr).Port
}

// accept hands each connection to serve, until the test ends.
func accept(t *testing.T, l net.Listener, serve func(net.Conn)) {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
}

// bound returns a socket that has a port of its own and does not listen: connections to
// it are refused, and nobody else gets the port. It has the options when it gets it.
func bound(t *testing.T, options ...int) (fd, port int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd) // what a test leaves running would keep the port
	t.Cleanup(func() { _ = syscall.Close(fd) })
	for _, o := range options {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, o, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, sa.(*syscall.SockaddrInet4).Port
}

// full returns the port of a service that accepts nobody and whose queue is full: a
// connection to it takes as long as the caller has patience.
func full(t *testing.T) int {
	t.Helper()
	fd, port := bound(t)
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	to := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String()
	for range 16 { // until one more is not let in
		c, err := net.DialTimeout("tcp", to, 200*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the queue does not fill")
	return 0
}

// says reads a request up to what ends it and answers.
func says(until, text string) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		var got []byte
		b := make([]byte, 1)
		for !strings.HasSuffix(string(got), until) {
			if _, err := c.Read(b); err != nil {
				return
			}
			got = append(got, b[0])
		}
		_, _ = io.WriteString(c, text)
	}
}

// begins a reply that it never ends.
func begins(c net.Conn) {
	_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n{")
	_, _ = io.Copy(io.Discard, c)
}

// only is a folder with links to the named programs and what every script needs.
func only(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range append(names, "sh", "cat", "stat", "sha256sum", "head") {
		path, err := exec.LookPath(n)
		if err != nil {
			t.Fatalf("this test needs %s: %v", n, err)
		}
		if err := os.Symlink(path, filepath.Join(dir, n)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAProbeIsAnsweredByWhatTheHostHas(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
	long := strings.Repeat("x", 30_000)
	closed := listen(t, func(c net.Conn) { _ = c.Close() })
	_, refused := bound(t)
	hangs := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	checks := []struct {
		name  string
		check mesh.Check
		want  mesh.Answer // without Host and Check
	}{
		{"srvr", mesh.Check{Kind: "zookeeper.ensemble", Port: listen(t, says("srvr", "Zookeeper version: 3.8\nMode: leader\n"))}, mesh.Answer{Body: "Zookeeper version: 3.8\nMode: leader\n"}},
		{"metrics", mesh.Check{Kind: "mesos.agent", Port: listen(t, says("\r\n\r\n", head+`{"a":"it's"}`))}, mesh.Answer{Status: 200, Body: `{"a":"it's"}`}},
		{"long", mesh.Check{Kind: "http", Path: "/x?y=$(z)", Port: listen(t, says("\r\n\r\n", head+long))}, mesh.Answer{Status: 200, Body: long}},
		{"unavailable", mesh.Check{Kind: "http", Path: "/", Port: listen(t, says("\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n\r\nno"))}, mesh.Answer{Status: 503, Body: "no"}},
		{"tcp", mesh.Check{Kind: "tcp", Port: hangs}, mesh.Answer{}},
		{"refused", mesh.Check{Kind: "tcp", Port: refused}, mesh.Answer{Err: "refused"}},
		{"hangs", mesh.Check{Kind: "zookeeper.ensemble", Port: hangs}, mesh.Answer{Err: "timeout"}},
		{"begins and hangs", mesh.Check{Kind: "http", Path: "/", Port: listen(t, begins)}, mesh.Answer{Err: "timeout"}},
		{"queue full", mesh.Check{Kind: "zookeeper.ensemble", Port: full(t)}, mesh.Answer{Err: "timeout"}},
		{"behind it one that closes", mesh.Check{Kind: "http", Path: "/", Port: listen(t, says("\r\n\r\n", head+"pong"))}, mesh.Answer{Status: 200, Body: "pong"}},
		{"closes at once", mesh.Check{Kind: "zookeeper.ensemble", Port: closed}, mesh.Answer{}},
	}
	var all []mesh.Check
	for _, c := range checks {
		all = append(all, c.check)
	}
	for client, names := range map[string][]string{"perl and bash": {"perl", "bash"}, "perl": {"perl"}, "bash": {"bash"}} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.programs = only(t, names...)
			b.put("/var/lib/meshsync/prod/record.json", `{"version":1,"mesh":"prod","entries":{},"services":{}}`)
			h := New(Options{Mesh: "prod", Name: "h", Checks: all, Dialer: b, Timeout: time.Minute})
			s := h.Observe(context.Background())
			if s.Outcome != mesh.OK || s.RecordState != mesh.RecordOK || len(s.Host.Answers) != len(checks) {
				t.Fatalf("%s %s, record %s, %+v", s.Outcome, s.Message, s.RecordState, s.Host)
			}
			for i, c := range checks {
				got := s.Host.Answers[i]
				if got.Status != c.want.Status || got.Body != c.want.Body || got.Err != c.want.Err {
					t.Errorf("%s: status %d, err %q, body of %d bytes; want %d, %q, %d bytes", c.name, got.Status, got.Err, len(got.Body), c.want.Status, c.want.Err, len(c.want.Body))
				}
			}
		})
	}
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		b.programs = only(t, "curl")
		h := New(Options{Mesh: "prod", Name: "h", Dialer: b, Timeout: time.Minute})
		for i, got := range h.Probe(context.Background(), all) {
			want := checks[i].want
			if k := checks[i].check.Kind; k != "http" && k != "mesos.agent" {
				want = mesh.Answer{Err: "no_client"}
			}
			if got.Status != want.Status || got.Body != want.Body || got.Err != want.Err {
				t.Errorf("%s: status %d, err %q, body of %d bytes", checks[i].name, got.Status, got.Err, len(got.Body))
			}
		}
	})
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		b.programs = only(t)
		h := New(Options{Mesh: "prod", Name: "h", Dialer: b, Timeout: time.Minute})
		for _, a := range h.Probe(context.Background(), all) {
			if a.Err != "no_client" {
				t.Errorf("%+v", a)
			}
		}
	})
}

// Only a refused connection says that nothing listens: a client that fails for a reason
// of its own leaves the service unknown.
func TestAClientThatFailsSaysNothingOfTheService(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"tcp 0": "", "tcp 7": "refused", "http 7": "refused", "tcp 28": "timeout", "tcp 1": "error", "http 2": "error", "http 255": "error",
		"tcp": "error", "0 200": "", "refused": "refused", "no_client": "no_client",
	} {
		if got := answer("h", mesh.Check{Kind: "tcp"}, nil, how).Err; got != want {
			t.Errorf("%s: %q, want %q", how, got, want)
		}
	}
}

// What reads the record may be killed, or find no memory: a host whose record was not read
// is unknown, not a host without one, of which nothing would be known to be meshsync's.
func TestAHostWhoseRecordIsNotReadIsUnknown(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"perl", "bash"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.programs = only(t)
			broken := filepath.Join(b.programs, client)
			if err := os.WriteFile(broken, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			b.put("/var/lib/meshsync/prod/record.json", `{"version":1,"mesh":"prod","entries":{},"services":{}}`)
			s := New(Options{Mesh: "prod", Name: "h", Dialer: b, Timeout: time.Minute}).Observe(context.Background())
			if s.Outcome != mesh.Garbled || !strings.Contains(s.Message, "record") {
				t.Errorf("%s %q, record %s", s.Outcome, s.Message, s.RecordState)
			}
		})
	}
}
