package remote

import (
	"net"
	"strings"
	"sync"
)

// wire is what an SSH connection runs over. It counts what comes in, which is the sign
// that the other side lives, and remembers how it began, to tell what is no SSH.
type wire struct {
	net.Conn
	mu       sync.Mutex
	start    []byte
	received int64
}

// maxStart is how much of the beginning is remembered: SSH's own first line comes within.
const maxStart = 1024

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	w.received += int64(n)
	if room := maxStart - len(w.start); room > 0 && n > 0 {
		w.start = append(w.start, b[:min(n, room)]...)
	}
	w.mu.Unlock()
	return n, err
}

// heard is how many bytes came in so far.
func (w *wire) heard() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.received
}

// farewell is the line with which sshd turns a connection away before it speaks SSH:
// OpenSSH has one for MaxStartups and one for PerSourcePenalties. "" when there is none.
func (w *wire) farewell() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range []string{"Exceeded MaxStartups", "Not allowed at this time"} {
		if strings.HasPrefix(string(w.start), line) {
			return line
		}
	}
	return ""
}

// notSSH reports whether the server said something in which no line begins with SSH-.
func (w *wire) notSSH() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.start) > 0 && !strings.Contains("\n"+string(w.start), "\nSSH-")
}
