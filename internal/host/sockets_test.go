package host

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// listenAt starts a service on a socket of the box.
func listenAt(t *testing.T, b *box, path string, serve func(net.Conn)) {
	t.Helper()
	name := filepath.Join(b.root, path)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	accept(t, l, serve)
}

// What listens on a socket is asked by perl, which Debian always has. curl speaks HTTP there, and bash nothing.
func TestASocketIsAskedByWhatTheHostHas(t *testing.T) {
	t.Parallel()
	for client, want := range map[string][]mesh.Answer{
		"perl": {{Body: "Name: HAProxy\n"}, {Status: 200, Body: "OK"}, {Err: "refused"}, {Err: "refused"}, {Err: "error"}},
		"curl": {{Err: "no_client"}, {Status: 200, Body: "OK"}, {Err: "no_client"}, {Err: "refused"}, {Err: "error"}},
		"bash": {{Err: "no_client"}, {Err: "no_client"}, {Err: "no_client"}, {Err: "no_client"}, {Err: "no_client"}},
	} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.programs = only(t, client)
			listenAt(t, b, "/run/h.sock", says("show info\n", "Name: HAProxy\n"))
			listenAt(t, b, "/run/d.sock", says("\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nOK"))
			b.put("/run/dead.sock", "left behind")
			checks := []mesh.Check{
				{Kind: "haproxy", Path: "/run/h.sock"},
				{Kind: "docker", Path: "/run/d.sock"},
				{Kind: "haproxy", Path: "/run/none.sock"},
				{Kind: "docker", Path: "/run/dead.sock"},
				{Kind: "docker", Path: "/run/" + strings.Repeat("x", 100)},
			}
			h := New(Options{Mesh: "prod", Name: "h", Dialer: b, Timeout: time.Minute})
			for i, got := range h.Probe(context.Background(), checks) {
				if got.Status != want[i].Status || got.Body != want[i].Body || got.Err != want[i].Err {
					t.Errorf("%s: status %d, err %q, body %q; want %+v", checks[i].Path, got.Status, got.Err, got.Body, want[i])
				}
			}
		})
	}
}
