package marathond

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// request is what the routes need to know.
type request struct {
	method string // HEAD is GET
	head   bool
	path   string // cleaned: doubled and trailing slashes do not matter
	raw    string // as it was sent
	query  url.Values
	body   []byte
	accept string
	kind   string // Content-Type
	host   string
	client string
}

// maxBody is what ZooKeeper takes in one node. The real leader ends beyond it; its client
// sees the connection break, and nothing is stored.
const maxBody = 1 << 20

// read takes a request in. The second result is an answer that is given at once.
func read(r *http.Request) (*request, *answer) {
	q := &request{
		method: r.Method, path: path.Clean("/" + r.URL.Path), raw: r.URL.Path, query: r.URL.Query(),
		accept: r.Header.Get("Accept"), kind: r.Header.Get("Content-Type"), host: r.Host,
	}
	if strings.Contains(r.URL.Path, "/..") {
		q.path = keepPrefix(r.URL.Path)
	}
	q.client = caller(r)
	if q.method == http.MethodHead {
		q.method, q.head = http.MethodGet, true
	}
	if len(r.URL.RequestURI()) > 8192 {
		return q, &answer{status: http.StatusRequestURITooLong, body: rawText("<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>"), header: map[string]string{"Content-Type": "text/html;charset=iso-8859-1"}}
	}
	if r.Body != nil {
		data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(data) > maxBody {
			return q, &answer{abort: true}
		}
		q.body = data
	}
	return q, nil
}

// caller is the address that a request came from, without the port.
func caller(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// keepPrefix resolves dot segments inside the id, not across the resource's own path.
func keepPrefix(p string) string {
	for _, prefix := range []string{"/v2/apps", "/v2/groups"} {
		if rest, ok := strings.CutPrefix(p, prefix+"/"); ok {
			if rest = path.Clean("/" + rest); rest == "/" {
				return prefix + "/" // the app or group "/", not all of them
			}
			return prefix + rest
		}
	}
	return path.Clean("/" + p)
}

// flag reads a boolean parameter: absent or empty is the default, true in any case is
// true, and every other word is false.
func (q *request) flag(name string, standard bool) bool {
	v := q.query.Get(name)
	if v == "" {
		return standard
	}
	return strings.EqualFold(v, "true")
}

// acceptable reports whether the caller takes JSON.
func (q *request) acceptable() bool {
	if q.accept == "" {
		return true
	}
	for part := range strings.SplitSeq(q.accept, ",") {
		kind, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if kind == "*/*" || kind == "application/*" || kind == "application/json" {
			return true
		}
	}
	return false
}

// supported reports whether the body says that it is JSON, or says nothing.
func (q *request) supported() bool {
	kind, _, _ := strings.Cut(q.kind, ";")
	return kind == "" || strings.TrimSpace(kind) == "application/json"
}

// json is the body, parsed as far as to know that it is JSON.
func (q *request) json() (json.RawMessage, *answer) {
	body := bytes.TrimPrefix(q.body, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &answer{status: http.StatusBadRequest, body: object{
			"message": "Please specify data in JSON format",
			"details": "No content to map due to end-of-input\n at [Source: (byte[])\"\"; line: 1, column: 0]",
		}}
	}
	if problem := syntax(body); problem != "" {
		return nil, badJSON(problem)
	}
	return body, nil
}

func badJSON(details string) *answer {
	return &answer{status: http.StatusBadRequest, body: object{"message": "Invalid JSON", "details": details}}
}

// appElements splits the body of a bulk write.
func (q *request) appElements() ([]json.RawMessage, *answer) {
	body, bad := q.json()
	if bad != nil {
		return nil, bad
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		a := refused(&appdef.Refusal{Status: http.StatusUnprocessableEntity, Message: "Invalid JSON", Details: []appdef.Problem{{Path: "", Text: "error.expected.jsarray"}}})
		return nil, &a
	}
	return list, nil
}
