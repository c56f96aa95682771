package marathond

import (
	"sort"
	"sync"
	"time"
)

// Clock is where the time comes from, and what wakes the server up.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once in a goroutine or from Advance, d later, unless stopped.
	AfterFunc(d time.Duration, f func()) (stop func())
}

// RealClock is the time of day.
type RealClock struct{}

// Now is the time of day.
func (RealClock) Now() time.Time { return time.Now() }

// AfterFunc is that of package time.
func (RealClock) AfterFunc(d time.Duration, f func()) func() {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// ManualClock moves only when it is told to: tests need no sleeps.
type ManualClock struct {
	mu      sync.Mutex
	now     time.Time
	waiting []*alarm
}

type alarm struct {
	at time.Time
	f  func()
}

// NewManualClock stands at a time.
func NewManualClock(at time.Time) *ManualClock { return &ManualClock{now: at} }

// Now is where the clock stands.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f from Advance or Next.
func (c *ManualClock) AfterFunc(d time.Duration, f func()) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{at: c.now.Add(d), f: f}
	c.waiting = append(c.waiting, a)
	sort.SliceStable(c.waiting, func(i, j int) bool { return c.waiting[i].at.Before(c.waiting[j].at) })
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, x := range c.waiting {
			if x == a {
				c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
				return
			}
		}
	}
}

// Advance moves the clock on, calling what falls due on the way, in order.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	c.mu.Unlock()
	for c.next(end) {
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = end
}

// Next moves the clock to the next alarm, if there is one within d, and calls it.
func (c *ManualClock) Next(d time.Duration) bool {
	c.mu.Lock()
	end := c.now.Add(d)
	c.mu.Unlock()
	return c.next(end)
}

func (c *ManualClock) next(end time.Time) bool {
	c.mu.Lock()
	if len(c.waiting) == 0 || c.waiting[0].at.After(end) {
		c.mu.Unlock()
		return false
	}
	a := c.waiting[0]
	c.waiting = c.waiting[1:]
	if a.at.After(c.now) {
		c.now = a.at
	}
	c.mu.Unlock()
	a.f()
	return true
}
