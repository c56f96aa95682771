package marathon

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fed is what comes of a stream that arrives in pieces of a size.
func fed(stream []byte, size int) []sseEvent {
	var p sseParser
	var out []sseEvent
	for piece := range slices.Chunk(stream, size) {
		p.feed(piece, func(e sseEvent) { out = append(out, e) })
	}
	return out
}

func TestEventsOfAStream(t *testing.T) {
	t.Parallel()
	e := func(kind, data string) sseEvent { return sseEvent{kind: kind, data: []byte(data)} }
	for name, c := range map[string]struct {
		in   string
		want []sseEvent
	}{
		"as Marathon sends them":     {"event: a\r\ndata: {}\r\n\r\nevent: b\r\ndata: 1\r\n\r\n", []sseEvent{e("a", "{}"), e("b", "1")}},
		"a keep-alive between":       {"event: a\r\ndata: 1\r\n\r\n\r\n\r\nevent: b\r\ndata: 2\r\n\r\n", []sseEvent{e("a", "1"), e("b", "2")}},
		"lines end with LF":          {"event: a\ndata: 1\n\n", []sseEvent{e("a", "1")}},
		"lines end with CR":          {"event: a\rdata: 1\r\r", []sseEvent{e("a", "1")}},
		"several lines of data":      {"data: 1\ndata:\ndata:2\n\n", []sseEvent{e("", "1\n\n2")}},
		"a comment, an id, a retry":  {": x\nid: 7\nretry: 1\nevent: a\ndata: 1\n\n", []sseEvent{e("a", "1")}},
		"no data":                    {"event: a\n\ndata: 1\n\n", []sseEvent{e("", "1")}},
		"the stream ends amid one":   {"event: a\ndata: 1\n", nil},
		"a byte order mark":          {"\ufeffdata: 1\n\n", []sseEvent{e("", "1")}},
		"a colon in the data":        {"data: {\"a\":1}\n\n", []sseEvent{e("", `{"a":1}`)}},
		"no event, but a line of it": {"<html>\n<body>\n\n", nil},
	} {
		for _, size := range []int{1, 2, 3, 1000} {
			if d := cmp.Diff(c.want, fed([]byte(c.in), size), cmp.AllowUnexported(sseEvent{})); d != "" {
				t.Errorf("%s, %d bytes at once: %s", name, size, d)
			}
		}
	}
}

// TestALargeEventIsCut: it is kept as far as it is small, and what follows it is read.
func TestALargeEventIsCut(t *testing.T) {
	t.Parallel()
	for name, large := range map[string]string{
		"one line":   "data: " + strings.Repeat("x", 3*maxEventData),
		"many lines": strings.Repeat("data: "+strings.Repeat("x", 999)+"\n", 3*maxEventData/1000),
		"a field":    strings.Repeat("y", 3*maxEventData) + "\ndata: 1",
	} {
		got := fed([]byte("event: a\n"+large+"\n\nevent: b\ndata: 1\n\n"), 4096)
		if len(got) != 2 || !got[0].cut || len(got[0].data) > maxEventData || got[1].cut || got[1].kind != "b" {
			t.Errorf("%s: %d events", name, len(got))
		}
	}
}

// FuzzEvents: however a stream is cut into pieces, the same comes of it, and no more than the limits is kept.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("event: a\r\ndata: {}\r\n\r\n"), 1)
	f.Add([]byte("\ufeffevent: a\rdata: 1\n\r\n: x\n\ndata\n\n"), 2)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole := fed(stream, len(stream)+1)
		parts := fed(stream, max(1, min(size, 64)))
		if d := cmp.Diff(whole, parts, cmp.AllowUnexported(sseEvent{})); d != "" {
			t.Error(d)
		}
		for _, e := range whole {
			if len(e.data) > maxEventData || bytes.ContainsAny(e.data, "\r") {
				t.Errorf("%d bytes: %.80q", len(e.data), e.data)
			}
		}
	})
}
