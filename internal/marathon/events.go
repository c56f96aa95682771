package marathon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// wakingEvents are the events after which a look at a deployment may find more than the look before. Marathon
// sends no others, and tells a stream that it is attached.
func wakingEvents() []string {
	return []string{
		"event_stream_attached", "deployment_info", "deployment_step_success", "deployment_step_failure", "deployment_success",
		"deployment_failed", "status_update_event", "health_status_changed_event", "instance_health_changed_event", "app_terminated_event",
	}
}

// eventsPath is the stream. Before 1.7 plans come with whole apps unless light ones are asked for.
func eventsPath() string {
	return "/v2/events?" + url.Values{"event_type": wakingEvents(), "plan-format": {"light"}}.Encode()
}

// How long a stream may say nothing. An idle one gets an empty line every 10 seconds (seen on 1.11.26);
// a new one is told at once that it is attached.
const (
	firstByteWithin = 5 * time.Second
	nextByteWithin  = 30 * time.Second
)

// stream is one connection to GET /v2/events. What it tells wakes up who follows a deployment, and is not taken
// for true: what Marathon answers when it is looked at then is.
type stream struct {
	cancel context.CancelFunc
	signal chan struct{} // of capacity 1: something of the app came
	over   chan struct{} // closed when the stream has ended

	mu    sync.Mutex
	alive bool     // something came over it
	all   bool     // every event wakes
	app   string   // of which events wake
	id    string   // the deployment that is followed; "" when it is not known
	ended []string // the last deployments whose end was told
	err   error    // why it ended
}

// openStream begins a stream from the first of some URLs that has one, which lasts until it is closed. first and next
// limit its silence.
func openStream(ctx context.Context, c *client, bases []string, first, next time.Duration) *stream {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &stream{cancel: cancel, signal: make(chan struct{}, 1), over: make(chan struct{})}
	go func() {
		defer close(s.over)
		defer cancel()
		err := s.run(ctx, c, bases, first, next)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}()
	return s
}

func (s *stream) run(ctx context.Context, c *client, bases []string, first, next time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(first, func() { cancel(errSilent) })
	defer silence.Stop()
	body, err := c.events(ctx, bases)
	if err == nil {
		defer body.Close()
		err = s.read(body, func() { silence.Reset(next) })
	}
	if context.Cause(ctx) == errSilent { //nolint:errorlint // the very value that was set
		return errSilent
	}
	return err
}

var errSilent = errors.New("nothing came over it: a proxy in front that keeps events back, or a connection that broke")

// read takes events until the stream ends.
func (s *stream) read(body io.Reader, came func()) error {
	var p sseParser
	piece := make([]byte, 16<<10)
	for {
		n, err := body.Read(piece)
		if n > 0 {
			came()
			s.mu.Lock()
			if !s.alive {
				s.alive = true
				s.wake()
			}
			p.feed(piece[:n], s.take)
			s.mu.Unlock()
		}
		if err != nil {
			return err
		}
	}
}

// told is what is read of an event.
type told struct {
	ID   string `json:"id"`        // deployment_success, deployment_failed
	App  string `json:"appId"`     // status_update_event, app_terminated_event
	Spec string `json:"runSpecId"` // instance_health_changed_event
	Plan plans  `json:"plan"`      // deployment_*
}

type plans struct {
	ID    string `json:"id"`
	Steps []struct {
		Actions []struct {
			App string `json:"app"`
		} `json:"actions"`
	} `json:"steps"`
}

// take takes an event that came.
func (s *stream) take(e sseEvent) {
	var t told
	if !e.cut && json.Unmarshal(e.data, &t) != nil {
		return // nothing that Marathon sends
	}
	if id := t.ID; id != "" && (e.kind == "deployment_success" || e.kind == "deployment_failed") {
		const kept = 32
		s.ended = append(s.ended, id)
		s.ended = s.ended[max(0, len(s.ended)-kept):]
	}
	if s.all || e.cut || t.App == s.app || t.Spec == s.app || s.id != "" && (t.ID == s.id || t.Plan.ID == s.id) || t.Plan.has(s.app) {
		s.wake()
	}
}

func (s *stream) wake() {
	select {
	case s.signal <- struct{}{}:
	default: // it is awake
	}
}

func (p plans) has(app string) bool {
	for _, step := range p.Steps {
		for _, a := range step.Actions {
			if a.App == app {
				return true
			}
		}
	}
	return false
}

// listen says whose events wake.
func (s *stream) listen(app, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app, s.id = app, id
}

// listenToAll has every event wake.
func (s *stream) listenToAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = true
}

func (s *stream) isAlive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive
}

// toldEnd reports whether the end of the deployment that is followed was told.
func (s *stream) toldEnd() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id != "" && slices.Contains(s.ended, s.id)
}

// close ends the stream, and returns when nothing of it runs any more.
func (s *stream) close() {
	s.cancel()
	<-s.over
}

// noEvents is an answer after which it is useless to ask for the stream again.
type noEvents struct{ why string }

func (e *noEvents) Error() string { return e.why }

// events asks for the stream. Who does not lead sends to the leader; only one that the mesh names is gone to.
func (c *client) events(ctx context.Context, bases []string) (io.ReadCloser, error) {
	var last error
	for _, base := range bases {
		target := strings.TrimSuffix(base, "/") + eventsPath()
		for range maxRedirects {
			resp, err := c.listen(ctx, target)
			if unsigned := (*credentialError)(nil); errors.As(err, &unsigned) {
				return nil, &noEvents{unsigned.msg}
			}
			if err != nil {
				last = err
				break
			}
			if resp.StatusCode == http.StatusOK && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
				return resp.Body, nil
			}
			_ = resp.Body.Close()
			next, err := leadsTo(resp, bases)
			if err != nil {
				c.account.withhold(err)
				return nil, err
			}
			target = next
		}
	}
	if last == nil {
		last = errors.New("it redirects in a circle")
	}
	return nil, last
}

// listen asks for a stream, by a client without the limit of a whole answer: a stream lasts. In the header there may be
// nothing else.
func (c *client) listen(ctx context.Context, target string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	h := *c.http
	h.Timeout = 0
	return (&client{http: &h}).do(req)
}

// leadsTo is where an answer that is no stream sends.
func leadsTo(resp *http.Response, bases []string) (string, error) {
	status := fmt.Sprintf("it answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	switch {
	case resp.StatusCode >= http.StatusInternalServerError:
		return "", fmt.Errorf("%s: a leader election, or a proxy in front", status)
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return "", &noEvents{status + ": the account has no right to it"}
	case resp.StatusCode < 300 || resp.StatusCode >= 400:
		return "", &noEvents{status + ", which is no stream: a proxy in front, or an old Marathon"}
	}
	to, err := resp.Location()
	if err != nil {
		return "", errors.New(status + " without a place to go to")
	}
	for _, base := range bases {
		if strings.HasPrefix(base, to.Scheme+"://") && sameHost(base, to.String()) {
			return to.String(), nil
		}
	}
	return "", &noEvents{fmt.Sprintf("it sends to the leader at %s, which the mesh does not name: add that one to its urls", oneLine(to.Host))}
}
