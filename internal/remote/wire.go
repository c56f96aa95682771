package remote

import (
	"net"
	"strings"
	"sync"
)

// countingConn remembers the first bytes that the server sent, to tell what is no SSH.
type countingConn struct {
	net.Conn
	mu    sync.Mutex
	start []byte
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	if room := 1024 - len(c.start); room > 0 && n > 0 {
		c.start = append(c.start, b[:min(n, room)]...)
	}
	c.mu.Unlock()
	return n, err
}

// notSSH reports whether the server said something in which no line begins with SSH-.
func (c *countingConn) notSSH() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.start) > 0 && !strings.Contains("\n"+string(c.start), "\nSSH-")
}
