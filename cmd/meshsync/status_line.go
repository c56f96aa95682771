package main

import (
	"fmt"
	"sync"
)

// statusLine shows how far a long step is: one rewritten line on a terminal,
// nothing elsewhere, where a log is better off without it. Safe for concurrent use.
type statusLine struct {
	mu    sync.Mutex
	e     *environment
	what  string
	total int
	n     int
}

func newStatusLine(e *environment, what string, total int) *statusLine {
	return &statusLine{e: e, what: what, total: total}
}

// step counts one more and names it.
func (s *statusLine) step(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	if s.e.stderrTTY {
		fmt.Fprintf(s.e.stderr, "\r\x1b[K%s %d of %d: %s", s.what, s.n, s.total, name)
	}
}

// done clears the line.
func (s *statusLine) done() {
	if s.e.stderrTTY {
		fmt.Fprint(s.e.stderr, "\r\x1b[K")
	}
}
