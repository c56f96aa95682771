package marathond

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// maxBehind is how many events a slow reader may be behind before it is disconnected.
const maxBehind = 1024

// beatEvery is how often a stream sends an empty line, whatever else it sends.
const beatEvery = 10 * time.Second

// stream is one reader of events.
type stream struct {
	types  []string // none: all
	frames chan string
	end    chan struct{}
	cut    func() // ends a write that the reader does not take; nil: nothing is written
	slow   bool   // it ended because it was too far behind
}

// emit sends an event to all readers.
func (s *Server) emit(kind string, fields object) {
	if len(s.streams) == 0 {
		return
	}
	fields = maps.Clone(fields)
	fields["eventType"], fields["timestamp"] = kind, stamp(s.clock.Now())
	data, err := encode(plainNumbers(fields))
	if err != nil {
		return
	}
	frame := fmt.Sprintf("event: %s\r\ndata: %s\r\n\r\n", kind, data)
	for st := range s.streams {
		if len(st.types) > 0 && !slices.Contains(st.types, kind) {
			continue
		}
		select {
		case st.frames <- frame:
		default: // too far behind: it may hang in a write
			st.slow = true
			s.drop(st)
			if st.cut != nil {
				st.cut()
			}
		}
	}
}

// plainNumbers prints doubles as events do: 1, not 1.0.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = plainNumbers(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainNumbers(x)
		}
		return out
	case appdef.Double:
		if text, err := v.MarshalJSON(); err == nil && text[0] == '"' {
			return "Infinity"
		}
		return float64(v)
	default:
		return v
	}
}

func (s *Server) drop(st *stream) {
	if s.streams[st] {
		delete(s.streams, st)
		close(st.end)
	}
}

// dropStreams ends all of them, as a leader that goes does.
func (s *Server) dropStreams() {
	for st := range s.streams {
		s.drop(st)
	}
}

// serveEvents is the stream: subscribe, then what happens from now on. Nothing is replayed.
// plan-format changes nothing in this release.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept") != "text/event-stream" {
		w.Header().Del("Expires")
		refusePage(w, r, http.StatusMethodNotAllowed, "HTTP method GET is not supported by this URL")
		return
	}
	control := http.NewResponseController(w)
	st := &stream{
		types: r.URL.Query()["event_type"], frames: make(chan string, maxBehind), end: make(chan struct{}),
		cut: func() { _ = control.SetWriteDeadline(time.Now()) },
	}
	s.mu.Lock()
	s.streams[st] = true
	s.emit("event_stream_attached", object{"remoteAddress": caller(r)})
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.drop(st)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream;charset=utf-8")
	w.Header().Set("Connection", "close")
	w.Header().Set("Transfer-Encoding", "identity") // its end is the connection's
	s.pump(w, r, st)
}

// pump writes what comes until the stream ends. What had come by then is still sent, but to a
// reader that was too slow.
func (s *Server) pump(w http.ResponseWriter, r *http.Request, st *stream) {
	control := http.NewResponseController(w)
	send := func(text string) bool {
		_, err := w.Write([]byte(text))
		_ = control.Flush()
		return err == nil
	}
	beats := make(chan struct{}, 1)
	beat := func() { beats <- struct{}{} }
	stop := s.clock.AfterFunc(beatEvery, beat)
	defer func() { stop() }()
	for open := send(""); open; {
		select {
		case frame := <-st.frames:
			open = send(frame)
		case <-beats:
			stop = s.clock.AfterFunc(beatEvery, beat)
			open = send("\r\n")
		case <-st.end:
			open = false
		case <-s.done:
			open = false
		case <-r.Context().Done():
			return
		}
	}
	for !st.slow && len(st.frames) > 0 && send(<-st.frames) {
	}
}

func (s *Server) instanceEvent(i *instance, condition string) {
	i.condition = condition
	var agent, host any
	if i.staged {
		agent, host = s.agentID(i), s.host(i)
	}
	s.emit("instance_changed_event", object{
		"instanceId": i.id, "condition": condition, "runSpecId": i.app, "agentId": agent, "host": host, "runSpecVersion": i.version,
	})
}

func (s *Server) statusEvent(i *instance, state, message string) {
	s.emit("status_update_event", object{
		"slaveId": s.agentID(i), "taskId": i.task(), "taskStatus": state, "message": message, "appId": i.app, "host": s.host(i),
		"ipAddresses": s.addresses(i), "ports": intList(i.ports), "version": i.version,
	})
}

func (s *Server) addresses(i *instance) []any {
	return []any{object{"ipAddress": s.address(i), "protocol": "IPv4"}}
}

func intList(l []int) []any {
	out := []any{}
	for _, n := range l {
		out = append(out, n)
	}
	return out
}

// postEvent tells that somebody wrote an app, with all of it: after POST as it was sent, else as
// it is stored.
func (s *Server) postEvent(q *request, uri string, a *app) {
	def := maps.Clone(a.def)
	def["version"] = a.version
	if stored := s.root.apps[a.id]; q.method != http.MethodPost && stored != nil {
		def = definition(stored)
	}
	s.emit("api_post_event", object{"clientIp": q.client, "uri": uri, "appDefinition": def})
}
