package hostd

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// newProgram reads the settings of a unit's program, as it does when it starts. An error
// is a *startError that says what the real one would stumble over.
func (u *unit) newProgram() (program, error) {
	switch u.kind {
	case KindZooKeeper:
		return newZooKeeper(u)
	case KindMesosMaster:
		return newMaster(u)
	case KindMesosAgent:
		return newAgent(u)
	case KindMarathon, KindConsul, KindHAProxy, KindDocker:
		return &talker{generic{name: u.name, port: u.port, unit: u}}, nil
	default:
		return &generic{name: u.name, port: u.port, unit: u}, nil
	}
}

// generic is a process and, at most, a port where every request is answered with 200.
type generic struct {
	name string
	port int
	unit *unit
}

func (g *generic) argv0() string        { return "/usr/sbin/" + g.name }
func (g *generic) delay() time.Duration { return 0 }
func (g *generic) join(*process)        {}
func (g *generic) leave(time.Time)      {}

func (g *generic) ports() []int {
	if g.port == 0 {
		return nil
	}
	return []int{g.port}
}

func (g *generic) serve(l net.Listener) {
	serveHTTP(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if g.unit.neverServes() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	}))
}

// neverServes reports whether a fault keeps the unit from serving.
func (u *unit) neverServes() bool {
	arg, ok := u.host.faults.arg(FaultNeverServes)
	return ok && strings.TrimSuffix(arg, ".service") == u.name
}

// serveHTTP serves until the listener is closed. Then its connections end, too.
func serveHTTP(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	_ = s.Serve(l)
	_ = s.Close()
}

// open opens ports on the host's own 127.0.0.1. On a machine without namespaces they are
// free ports of the machine's, and a file per port says to the stubs of curl and perl which.
func (h *Host) open(ports []int) ([]net.Listener, error) {
	var out []net.Listener
	err := h.cage.do(func() error {
		for _, p := range ports {
			if !h.cage.private() {
				if h.redirected(p) != 0 {
					return fmt.Errorf("port %d: address already in use", p)
				}
			}
			l, err := h.openPort(p)
			if err != nil {
				return err
			}
			out = append(out, l)
		}
		return nil
	})
	if err != nil {
		for _, l := range out {
			_ = l.Close()
		}
		h.closed(ports[:len(out)])
	}
	return out, err
}

func (h *Host) openPort(port int) (net.Listener, error) {
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	if !h.cage.private() {
		at.Port = 0
	}
	l, err := net.ListenTCP("tcp4", at)
	if err != nil || h.cage.private() {
		return l, err
	}
	actual := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(h.portFile(port), []byte(actual+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("note port %d: %w", port, err)
	}
	return l, nil
}

func (h *Host) portFile(port int) string {
	return filepath.Join(h.run, "port-"+strconv.Itoa(port))
}

// redirected is where a port of a host without a network of its own really is; 0: nowhere.
func (h *Host) redirected(port int) int {
	text, err := os.ReadFile(h.portFile(port))
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text))) // written by openPort
	return n
}

// closed forgets where ports were.
func (h *Host) closed(ports []int) {
	if h.cage.private() {
		return
	}
	for _, p := range ports {
		_ = os.Remove(h.portFile(p))
	}
}
