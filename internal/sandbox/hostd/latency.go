package hostd

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// lateBytes bounds what is on its way: a writer waits beyond it, as with a full window.
const lateBytes = 4 << 20

// lateConn is a connection of which each byte written arrives later, as over a long cable:
// what is written one after another is on its way together. Close drops what has not arrived.
type lateConn struct {
	net.Conn
	late time.Duration

	mu     sync.Mutex
	moved  *sync.Cond // something was sent, or the connection ended
	onWay  []lateWrite
	size   int
	failed error
}

type lateWrite struct {
	due  time.Time
	data []byte
}

// newLateConn also starts what sends, which ends with the connection.
func newLateConn(c net.Conn, late time.Duration, begin func(func())) *lateConn {
	l := &lateConn{Conn: c, late: late}
	l.moved = sync.NewCond(&l.mu)
	begin(l.send)
	return l
}

func (l *lateConn) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.size > lateBytes && l.failed == nil {
		l.moved.Wait()
	}
	if l.failed != nil {
		return 0, l.failed
	}
	l.onWay = append(l.onWay, lateWrite{time.Now().Add(l.late), bytes.Clone(p)})
	l.size += len(p)
	l.moved.Broadcast()
	return len(p), nil
}

func (l *lateConn) Close() error {
	l.end(net.ErrClosed)
	return l.Conn.Close()
}

func (l *lateConn) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
	l.moved.Broadcast()
}

// next waits for what is to be sent; false at the connection's end.
func (l *lateConn) next() (lateWrite, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.onWay) == 0 && l.failed == nil {
		l.moved.Wait()
	}
	if l.failed != nil {
		return lateWrite{}, false
	}
	w := l.onWay[0]
	l.onWay = l.onWay[1:]
	return w, true
}

func (l *lateConn) send() {
	for {
		w, ok := l.next()
		if !ok {
			return
		}
		time.Sleep(time.Until(w.due))
		if _, err := l.Conn.Write(w.data); err != nil {
			l.end(err)
			return
		}
		l.mu.Lock()
		l.size -= len(w.data)
		l.moved.Broadcast()
		l.mu.Unlock()
	}
}
