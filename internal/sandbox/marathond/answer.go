package marathond

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

type object = appdef.Object

// An answer is what goes back over the wire.
type answer struct {
	status int
	body   any // nil: empty
	header map[string]string
	abort  bool // no answer: the connection closes
	write  bool // it tells of a change that was made
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func fail(status int, message string) answer {
	return answer{status: status, body: object{"message": message}}
}

func notAllowed() answer { return fail(http.StatusMethodNotAllowed, "Method Not Allowed") }

// notFound is a 404 of a read, which has empty details; a write's has none.
func notFound(message string, read bool) answer {
	body := object{"message": message}
	if read {
		body["details"] = []any{}
	}
	return answer{status: http.StatusNotFound, body: body}
}

func noApp(id string, read bool) answer {
	return notFound("App '"+id+"' does not exist", read)
}

// notSimulated says so, where the real one would do something.
func notSimulated(what string) answer {
	return fail(http.StatusNotImplemented, "sandbox: not simulated: "+what)
}

// refused turns a refusal into its answer: problems of one place are one detail.
func refused(r *appdef.Refusal) answer {
	body := object{"message": r.Message}
	if len(r.Details) > 0 {
		var details []any
		index := map[string]object{}
		for _, p := range r.Details {
			d := index[p.Path]
			if d == nil {
				d = object{"path": p.Path, "errors": []any{}}
				index[p.Path] = d
				details = append(details, d)
			}
			d["errors"] = append(appdef.List(d["errors"]), p.Text)
		}
		body["details"] = details
	}
	return answer{status: r.Status, body: body}
}

// send writes an answer.
func (a answer) send(w http.ResponseWriter, head bool) {
	if a.abort {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	data, isText := []byte(nil), false
	if s, text := a.body.(rawText); text {
		data, isText = []byte(s), true
	} else {
		var err error
		if data, err = encode(a.body); err != nil {
			data, a.status = []byte(`{"message":"the sandbox could not write its answer"}`), http.StatusInternalServerError
		}
	}
	if !isText && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	if !head {
		_, _ = w.Write(data)
	}
}

// encode prints JSON without escaping what HTML would want escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// rawText is a body that is no JSON.
type rawText string

// refusePage is an error of the server around Marathon: a page for who takes HTML, else empty.
func refusePage(w http.ResponseWriter, r *http.Request, status int, reason string) {
	w.Header().Set("Cache-Control", "must-revalidate,no-cache,no-store")
	if !takesHTML(r) {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\"/>\n<title>Error %d %s</title>\n</head>\n"+
		"<body><h2>HTTP ERROR %d</h2>\n<p>Problem accessing %s. Reason:\n<pre>    %s</pre></p>\n</body>\n</html>\n", status, reason, status, html.EscapeString(r.URL.Path), reason)
}

func takesHTML(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "*/*") || strings.Contains(accept, "html")
}
