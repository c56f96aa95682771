package marathond

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// recordedSlowReader is a stream that nobody read while another one was read.
type recordedSlowReader struct {
	Puts  int
	Read  int    `json:"events_seen_by_a_reading_client"`
	Late  int    `json:"events_got_by_the_slow_client_when_it_reads_at_last"`
	Ended string `json:"its_connection"`
}

// small makes the buffers of a connection as small as the system lets them be.
func small(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(1)
		_ = tcp.SetWriteBuffer(1)
	}
}

// A reader that is too far behind is disconnected, although the server hangs in a write to it;
// it finds what was on the way, and the end.
func TestRecordedSlowReaderIsDisconnected(t *testing.T) {
	t.Parallel()
	var want recordedSlowReader
	load(t, "slow-consumer.json.gz", &want)
	w := newWorld(t, Options{})
	server := httptest.NewUnstartedServer(w)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		small(c)
		return ctx
	}
	server.Start()
	defer server.Close()
	heard := w.listen()
	slow := openStream(t, server)
	defer func() { _ = slow.Close() }()
	w.call(t, "POST", "/v2/apps", []byte(plainApp("/slow", 0, "")))
	read := 0
	for range want.Puts {
		w.call(t, "PUT", "/v2/apps/slow?partialUpdate=false", []byte(plainApp("/slow", 0, "")))
		read += len(heard())
	}
	if read != want.Read {
		t.Errorf("a client that reads saw %d events, there %d", read, want.Read)
	}
	text, err := io.ReadAll(slow)
	if err != nil {
		t.Errorf("its connection was %s; here: %v", want.Ended, err)
	}
	if late := strings.Count(string(text), "\ndata: "); late == 0 || late >= want.Read-maxBehind {
		t.Errorf("the slow client got %d events when it read at last, there %d", late, want.Late)
	}
}

// openStream subscribes over a connection of its own and reads the head of the answer.
func openStream(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	var dialer net.Dialer
	c, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	small(c)
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET /v2/events HTTP/1.1\r\nHost: m\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, len("HTTP/1.1 200 OK"))
	if _, err := io.ReadFull(c, head); err != nil || string(head) != "HTTP/1.1 200 OK" {
		t.Fatalf("%s %v", head, err)
	}
	return c
}
