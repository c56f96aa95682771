package marathon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// client speaks with one Marathon. It follows redirects by hand, so that nothing is
// sent to another host behind our back, and bounds what it reads.
type client struct {
	http    *http.Client // signs what goes to the mesh's URLs
	account *account
	urls    []string
	base    string // asked first: the leader's URL where it is known, else the one that answered last
	// silent are the URLs that gave no answer when they were asked last.
	silent map[string]bool
	sought string // the leader whose URL was looked for
}

func newClient(o Options) *client {
	a := newAccount(o)
	h := *o.HTTP
	h.Transport = signed{account: a, urls: o.Spec.URLs, next: transport(o)}
	return &client{http: &h, account: a, urls: o.Spec.URLs}
}

// apiError is an answer that is no success.
type apiError struct {
	status  int
	message string
	// deployments are named by a 409 about a lock; a 409 about an existing app has none.
	deployments []string
	contentType string
	hint        string // what to do, where the status alone says it
}

func (e *apiError) Error() string {
	hint := ""
	if e.hint != "" {
		hint = "; " + e.hint
	}
	if e.message == "" {
		return fmt.Sprintf("Marathon answered %d %s%s", e.status, http.StatusText(e.status), hint)
	}
	return fmt.Sprintf("Marathon answered %d: %s%s", e.status, e.message, hint)
}

// reachError is an answer that is no Marathon's, or none at all.
type reachError struct {
	outcome mesh.Outcome
	msg     string
	err     error
	// sent is true when a request went out and its reply did not come: it may have been done.
	sent bool
	mute bool // the answer is an error of a proxy, which does not say why
}

func (e *reachError) Error() string { return e.msg }
func (e *reachError) Unwrap() error { return e.err }

// maxAnswer bounds one answer: /v2/apps of 10,000 apps is some tens of MiB.
const maxAnswer = 256 << 20

// maxBody bounds what is sent: beyond 1 MiB, which is what ZooKeeper takes, the leading
// Marathon ends (seen on 1.11.26); half of it leaves room for what Marathon adds.
const maxBody = 512 << 10

// read takes an answer: JSON into out, or an error.
func (c *client) read(base, what string, resp *http.Response, out any) error {
	defer resp.Body.Close()
	limited := &io.LimitedReader{R: resp.Body, N: maxAnswer + 1}
	if resp.StatusCode >= 400 {
		data, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return failure(base, resp, data)
	}
	if out == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		return nil
	}
	err := decode(limited, out)
	switch {
	case err == nil:
		return nil
	case limited.N <= 0:
		return &reachError{outcome: mesh.TooLarge, msg: fmt.Sprintf("%s: the answer to %s has more than %d MiB", base, what, maxAnswer>>20), sent: true}
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return &reachError{outcome: mesh.Timeout, err: err, msg: fmt.Sprintf("%s: the answer to %s did not end in time", base, what), sent: true}
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return &reachError{outcome: mesh.Truncated, err: err, msg: fmt.Sprintf("%s: the answer to %s ends early", base, what), sent: true}
	default:
		hint := ""
		if strings.Contains(resp.Header.Get("Content-Type"), "html") {
			hint = ": it is HTML. Is that a Marathon, or a proxy or login page before one?"
		}
		return &reachError{outcome: mesh.Garbled, err: err, msg: fmt.Sprintf("%s: the answer to %s is no JSON that Marathon sends%s", base, what, hint), sent: true}
	}
}

// decode reads JSON into out, which may have a way of its own.
func decode(from io.Reader, out any) error {
	if own, ok := out.(interface{ decode(from io.Reader) error }); ok {
		return own.decode(from)
	}
	d := json.NewDecoder(from)
	d.UseNumber()
	return d.Decode(out)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// failure makes an error of an answer of 400 and above. Marathon's own have a message;
// a proxy's are empty or HTML.
func failure(base string, resp *http.Response, data []byte) error {
	e := &apiError{status: resp.StatusCode, contentType: resp.Header.Get("Content-Type")}
	var body struct {
		Message     string          `json:"message"`
		Details     json.RawMessage `json:"details"`
		Deployments []struct {
			ID string `json:"id"`
		} `json:"deployments"`
	}
	if json.Unmarshal(data, &body) == nil {
		e.message = strings.TrimSpace(body.Message + details(body.Details))
		for _, d := range body.Deployments {
			e.deployments = append(e.deployments, d.ID)
		}
	}
	if e.message == "" && resp.StatusCode >= 500 {
		return &reachError{
			outcome: mesh.BadStatus, err: e, sent: true,
			msg: fmt.Sprintf("Marathon at %s answered %s without a message", base, resp.Status), mute: true,
		}
	}
	return e
}

// details reads what 422 says: a list of paths with errors, or a text.
func details(raw json.RawMessage) string {
	var list []struct {
		Path   string   `json:"path"`
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(raw, &list) == nil {
		var out []string
		for _, d := range list {
			out = append(out, d.Path+": "+strings.Join(d.Errors, ", "))
		}
		if len(out) > 0 {
			return ": " + strings.Join(out, "; ")
		}
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		return ": " + text
	}
	return ""
}

// pathOf is the API's path of an app.
func pathOf(id string) string { return "/v2/apps" + (&url.URL{Path: id}).EscapedPath() }

// pathOfGroup is that of a group.
func pathOfGroup(id string) string {
	return "/v2/groups" + strings.TrimSuffix((&url.URL{Path: id}).EscapedPath(), "/")
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
