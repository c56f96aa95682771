//go:build linux

package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"meshsync.dev/meshsync/e2e/bed"
)

const (
	clientPort = ":2181"
	// sessionTime is more than an election takes and less than what tells a lost session late.
	sessionTime = 10 * time.Second
	// betweenRounds keeps the clients from taking the machine for themselves.
	betweenRounds = 20 * time.Millisecond
)

// clients of an ensemble write and read all the time, and keep the history of what they were
// answered.
type clients struct {
	hosts []*bed.Host
	nodes []string
	stop  func() // returns when all have ended

	mu      sync.Mutex
	history []seen
}

type silent struct{}

func (silent) Printf(string, ...any) {}

func dialEnsemble(t *testing.T, hosts ...*bed.Host) *zk.Conn {
	t.Helper()
	var servers []string
	for _, h := range hosts {
		servers = append(servers, h.Address+clientPort)
	}
	conn, _, err := zk.Connect(servers, sessionTime, zk.WithLogger(silent{}))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// startClients makes a node for each client, and has them begin. They end with the test, or
// before by stop.
func startClients(t *testing.T, hosts []*bed.Host, n int) *clients {
	t.Helper()
	c := &clients{hosts: hosts}
	quit := make(chan struct{})
	var running sync.WaitGroup
	c.stop = sync.OnceFunc(func() { close(quit); running.Wait() })
	t.Cleanup(c.stop)
	for i := range n {
		c.nodes = append(c.nodes, fmt.Sprintf("/client%d", i))
	}
	for i, node := range c.nodes {
		conn := dialEnsemble(t, hosts...)
		eventually(t, "the node of a client", func() string { return problem(create(conn, node)) })
		running.Go(func() {
			defer conn.Close()
			c.work(conn, node, c.nodes[(i+1)%n], quit)
		})
	}
	return c
}

func create(conn *zk.Conn, node string) error {
	_, err := conn.Create(node, []byte("0"), 0, zk.WorldACL(zk.PermAll))
	if errors.Is(err, zk.ErrNodeExists) { // a try before whose answer was lost
		return nil
	}
	return err
}

// work writes to one node, and reads it and that of another client.
func (c *clients) work(conn *zk.Conn, own, other string, quit <-chan struct{}) {
	next := time.NewTicker(betweenRounds)
	defer next.Stop()
	for n := 1; ; n++ {
		value := strconv.Itoa(n)
		session := conn.SessionID()
		if stat, err := conn.Set(own, []byte(value), -1); err == nil {
			c.note(session, conn, seen{node: own, value: value, version: stat.Version, transaction: stat.Mzxid, wrote: true})
		}
		for _, node := range []string{own, other} {
			session := conn.SessionID()
			if s, err := look(conn, node); err == nil {
				c.note(session, conn, s)
			}
		}
		select {
		case <-quit:
			return
		case <-next.C:
		}
	}
}

// look reads a node.
func look(conn *zk.Conn, node string) (seen, error) {
	value, stat, err := conn.Get(node)
	if err != nil {
		return seen{}, err
	}
	return seen{node: node, value: string(value), version: stat.Version, transaction: stat.Mzxid}, nil
}

// note keeps an answer. Where the session was lost meanwhile, nobody knows which one it was of,
// and it stands for itself.
func (c *clients) note(session int64, conn *zk.Conn, s seen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.session = session
	if conn.SessionID() != session {
		s.session = -int64(len(c.history)) - 1
	}
	c.history = append(c.history, s)
}

// writes counts the acknowledged ones.
func (c *clients) writes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, s := range c.history {
		if s.wrote {
			n++
		}
	}
	return n
}

// served waits until more writes are acknowledged, each client's among them, and returns how many are by now.
func (c *clients) served(t *testing.T) int {
	t.Helper()
	want := c.writes() + 2*len(c.nodes)
	eventually(t, "writes are acknowledged", func() string {
		if got := c.writes(); got < want {
			return fmt.Sprintf("%d of %d", got, want)
		}
		return ""
	})
	return c.writes()
}

// check ends the clients and holds each member to the history.
func (c *clients) check(t *testing.T) {
	t.Helper()
	c.stop()
	for _, h := range c.hosts {
		for _, line := range broken(c.history, c.end(t, h)) {
			t.Errorf("%s: %s", h.Name, line)
		}
	}
	t.Logf("%d answers, %d acknowledged writes", len(c.history), c.writes())
}

// end is what one member has, once it has all that was before the question.
func (c *clients) end(t *testing.T, h *bed.Host) map[string]seen {
	t.Helper()
	conn := dialEnsemble(t, h)
	defer conn.Close()
	out := map[string]seen{}
	for _, node := range c.nodes {
		eventually(t, h.Name+" has "+node, func() string {
			_, err := conn.Sync(node)
			if err == nil {
				out[node], err = look(conn, node)
			}
			return problem(err)
		})
	}
	return out
}

func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// eventually asks until the answer is empty, which means that nothing is missing.
func eventually(t *testing.T, what string, missing func() string) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute) // far beyond what anything here takes
	for {
		last := missing()
		if last == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never: %s: %s", what, last)
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}
