package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox/hostd"
)

// masters are three hosts, and the way through them.
func masters(t *testing.T) (*hostd.World, *Through) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // hosts may run as another user
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	identity := filepath.Join(dir, "user")
	key, err := hostd.WriteKey(identity)
	if err != nil {
		t.Fatal(err)
	}
	w, err := hostd.Start(hostd.Options{
		Dir: filepath.Join(dir, "world"), User: "ops", UserKey: key.PublicKey(),
		Hosts: []hostd.HostOptions{{Name: "m1"}, {Name: "m2"}, {Name: "m3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	p, err := NewPool(Options{IdentityFiles: []string{identity}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var hosts []*Dialer
	for _, name := range w.Names() {
		h := w.Host(name)
		hosts = append(hosts, p.Host(mesh.HostSpec{Name: name, Address: "127.0.0.1", Port: h.Port(), User: "ops", HostKeys: []string{h.HostKey()}}))
	}
	through := NewThrough(hosts)
	t.Cleanup(func() { _ = errors.Join(through.Close(), p.Close()) })
	return w, through
}

func faults(t *testing.T, w *hostd.World, name, arg string, hosts ...string) {
	t.Helper()
	for _, h := range hosts {
		if err := w.Host(h).Fault(name, arg); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnotherHostIsTakenWhereOneIsLost(t *testing.T) {
	t.Parallel()
	w, through := masters(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong") }))
	t.Cleanup(s.Close)
	port := s.Listener.Addr().(*net.TCPAddr).Port
	w.Show(port)
	client := &http.Client{Transport: &http.Transport{DialContext: through.DialContext, DisableKeepAlives: true}, Timeout: 20 * time.Second}
	ask := func() error {
		resp, err := client.Get(s.URL)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "pong" {
			t.Errorf("it says %q, %v", text, err)
		}
		return nil
	}
	for _, lost := range [][]string{nil, {"m1"}, {"m1", "m2"}} {
		faults(t, w, hostd.FaultUnreachable, "", lost...)
		for range 2 {
			if err := ask(); err != nil {
				t.Errorf("without %v: %v", lost, err)
			}
		}
		if name := through.hosts[through.last].ep.name; len(through.conns) != 1 || name != []string{"m1", "m2", "m3"}[len(lost)] {
			t.Errorf("without %v: %d connections, the last to %s", lost, len(through.conns), name)
		}
	}
	faults(t, w, hostd.FaultUnreachable, "", "m3")
	err := ask()
	var dial *net.OpError
	if !errors.As(err, &dial) || dial.Op != "dial" {
		t.Fatalf("without all: %v", err)
	}
	for _, name := range []string{"m1: ", "m2: ", "m3: "} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v says nothing of %s", err, name)
		}
	}
	faults(t, w, hostd.FaultUnreachable, hostd.Off, "m2")
	if err := ask(); err != nil {
		t.Errorf("with one again: %v", err)
	}
}

// A place that does not answer is no reason to give up the connection to a host.
func TestAHostThatDoesNotReachAPlaceStaysConnected(t *testing.T) {
	t.Parallel()
	_, through := masters(t)
	for range 2 {
		_, err := through.DialContext(context.Background(), "tcp", "127.0.0.1:1")
		if err == nil || strings.Count(err.Error(), "does not reach 127.0.0.1:1: ") != 3 || !strings.Contains(err.Error(), "host m1 does not reach") || !strings.Contains(err.Error(), "is Marathon running there") {
			t.Fatal(err)
		}
		if len(through.conns) != 3 {
			t.Errorf("%d connections", len(through.conns))
		}
	}
}

// TestAHostThatIsWorkedOnIsAskedLast: also where it connected last, and until nobody works on it.
func TestAHostThatIsWorkedOnIsAskedLast(t *testing.T) {
	t.Parallel()
	_, through := masters(t)
	through.last = 1
	if o := through.order(); !slices.Equal(o, []int{1, 2, 0}) {
		t.Errorf("%v", o)
	}
	end, other := through.Avoid("m2"), through.Avoid("m2")
	if o := through.order(); !slices.Equal(o, []int{2, 0, 1}) {
		t.Errorf("m2 is worked on: %v", o)
	}
	end()
	if o := through.order(); !slices.Equal(o, []int{2, 0, 1}) {
		t.Errorf("m2 is still worked on: %v", o)
	}
	other()
	if o := through.order(); !slices.Equal(o, []int{1, 2, 0}) {
		t.Errorf("nobody works on m2: %v", o)
	}
}
