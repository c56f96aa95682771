package marathond

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// connect replays what went over a socket, byte for byte, and compares the head and the body.
func (p *replay) connect(t *testing.T, e exchange) string {
	t.Helper()
	p.settle()
	handler := http.Handler(p.world)
	if e.To == "follower" {
		handler = p.standby
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	var dialer net.Dialer
	c, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, e.sent()); err != nil {
		t.Fatal(err)
	}
	text, open := strings.CutSuffix(e.RawResponse, "<open>")
	want, wantBody := readAnswer(t, bufio.NewReader(strings.NewReader(text)), false)
	got, gotBody := readAnswer(t, bufio.NewReader(c), open && want.last)
	if got.status != want.status {
		return fmt.Sprintf("%d, there %d", got.status, want.status)
	}
	if diff := sameHeaders(want.header, got.header); diff != "" {
		return diff
	}
	m := &matcher{names: maps.Clone(p.names), used: map[string]string{}, loose: true}
	for k, v := range p.names {
		m.used[v] = k
	}
	if want.header.Get("Content-Type") == "text/event-stream;charset=utf-8" {
		m.matchEvents(readStream(t, wantBody)[0].events, readStream(t, gotBody)[0].events)
	} else {
		m.match("", decode([]byte(wantBody)), decode([]byte(gotBody)))
	}
	p.names = m.names
	return strings.Join(m.diffs, "; ")
}

// sent is the request: of the streams only the Accept was recorded, in the name.
func (e exchange) sent() string {
	if e.RawRequest != "" {
		return e.RawRequest
	}
	accept := ""
	if kind := strings.TrimPrefix(e.Name, "accept "); kind != "None" {
		accept = "Accept: " + kind + "\r\n"
	}
	return "GET /v2/events HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n" + accept + "\r\n"
}

// head is the first part of an answer.
type head struct {
	status int
	header http.Header
	last   bool // the connection is not used again
}

// readAnswer reads one answer; of one that does not end its first frame.
func readAnswer(t *testing.T, r *bufio.Reader, endless bool) (head, string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	for err == nil && res.StatusCode == http.StatusContinue {
		res, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	h := head{res.StatusCode, res.Header, res.Close}
	if !endless {
		body, err := io.ReadAll(res.Body)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // the recording of a page is short of a line
			t.Fatal(err)
		}
		return h, string(body)
	}
	frame, lines := "", bufio.NewReader(res.Body)
	for !strings.HasSuffix(frame, "\r\n\r\n") {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		frame += line
	}
	return h, frame
}
