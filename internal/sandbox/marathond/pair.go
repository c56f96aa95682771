package marathond

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Pair is one Marathon on two nodes: the first leads, the second passes requests on, until the
// leader goes and the other takes over. What a client sees meanwhile is what was recorded of
// 1.11.26, with rounded times. It may be used by several at the same time.
type Pair struct {
	s     *Server
	nodes [2]string // host:port

	mu     sync.Mutex
	leader int
	gone   bool          // the other node is: it answers nothing
	stages []stage       // of a change of the leader; the first is the one that lasts
	next   chan struct{} // closed when the first stage ends
}

// stage is a part of a change as the node that is left shows it. answer reports whether it
// answered; else the request waits for the next stage.
type stage struct {
	lasts  time.Duration
	answer func(p *Pair, w http.ResponseWriter, r *http.Request) bool
}

// Ways in which a leader goes.
const (
	Abdicates = "abdicate" // DELETE /v2/leader
	Ends      = "term"     // SIGTERM
	Dies      = "kill"     // SIGKILL: its session with ZooKeeper has to run out
)

func changes() map[string][]stage {
	return map[string][]stage{
		Abdicates: {{500 * time.Millisecond, (*Pair).asBefore}, {150 * time.Millisecond, (*Pair).leaving}, {2 * time.Second, (*Pair).silent}, {2 * time.Second, (*Pair).loading}},
		Ends:      {{150 * time.Millisecond, (*Pair).unavailable}, {2 * time.Second, (*Pair).silent}, {3 * time.Second, (*Pair).loadingEmpty}},
		Dies:      {{250 * time.Millisecond, broken(http.StatusBadGateway)}, {11500 * time.Millisecond, broken(http.StatusInternalServerError)}, {2 * time.Second, (*Pair).loadingEmpty}},
	}
}

// Pair puts the Marathon on two nodes, of which the first leads. It must have no Address of its own.
func (s *Server) Pair(leader, standby string) *Pair {
	return &Pair{s: s, nodes: [2]string{leader, standby}}
}

// Node is the door of one of the two, 0 or 1.
func (p *Pair) Node(n int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete && r.URL.Path == "/v2/leader" && p.LeaderGoes(Abdicates) == nil {
			leaderHeaders(w.Header(), p.nodes[0])
			abdicated().send(w, false)
			return
		}
		for {
			answered, next := p.serve(n, w, r)
			if answered {
				return
			}
			select {
			case <-next:
			case <-p.s.done:
				panic(http.ErrAbortHandler)
			case <-r.Context().Done():
				return
			}
		}
	})
}

// LeaderGoes begins a change. The first leader can go once; its node does not come back.
func (p *Pair) LeaderGoes(how string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	stages, known := changes()[how]
	if !known || p.leader != 0 || p.stages != nil {
		return fmt.Errorf("the leader cannot go by %q, or is going", how)
	}
	p.stages, p.next = stages, make(chan struct{})
	if how != Abdicates {
		p.lose()
	}
	p.s.clock.AfterFunc(stages[0].lasts, p.advance)
	return nil
}

// lose is the moment at which the old leader is no more.
func (p *Pair) lose() {
	p.gone = true
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.leaderless = true
	p.s.dropStreams()
}

// advance goes on to the next stage.
func (p *Pair) advance() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.lose()
	}
	p.stages = p.stages[1:]
	close(p.next)
	if len(p.stages) > 0 {
		p.next = make(chan struct{})
		p.s.clock.AfterFunc(p.stages[0].lasts, p.advance)
		return
	}
	p.leader, p.stages = 1, nil
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.leaderless = false
	p.s.takeOver()
}

// serve answers as a node does now; what it does not answer waits for next.
func (p *Pair) serve(n int, w http.ResponseWriter, r *http.Request) (answered bool, next <-chan struct{}) {
	p.mu.Lock()
	leader, gone, now, next := p.leader, p.gone, stage{answer: (*Pair).asBefore}, p.next
	if len(p.stages) > 0 {
		now = p.stages[0]
	}
	p.mu.Unlock()
	switch n {
	case leader:
		if n == 0 && gone {
			panic(http.ErrAbortHandler)
		}
		return p.lead(n, w, r), nil
	case 0:
		panic(http.ErrAbortHandler)
	}
	return now.answer(p, w, r), next
}

func (p *Pair) lead(n int, w http.ResponseWriter, r *http.Request) bool {
	own := r.Clone(r.Context())
	own.Host = p.nodes[n]
	p.s.ServeHTTP(w, own)
	return true
}

// asBefore passes the request on to the old leader.
func (p *Pair) asBefore(w http.ResponseWriter, r *http.Request) bool {
	p.s.Standby(p.nodes[1], p.nodes[0]).ServeHTTP(w, r)
	return true
}

// leaving is a leader that has let go and has not ended yet.
func (p *Pair) leaving(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case pathEvents:
		return p.asBefore(w, r)
	case "/v2/deployments":
		leaderHeaders(w.Header(), p.nodes[0])
		w.Header().Set("X-Marathon-Via", "1.1 "+p.nodes[1])
		fail(http.StatusInternalServerError, "not currently active (Actor[akka://marathon/user/deploymentManager#1])").send(w, false)
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
	return true
}

func (p *Pair) silent(http.ResponseWriter, *http.Request) bool { return false }

// unavailable is a leader that is about to end.
func (p *Pair) unavailable(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == pathEvents {
		return p.asBefore(w, r)
	}
	w.Header().Set("X-Marathon-Via", "1.1 "+p.nodes[1])
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

// broken is a leader that is not there and was not missed yet.
func broken(status int) func(*Pair, http.ResponseWriter, *http.Request) bool {
	return func(p *Pair, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == pathEvents {
			return p.asBefore(w, r)
		}
		w.WriteHeader(status)
		return true
	}
}

// loading is a node that leads and has not read the store yet: what needs it waits.
func (p *Pair) loading(w http.ResponseWriter, r *http.Request) bool {
	return (r.URL.Path == "/ping" || r.URL.Path == pathEvents) && p.lead(1, w, r)
}

// loadingEmpty is the same, and lists no deployments meanwhile.
func (p *Pair) loadingEmpty(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/v2/deployments" && r.Method == http.MethodGet {
		leaderHeaders(w.Header(), p.nodes[1])
		ok([]any{}).send(w, false)
		return true
	}
	return p.loading(w, r)
}
