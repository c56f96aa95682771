package marathon

import (
	"context"
	"time"
)

// gathered is for how long more events are waited for after one: a deployment tells of each task several times.
const gathered = 200 * time.Millisecond

// AwaitEvent returns some moments after an event that may tell of other tasks, or of other health; without one after
// atMost, and while there is no stream of events after one poll. What is so is to be read, not to be concluded. Nothing is missed
// that happens between two calls.
func (m *Marathon) AwaitEvent(ctx context.Context, atMost time.Duration, say func(string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.haveStream(ctx, say)
	s := m.events.stream
	if s == nil {
		_ = pause(ctx, min(atMost, m.o.Poll))
		return
	}
	s.listenToAll()
	if s.wait(ctx, atMost, gathered) && s.isAlive() {
		m.events.tries = 0
	}
}
