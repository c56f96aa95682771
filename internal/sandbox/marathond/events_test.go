package marathond

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// listen subscribes without a connection and returns what has come since the last call.
func (w *world) listen() func() []object {
	st := &stream{frames: make(chan string, maxBehind), end: make(chan struct{})}
	w.mu.Lock()
	w.streams[st] = true
	w.mu.Unlock()
	return func() []object {
		var out []object
		for {
			select {
			case frame := <-st.frames:
				_, data, _ := strings.Cut(frame, "data: ")
				out = append(out, appdef.Map(decode([]byte(data))))
			default:
				return out
			}
		}
	}
}

func TestAStreamOfEvents(t *testing.T) {
	t.Parallel()
	s := New(Options{Tick: time.Millisecond})
	server := httptest.NewServer(s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer func() { // streams end with the server, and nothing is left
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	}()
	events := func(query string) *bufio.Reader {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v2/events"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "text/event-stream;charset=utf-8" {
			t.Fatalf("%d %s", res.StatusCode, ct)
		}
		return bufio.NewReader(res.Body)
	}
	all, done := events(""), events("?event_type=deployment_success")
	if first, _ := all.ReadString('\n'); first != "event: event_stream_attached\r\n" {
		t.Errorf("first frame: %q", first)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v2/apps", strings.NewReader(plainApp("/a", 1, "")))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	made, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	line, _ := done.ReadString('\n')
	data, _ := done.ReadString('\n')
	var e struct{ ID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &e); err != nil || line != "event: deployment_success\r\n" || !strings.Contains(string(made), e.ID) {
		t.Errorf("%q %q %v", line, data, err)
	}
	if err := s.Fault("leader-change", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(done); err != nil {
		t.Errorf("the stream of a leader that goes ends: %v", err)
	}
}

// A stream to which nothing is to be told sends an empty line every ten seconds.
func TestAStreamBeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	server := httptest.NewServer(w)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v2/events?event_type=nope", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	w.clock.Advance(beatEvery)
	if line, err := lines.ReadString('\n'); line != "\r\n" || err != nil {
		t.Errorf("%q %v", line, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}
