package marathond

import (
	"bytes"
	"net/http"
	"strings"
)

// Standby is a node that does not lead: it passes requests on to the leader at an address
// (host:port) and has the habits of Marathon's proxy. self is its own address.
func (s *Server) Standby(self, leader string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pathEvents { // before Accept is looked at, and with the query
			w.Header().Set("Location", "http://"+leader+r.URL.RequestURI())
			w.WriteHeader(http.StatusFound)
			return
		}
		via := "1.1 " + self
		if strings.Contains(strings.Join(r.Header.Values("X-Marathon-Via"), ","), via) {
			leaderless(w, r, http.StatusBadGateway, "Detected proxying loop.")
			return
		}
		if r.Method == http.MethodHead {
			w.Header().Set("Cache-Control", "must-revalidate,no-cache,no-store")
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.forward(w, r, via, leader)
	})
}

// forward asks the leader and passes its answer on, with the names of some headers in lower case.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, via, leader string) {
	out := r.Clone(r.Context())
	out.Host = leader
	if r.ContentLength < 0 { // chunked: the body is lost
		out.Body = http.NoBody
		out.ContentLength = 0
	}
	rec := newRecorder()
	if aborted(func() { s.ServeHTTP(rec, out) }) {
		panic(http.ErrAbortHandler)
	}
	for k, v := range rec.header {
		switch k {
		case "Marathon-Deployment-Id", "X-Frame-Options", "X-Xss-Protection":
			w.Header()[strings.ToLower(k)] = v
		default:
			w.Header()[k] = v
		}
	}
	w.Header().Del("X-Marathon-Leader")
	w.Header()["X-Marathon-Leader"] = rec.header["X-Marathon-Leader"]
	w.Header().Set("X-Marathon-Via", via)
	w.Header().Set("Expires", "Wed, 01 Jan 1800 00:00:00 GMT")
	body := rec.body
	if rec.status >= http.StatusInternalServerError && !bytes.HasPrefix(body, []byte("{")) {
		body = nil
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(body)
}

// aborted reports whether f broke the connection off.
func aborted(f func()) (broken bool) {
	defer func() {
		if e := recover(); e != nil {
			if e != http.ErrAbortHandler { //nolint:errorlint // recover gives the value itself
				panic(e)
			}
			broken = true
		}
	}()
	f()
	return false
}
