package marathon

import "bytes"

// maxEventData bounds what is kept of one event, and maxEventLine what is kept of one line. The largest
// that are of use here, those of a deployment with its steps, have some kilobytes.
const (
	maxEventData = 256 << 10
	maxEventLine = maxEventData
)

// sseEvent is one event of a stream.
type sseEvent struct {
	kind string
	data []byte
	cut  bool // it was larger than what is kept of it
}

// sseParser takes a stream of server-sent events in pieces, as they come. Lines end with CR, LF or both. What is
// larger than its limits is cut, not kept; fields other than event and data, and comments, are left out.
type sseParser struct {
	line  []byte
	event sseEvent
	some  bool // the event has data
	cr    bool // the last byte was CR: an LF after it ends the same line
	begun bool // a byte order mark may stand before the first line only
}

// feed takes the next piece and calls each for every event that ends in it. The event's data is each's own.
func (p *sseParser) feed(piece []byte, each func(sseEvent)) {
	for len(piece) > 0 {
		if p.cr && piece[0] == '\n' {
			p.cr, piece = false, piece[1:]
			continue
		}
		p.cr = false
		end := bytes.IndexAny(piece, "\r\n")
		if end < 0 {
			p.keep(piece)
			return
		}
		p.keep(piece[:end])
		p.cr = piece[end] == '\r'
		piece = piece[end+1:]
		p.endLine(each)
	}
}

func (p *sseParser) keep(part []byte) {
	if room := maxEventLine - len(p.line); len(part) > room {
		part, p.event.cut = part[:room], true
	}
	p.line = append(p.line, part...)
}

func (p *sseParser) endLine(each func(sseEvent)) {
	line := p.line
	if !p.begun {
		p.begun = true
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	p.line = p.line[:0]
	if len(line) == 0 {
		if e := p.event; p.some { // without data it is a keep-alive, or a comment's end
			each(e)
		}
		p.event, p.some = sseEvent{}, false
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		p.event.kind = string(value)
	case "data":
		p.data(value)
	}
}

// data adds a line of data.
func (p *sseParser) data(value []byte) {
	if p.some {
		value = append([]byte("\n"), value...)
	}
	p.some = true
	if room := maxEventData - len(p.event.data); len(value) > room {
		value, p.event.cut = value[:room], true
	}
	p.event.data = append(p.event.data, value...)
}
