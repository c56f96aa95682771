package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNotRunning says that no sandbox runs in a folder.
var ErrNotRunning = errors.New("no sandbox runs here")

// Status says in a text for people what runs in the sandbox of a folder. The error wraps
// ErrNotRunning when none does.
func Status(dir string) (string, error) { return ask(dir, request{Do: "status"}) }

// Fault makes a fault in the sandbox of a folder; arg "off" ends it.
func Fault(dir, target, name, arg string) error {
	_, err := ask(dir, request{Do: "fault", Target: target, Name: name, Arg: arg})
	return err
}

// Down ends the sandbox of a folder and returns when nothing of it is left running. The
// folder stays.
func Down(dir string) error {
	_, err := ask(dir, request{Do: "down"})
	return err
}

// ask sends one request to the sandbox of a folder.
func ask(dir string, q request) (string, error) {
	c, err := dialUnix(filepath.Join(dir, controlSocket))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return "", fmt.Errorf("sandbox in %s: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return "", fmt.Errorf("sandbox in %s: %w", dir, err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * controlTimeout))
	if err := json.NewEncoder(c).Encode(q); err != nil {
		return "", fmt.Errorf("sandbox in %s: %w", dir, err)
	}
	var r reply
	err = json.NewDecoder(c).Decode(&r)
	switch {
	case errors.Is(err, io.EOF) && q.Do == "down":
		return "", nil // it ended before it could say so
	case err != nil:
		return "", fmt.Errorf("sandbox in %s: its answer: %w", dir, err)
	case r.Error != "":
		return "", errors.New(r.Error)
	default:
		return r.Text, nil
	}
}

// maxSocketPath is how long the path of a unix socket may be, on any system.
const maxSocketPath = 100

// short gives a path to a folder that is short enough for a socket in it, by way of a
// symlink when it is too long, and what removes that again.
func short(path string) (string, func(), error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	tmp, err := os.MkdirTemp("", "ms")
	if err != nil {
		return "", nil, err
	}
	clean := func() { _ = os.RemoveAll(tmp) }
	if err := os.Symlink(dir, filepath.Join(tmp, "d")); err != nil {
		clean()
		return "", nil, err
	}
	return filepath.Join(tmp, "d", filepath.Base(path)), clean, nil
}

func listenUnix(path string) (*net.UnixListener, error) {
	at, clean, err := short(path)
	if err != nil {
		return nil, err
	}
	defer clean()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err == nil && at != path {
		l.SetUnlinkOnClose(false) // by a path that is gone; the next one removes the file
	}
	return l, err
}

func dialUnix(path string) (net.Conn, error) {
	at, clean, err := short(path)
	if err != nil {
		return nil, err
	}
	defer clean()
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: at, Net: "unix"})
}
