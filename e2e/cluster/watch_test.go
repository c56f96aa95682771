//go:build linux

package cluster

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
)

// What a member is, seen from outside.
const (
	down     = "down"    // nobody listens
	silence  = "silent"  // it listens, and may be about to come or to go
	waiting  = "waiting" // it answers that it does not serve
	leader   = "leader"
	follower = "follower"
)

// A glance has what each member was between two moments.
type glance struct {
	from, to time.Time
	members  map[string]string // by host
}

func (g glance) count(what ...string) int {
	n := 0
	for _, is := range g.members {
		for _, w := range what {
			if is == w {
				n++
			}
		}
	}
	return n
}

// whole reports whether all members serve.
func (g glance) whole() bool {
	return g.count(leader) == 1 && g.count(leader, follower) == len(g.members)
}

// A watch asks all members of an ensemble again and again what they are.
type watch struct {
	hosts []*bed.Host
	stop  func() // returns when it has ended

	mu  sync.Mutex
	all []glance
}

func startWatch(t *testing.T, hosts []*bed.Host) *watch {
	t.Helper()
	w := &watch{hosts: hosts}
	quit, ended := make(chan struct{}), make(chan struct{})
	w.stop = sync.OnceFunc(func() { close(quit); <-ended })
	t.Cleanup(w.stop)
	go func() {
		defer close(ended)
		next := time.NewTicker(50 * time.Millisecond) // between two looks; a member takes ten times as long to come back
		defer next.Stop()
		for {
			g := w.glance()
			w.mu.Lock()
			w.all = append(w.all, g)
			w.mu.Unlock()
			select {
			case <-quit:
				return
			case <-next.C:
			}
		}
	}()
	return w
}

// glance asks all members at once.
func (w *watch) glance() glance {
	g := glance{from: time.Now(), members: map[string]string{}}
	var mu sync.Mutex
	var asked sync.WaitGroup
	for _, h := range w.hosts {
		asked.Go(func() {
			is := ask(h)
			mu.Lock()
			defer mu.Unlock()
			g.members[h.Name] = is
		})
	}
	asked.Wait()
	g.to = time.Now()
	return g
}

// ask asks one member what it is.
func ask(h *bed.Host) string {
	conn, err := net.DialTimeout("tcp", h.Address+clientPort, time.Second)
	if err != nil {
		return down
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	io.WriteString(conn, "srvr") // where it fails there is no answer
	answer, _ := io.ReadAll(conn)
	for line := range strings.Lines(string(answer)) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode)
		}
	}
	if strings.Contains(string(answer), "not currently serving") {
		return waiting
	}
	return silence
}

func (w *watch) last() glance {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.all) == 0 {
		return glance{}
	}
	return w.all[len(w.all)-1]
}

// whole waits until all members serve, and returns the leader.
func (w *watch) whole(t *testing.T) *bed.Host {
	t.Helper()
	var found *bed.Host
	eventually(t, "all members serve", func() string {
		g := w.glance()
		for _, h := range w.hosts {
			if g.members[h.Name] == leader {
				found = h
			}
		}
		if !g.whole() {
			return fmt.Sprint(g.members)
		}
		return ""
	})
	return found
}

// end ends the watch and returns all that it saw.
func (w *watch) end() []glance {
	w.stop()
	return w.all
}

// A stopping is when systemd began to stop a member, by the journal of its host.
type stopping struct {
	host string
	at   time.Time
}

// stoppings lists them in their order. All hosts have one clock.
func stoppings(t *testing.T, hosts []*bed.Host) []stopping {
	t.Helper()
	const script = `journalctl -o short-unix --no-pager -q -u zookeeper MESSAGE_ID=de5b426a63be47a7b6ac3eaac82e2f6f`
	var out []stopping
	for _, h := range hosts {
		for line := range strings.Lines(h.Must(t, script)) {
			stamp, _, _ := strings.Cut(line, " ")
			seconds, err := strconv.ParseFloat(stamp, 64)
			if err != nil {
				t.Fatalf("%s: the journal says %q", h.Name, line)
			}
			out = append(out, stopping{h.Name, time.UnixMicro(int64(seconds * 1e6))})
		}
	}
	slices.SortFunc(out, func(a, b stopping) int { return a.at.Compare(b.at) })
	return out
}
