package hostd

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// A talker does nothing but answer how it is, as the real program does when all is well or, with the
// fault never-serves, when it is not.
type talker struct{ generic }

// withSocket adds the unit's socket to what it listens on. One that a killed process left is in nobody's way.
func (t *talker) withSocket(open []net.Listener) ([]net.Listener, error) {
	if t.unit.at == "" {
		return open, nil
	}
	l, err := t.unit.host.openSocket(t.unit.at)
	if err != nil {
		for _, o := range open {
			_ = o.Close()
		}
		t.unit.host.closed(t.ports())
		return nil, err
	}
	return append(open, l), nil
}

func (h *Host) openSocket(path string) (net.Listener, error) {
	name, err := h.inRoot(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	_ = os.Remove(name)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(name, 0o666) // hosts may run as another user
}

func (t *talker) serve(l net.Listener) {
	if t.unit.kind == KindHAProxy && l.Addr().Network() == "unix" {
		t.serveInfo(l)
		return
	}
	serveHTTP(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, text := t.answer(r.URL.Path)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
}

// answer is what the path answers by which one asks how the program is.
func (t *talker) answer(path string) (status int, text string) {
	down := t.unit.neverServes()
	switch t.unit.kind + " " + path {
	case "marathon /ping":
		if down {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, "pong"
	case "consul /v1/status/leader":
		if down {
			return http.StatusOK, `""`
		}
		return http.StatusOK, `"10.0.0.11:8300"`
	case "docker /_ping":
		if down {
			return http.StatusInternalServerError, "not ok\n"
		}
		return http.StatusOK, "OK"
	default:
		return http.StatusNotFound, "not found\n"
	}
}

// serveInfo speaks as HAProxy's stats socket does: a command, its answer, and the connection ends.
func (t *talker) serveInfo(l net.Listener) {
	answerEach(l, func(c net.Conn) {
		line, _ := bufio.NewReader(io.LimitReader(c, 1<<10)).ReadString('\n')
		_, _ = io.WriteString(c, t.info(line))
	})
}

// answerEach has each connection answered once, until the listener is closed.
func answerEach(l net.Listener, answer func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			answer(c)
		}()
	}
}

func (t *talker) info(command string) string {
	if command != "show info\n" {
		return "Unknown command: '" + command + "'\n\n"
	}
	stopping := "0"
	if t.unit.neverServes() {
		stopping = "1"
	}
	return "Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nUptime_sec: 8\nCurrConns: 0\nStopping: " + stopping + "\n\n"
}
