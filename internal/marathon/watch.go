package marathon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// events is the one stream of a run, and what is known of having one. Without it deployments are looked at as
// often as Poll says.
type events struct {
	stream      *stream // nil: there is none now
	useless     bool    // it is not asked for again
	tries       int     // how many ended without having woken anybody
	again       time.Time
	said        bool
	first, next time.Duration // limits of a stream's silence
}

// subscribe hears the events of an app, before it is written: nothing that the write sets off is missed then.
func (m *Marathon) subscribe(ctx context.Context, app string, say func(string)) {
	m.haveStream(ctx, say)
	if s := m.events.stream; s != nil {
		s.listen(app, "")
	}
}

// haveStream begins the stream when there is none and it is time to. One that has ended is told of once.
func (m *Marathon) haveStream(ctx context.Context, say func(string)) {
	e := &m.events
	if s := e.stream; s != nil {
		select {
		case <-s.over:
			m.lostStream(s.err, say)
		default:
		}
	}
	if e.stream == nil && !e.useless && !m.o.Now().Before(e.again) {
		e.stream = openStream(ctx, m.api, m.api.order(), e.first, e.next)
	}
}

// lostStream ends the stream: it is tried again, later each time that it was of no use.
func (m *Marathon) lostStream(why error, say func(string)) {
	const longest = 6 // doublings of a second
	e := &m.events
	e.stream.close()
	e.stream = nil
	e.again = m.o.Now().Add(time.Second << min(e.tries, longest))
	e.tries++
	var useless *noEvents
	then := "until there is one again"
	if errors.As(why, &useless) {
		e.useless, then = true, "instead"
	}
	if errors.Is(why, io.EOF) {
		why = errors.New("it was closed, as at a change of the leader")
	}
	if !e.said && why != nil {
		e.said = true
		say(fmt.Sprintf("no stream of events (GET /v2/events): %s; Marathon is asked every %s %s", oneLine(why.Error()), m.o.Poll, then))
	}
}

// unsubscribe ends the stream of a run.
func (m *Marathon) unsubscribe() {
	if m.events.stream != nil {
		m.events.stream.close()
	}
	m.events = newEvents()
}

func newEvents() events { return events{first: firstByteWithin, next: nextByteWithin} }

// Close ends what a run left open. Nothing else may be under way.
func (m *Marathon) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unsubscribe()
	return nil
}

// attention is how the next look at a deployment is waited for.
type attention struct {
	app, id string        // whose events wake; the deployment, or "" when it is not known
	slow    time.Duration // for how long no event was waited for last; 0: not yet
	early   bool          // the last look was made though no event had come
}

// Of a stream that works: looks after events are soonAfter polls apart, and without any the first one comes after
// firstSlow polls, the following ones up to lastSlow apart. The latter find out that a stream tells nothing.
const (
	soonAfter = 4
	firstSlow = 8
	lastSlow  = 20
)

// await waits until it is worth while to look again: as long as the deployment is listed and a stream
// works, for an event; else for one poll. moved says that the last look found something new: when no event told
// of it, the stream is worth nothing.
func (m *Marathon) await(ctx context.Context, a *attention, running, moved bool, atMost time.Duration, say func(string)) {
	m.haveStream(ctx, say)
	s := m.events.stream
	poll := m.o.Poll
	if s != nil {
		s.listen(a.app, a.id)
	}
	switch {
	case s == nil:
		_ = pause(ctx, poll)
	case !s.isAlive():
		s.wait(ctx, poll, 0) // once it is, the state is read anew
		a.slow, a.early = 0, false
	case !running || a.id == "" || s.toldEnd():
		_ = pause(ctx, poll)
		a.slow, a.early = 0, false
	case a.early && moved:
		if a.slow, a.early = 0, false; !s.wait(ctx, poll, 0) { // what it should have told of has come late, or never
			m.lostStream(errSilent, say)
		}
	default:
		a.slow = min(max(2*a.slow, firstSlow*poll), lastSlow*poll)
		came := s.wait(ctx, max(poll, min(a.slow, atMost)), soonAfter*poll)
		if a.early = !came; came {
			m.events.tries, a.slow = 0, 0
		}
	}
}

// wait returns when the stream has ended or the context has, when the end of the deployment is told, after some time
// from the first event of the app, or after another time without any. It reports false in the last case.
func (s *stream) wait(ctx context.Context, without, after time.Duration) (came bool) {
	t := time.NewTimer(without)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-s.over:
			return true
		case <-s.signal:
			if after == 0 || s.toldEnd() {
				return true
			}
			if !came {
				came = true
				t.Reset(min(after, without))
			}
		case <-t.C:
			return came
		}
	}
}
