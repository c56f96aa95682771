//go:build linux

package cluster

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// gateway is the address of the tests in the network of the hosts.
const gateway = "10.213.0.1"

// configuration is the header by which HAProxy says which of its configurations answered.
const configuration = "X-Configuration"

// A backend answers requests in the place of a task. Those for /held it holds until it is let.
type backend struct {
	address string
	held    chan struct{} // one for each request that has come
	let     func()
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	listener, err := net.Listen("tcp", gateway+":0")
	if err != nil {
		t.Fatal(err)
	}
	let := make(chan struct{})
	b := &backend{address: listener.Addr().String(), held: make(chan struct{}, 100), let: sync.OnceFunc(func() { close(let) })}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "answer") })
	mux.HandleFunc("/held", func(w http.ResponseWriter, _ *http.Request) {
		b.held <- struct{}{}
		<-let
		fmt.Fprint(w, "answer")
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	t.Cleanup(func() { b.let(); server.Close() })
	return b
}

// A load is clients that make requests all the time, each on its own connection: half of them
// keep theirs, half make a new one for each request.
type load struct {
	url  string
	stop func() // returns when all have ended

	mu      sync.Mutex
	answers map[string]int // by configuration
	failed  []string
}

func startLoad(t *testing.T, url string, n int) *load {
	t.Helper()
	l := &load{url: url, answers: map[string]int{}}
	quit := make(chan struct{})
	var running sync.WaitGroup
	l.stop = sync.OnceFunc(func() { close(quit); running.Wait() })
	t.Cleanup(l.stop)
	for i := range n {
		running.Go(func() { l.work(i%2 == 0, quit) })
	}
	return l
}

func (l *load) work(keep bool, quit <-chan struct{}) {
	transport := &http.Transport{DisableKeepAlives: !keep}
	defer transport.CloseIdleConnections()
	next := time.NewTicker(10 * time.Millisecond) // leaves the machine to others
	defer next.Stop()
	for {
		by, err := get(&http.Client{Transport: transport}, l.url)
		l.note(keep, by, err)
		select {
		case <-quit:
			return
		case <-next.C:
		}
	}
}

func (l *load) note(keep bool, by string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, fmt.Sprintf("%s, connection kept %t: %v", time.Now().Format(time.StampMilli), keep, err))
		return
	}
	l.answers[by]++
}

// get makes a request, and returns which configuration answered it.
func get(c *http.Client, url string) (by string, err error) {
	answer, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || string(body) != "answer") {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return answer.Header.Get(configuration), err
}

// answered waits until a configuration has answered requests of the load.
func (l *load) answered(t *testing.T, by string) {
	t.Helper()
	eventually(t, "the configuration "+by+" answers", func() string {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.answers[by] < 100 {
			return fmt.Sprint(l.answers, l.failed)
		}
		return ""
	})
}

// check ends the load and fails the test for each request that failed.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.stop()
	for _, f := range l.failed {
		t.Error(f)
	}
	t.Logf("requests by configuration: %v", l.answers)
}
