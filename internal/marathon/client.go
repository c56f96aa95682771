package marathon

import (
	"bytes"
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
	http *http.Client
	urls []string
	base string // the URL that answered last; tried first
}

// apiError is an answer that is no success.
type apiError struct {
	status  int
	message string
	// deployments are named by a 409 about a lock; a 409 about an existing app has none.
	deployments []string
	contentType string
}

func (e *apiError) Error() string {
	if e.message == "" {
		return fmt.Sprintf("Marathon answered %d %s", e.status, http.StatusText(e.status))
	}
	return fmt.Sprintf("Marathon answered %d: %s", e.status, e.message)
}

// reachError is an answer that is no Marathon's, or none at all.
type reachError struct {
	outcome mesh.Outcome
	msg     string
	err     error
	// sent is true when a request went out and its reply did not come: it may have been done.
	sent bool
}

func (e *reachError) Error() string { return e.msg }
func (e *reachError) Unwrap() error { return e.err }

// maxAnswer bounds one answer: /v2/apps of 10,000 apps is some tens of MiB.
const maxAnswer = 256 << 20

// maxBody bounds what is sent: beyond 1 MiB, which is what ZooKeeper takes, the leading
// Marathon ends (seen on 1.11.26); half of it leaves room for what Marathon adds.
const maxBody = 512 << 10

// maxRedirects is one for the leader and some for a proxy in front.
const maxRedirects = 5

// call makes one request and decodes the answer into out, unless it is nil.
func (c *client) call(ctx context.Context, method, path string, body, out any) (http.Header, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode the body of %s %s: %w", method, path, err)
		}
		if len(data) > maxBody {
			return nil, fmt.Errorf("the body of %s %s has %d bytes, and Marathon may break beyond %d: nothing was sent", method, path, len(data), maxBody)
		}
	}
	var last error
	for _, base := range c.order() {
		h, err := c.at(ctx, base, method, path, data, out)
		var r *reachError
		if err == nil || !errors.As(err, &r) || r.sent && method != http.MethodGet {
			if err == nil {
				c.base = base
			}
			return h, err
		}
		if last == nil {
			last = err
		}
	}
	return nil, last
}

// order tries the URL that answered last first.
func (c *client) order() []string {
	if c.base == "" {
		return c.urls
	}
	out := []string{c.base}
	for _, u := range c.urls {
		if u != c.base {
			out = append(out, u)
		}
	}
	return out
}

func (c *client) at(ctx context.Context, base, method, path string, data []byte, out any) (http.Header, error) {
	target := strings.TrimSuffix(base, "/") + path
	for range maxRedirects {
		resp, err := c.send(ctx, target, method, data)
		if err != nil {
			return nil, c.unreached(base, err, method)
		}
		if resp.StatusCode < 300 || resp.StatusCode >= 400 {
			return resp.Header, c.read(base, method+" "+path, resp, out)
		}
		_ = resp.Body.Close()
		next, err := redirect(target, resp)
		if err != nil {
			return nil, &reachError{outcome: mesh.BadStatus, msg: fmt.Sprintf("%s: %v", base, err)}
		}
		target = next
	}
	return nil, &reachError{outcome: mesh.BadStatus, msg: fmt.Sprintf("%s redirects in a circle", base)}
}

// redirect follows within one host only: another host would get what is meant for this one.
func redirect(from string, resp *http.Response) (string, error) {
	to, err := resp.Location()
	if err != nil {
		return "", fmt.Errorf("it answered %s without a place to go to", resp.Status)
	}
	u, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	if to.Host != u.Host {
		return "", fmt.Errorf("it redirects to another host, %s: name that one in the mesh if it is meant", to.Host)
	}
	return to.String(), nil
}

func (c *client) send(ctx context.Context, target, method string, data []byte) (*http.Response, error) {
	// A body without Content-Length is dropped by a standby's proxy, so it is never chunked.
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if data != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	h := *c.http
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h.Do(req)
}

// unreached names why no answer came.
func (c *client) unreached(base string, err error, method string) error {
	var u *url.Error
	text := err.Error()
	if errors.As(err, &u) {
		text = u.Err.Error()
	}
	e := &reachError{outcome: mesh.NoConnection, err: err, msg: fmt.Sprintf("no connection to Marathon at %s: %s", base, text)}
	refused := strings.Contains(text, "connection refused") || strings.Contains(text, "no such host") || strings.Contains(text, "unreachable")
	e.sent = !refused && method != http.MethodGet
	if errors.Is(err, context.DeadlineExceeded) || u != nil && u.Timeout() {
		e.outcome, e.msg = mesh.Timeout, fmt.Sprintf("Marathon at %s did not answer in time", base)
	}
	return e
}

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
			msg: fmt.Sprintf("Marathon at %s answered %s without a message: a leader election, or a proxy in front of it", base, resp.Status),
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
