package marathond

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// maxBehind is how many events a slow reader may be behind before it is disconnected.
const maxBehind = 1024

// stream is one reader of events.
type stream struct {
	types  []string // none: all
	frames chan string
	end    chan struct{}
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
		default: // too far behind
			s.drop(st)
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
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept") != "text/event-stream" {
		w.Header().Set("Cache-Control", "must-revalidate,no-cache,no-store")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Query().Get("plan-format") == "heavy" {
		notSimulated("heavy plans in events").send(w, false)
		return
	}
	st := &stream{types: r.URL.Query()["event_type"], frames: make(chan string, maxBehind), end: make(chan struct{})}
	s.mu.Lock()
	s.streams[st] = true
	s.emit("event_stream_attached", object{"remoteAddress": r.RemoteAddr})
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.drop(st)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream;charset=utf-8")
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	for {
		select {
		case frame := <-st.frames:
			if _, err := w.Write([]byte(frame)); err != nil {
				return
			}
			_ = flush.Flush()
		case <-st.end:
			return
		case <-s.done:
			return
		case <-r.Context().Done():
			return
		}
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

// postEvent tells that somebody wrote an app, with all of it.
func (s *Server) postEvent(q *request, uri string, a *app) {
	def := maps.Clone(a.def)
	def["version"] = a.version
	if q.method != http.MethodPost {
		def["versionInfo"] = object{"lastScalingAt": a.version, "lastConfigChangeAt": a.version}
		if stored := s.root.apps[a.id]; stored != nil {
			def["versionInfo"] = definition(stored)["versionInfo"]
		}
	}
	s.emit("api_post_event", object{"clientIp": q.client, "uri": uri, "appDefinition": def})
}
