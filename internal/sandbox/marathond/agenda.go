package marathond

import (
	"container/heap"
	"time"
)

// agenda is what happens later: ordered by time, then by when it was put there.
type agenda struct {
	items []item
	count int
	stop  func() // of the alarm that is set
	armed time.Time
}

type item struct {
	at    time.Time
	order int
	do    func()
}

func (a *agenda) Len() int { return len(a.items) }

func (a *agenda) Less(i, j int) bool {
	x, y := a.items[i], a.items[j]
	if x.at.Equal(y.at) {
		return x.order < y.order
	}
	return x.at.Before(y.at)
}

func (a *agenda) Swap(i, j int) { a.items[i], a.items[j] = a.items[j], a.items[i] }

// Push adds an item.
func (a *agenda) Push(x any) {
	if it, ok := x.(item); ok {
		a.items = append(a.items, it)
	}
}

// Pop takes the last one off.
func (a *agenda) Pop() any {
	n := len(a.items) - 1
	it := a.items[n]
	a.items = a.items[:n]
	return it
}

// after puts something on the agenda. It runs with the lock held.
func (s *Server) after(d time.Duration, do func()) {
	s.agenda.count++
	heap.Push(&s.agenda, item{at: s.clock.Now().Add(d), order: s.agenda.count, do: do})
	s.arm()
}

// arm sets the alarm for the first item.
func (s *Server) arm() {
	if s.closed || s.agenda.Len() == 0 {
		return
	}
	first := s.agenda.items[0].at
	if s.agenda.stop != nil {
		if !first.Before(s.agenda.armed) {
			return
		}
		s.agenda.stop()
	}
	s.agenda.armed = first
	s.agenda.stop = s.clock.AfterFunc(max(0, first.Sub(s.clock.Now())), s.wake)
}

// wake does what is due.
func (s *Server) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agenda.stop = nil
	now := s.clock.Now()
	for !s.closed && s.agenda.Len() > 0 && !s.agenda.items[0].at.After(now) {
		if it, ok := heap.Pop(&s.agenda).(item); ok {
			it.do()
		}
	}
	s.arm()
}
