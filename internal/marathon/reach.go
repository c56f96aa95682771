package marathon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"meshsync.dev/meshsync/internal/mesh"
)

// maxRedirects is one for the leader and some for a proxy in front.
const maxRedirects = 5

// call makes one request and decodes the answer into out, unless it is nil. It is sent to one
// URL after another until one answers; a write that may have been done is sent to no other.
func (c *client) call(ctx context.Context, method, path string, body, out any) (http.Header, error) {
	data, err := encoded(method, path, body)
	if err != nil {
		return nil, err
	}
	var silent []*reachError
	for _, base := range c.order() {
		h, err := c.at(ctx, base, method, path, data, out)
		c.account.withhold(err)
		c.account.explain(err)
		var r *reachError
		if err == nil || !errors.As(err, &r) {
			if h != nil {
				c.answered(ctx, base, h)
			}
			return h, err
		}
		c.fell(base)
		if r.sent && method != http.MethodGet {
			return h, err
		}
		if silent = append(silent, r); ctx.Err() != nil {
			break
		}
	}
	return nil, noneAnswers(silent)
}

func encoded(method, path string, body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the body of %s %s: %w", method, path, err)
	}
	if len(data) > maxBody {
		return nil, fmt.Errorf("the body of %s %s has %d bytes, and Marathon may break beyond %d: nothing was sent", method, path, len(data), maxBody)
	}
	return data, nil
}

// noneAnswers is what is wrong with each URL; the outcome is that of the first.
func noneAnswers(all []*reachError) error {
	if len(all) == 1 {
		return all[0]
	}
	e := &reachError{outcome: all[0].outcome, err: all[0]}
	var texts []string
	for _, r := range all {
		texts = append(texts, r.msg)
		e.sent = e.sent || r.sent
	}
	e.msg = fmt.Sprintf("none of its %d URLs answers: %s", len(all), strings.Join(texts, "; "))
	return e
}

// order is how the URLs are asked: the leader's first, those that gave no answer last.
func (c *client) order() []string {
	out := slices.Clone(c.urls)
	rank := func(u string) int {
		switch {
		case u == c.base:
			return 0
		case !c.silent[u]:
			return 1
		default:
			return 2
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}

// fell notes that a URL gave no answer: another one is asked first from now on.
func (c *client) fell(base string) {
	if c.silent == nil {
		c.silent = map[string]bool{}
	}
	c.silent[base] = true
	if c.base == base {
		c.base = ""
	}
}

// answered notes who answered. A standby passes requests on to the leader, gives up large or
// slow ones after 10 s and then says 500 of a write that the leader does all the same, so the leader is
// asked itself where the mesh names its URL. Only URLs of the mesh are asked, whatever an answer says.
func (c *client) answered(ctx context.Context, base string, h http.Header) {
	c.base = base
	delete(c.silent, base)
	if h.Get("X-Marathon-Via") == "" || len(c.urls) == 1 {
		return
	}
	leader := h.Get("X-Marathon-Leader")
	i := slices.IndexFunc(c.urls, func(u string) bool { return sameHost(u, leader) })
	switch {
	case i >= 0 && !c.silent[c.urls[i]]:
		c.base = c.urls[i]
	case i < 0 && leader != c.sought:
		c.sought = leader
		c.seek(ctx, base)
	}
}

// seek looks for the URL of the leader, which may call itself otherwise than the mesh does: behind it
// nobody passes the question on.
func (c *client) seek(ctx context.Context, standby string) {
	for _, u := range c.urls {
		if u == standby || c.silent[u] {
			continue
		}
		h, err := c.at(ctx, u, http.MethodGet, "/v2/leader", nil, nil)
		switch {
		case err != nil:
			c.fell(u)
		case h.Get("X-Marathon-Via") == "":
			c.base = u
			return
		}
	}
}

// sameHost reports whether two URLs lead to one port of one host.
func sameHost(a, b string) bool {
	x, err := url.Parse(a)
	y, err2 := url.Parse(b)
	return err == nil && err2 == nil && x.Hostname() != "" && strings.EqualFold(x.Hostname(), y.Hostname()) && portOf(x) == portOf(y)
}

// portOf is the port of a URL, that of its scheme if it has none.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

func (c *client) at(ctx context.Context, base, method, path string, data []byte, out any) (http.Header, error) {
	target := strings.TrimSuffix(base, "/") + path
	for range maxRedirects {
		resp, connected, err := c.send(ctx, target, method, data)
		if err != nil {
			return nil, c.unreached(base, err, connected && method != http.MethodGet)
		}
		if resp.StatusCode < 300 || resp.StatusCode >= 400 {
			err := c.read(base, method+" "+path, resp, out)
			if r := (*reachError)(nil); errors.As(err, &r) && r.mute {
				r.msg += ": " + c.why(ctx, base)
			}
			return resp.Header, err
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
	if u.Scheme == "https" && to.Scheme != u.Scheme {
		return "", fmt.Errorf("it redirects from https to %s, where everybody on the way could read what is sent", to.Scheme)
	}
	if to.Host != u.Host {
		return "", fmt.Errorf("it redirects to another host, %s: name that one in the mesh if it is meant", to.Host)
	}
	return to.String(), nil
}

// send makes one request. connected reports whether there was a connection for it: without one nothing was
// sent, whatever the error, and with one it may have been. The transport asks for a second one only where
// nothing went out on the first.
func (c *client) send(ctx context.Context, target, method string, data []byte) (resp *http.Response, connected bool, err error) {
	var got atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { got.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { got.Store(true) },
	})
	// A body without Content-Length is dropped by a standby's proxy, so it is never chunked.
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(data))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Accept", "application/json")
	if data != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err = c.do(req)
	return resp, got.Load(), err
}

// do sends a request and follows nothing.
func (c *client) do(req *http.Request) (*http.Response, error) {
	h := *c.http
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h.Do(req)
}

// unreached names why no answer came. sent is whether a write may have gone out.
func (c *client) unreached(base string, err error, sent bool) error {
	var unsigned *credentialError
	if errors.As(err, &unsigned) { // nothing was sent
		return unsigned
	}
	var u *url.Error
	text := err.Error()
	if errors.As(err, &u) {
		text = u.Err.Error()
	}
	e := &reachError{outcome: mesh.NoConnection, err: err, sent: sent, msg: fmt.Sprintf("no connection to Marathon at %s: %s", base, text)}
	if trouble := cmp.Or(tlsTrouble(c.account.name, err, text), proxyTrouble(c.account.name, text)); trouble != "" {
		e.msg = fmt.Sprintf("no connection to Marathon at %s: %s", base, trouble)
	}
	if errors.Is(err, context.DeadlineExceeded) || u != nil && u.Timeout() {
		e.outcome, e.msg = mesh.Timeout, fmt.Sprintf("Marathon at %s did not answer in time", base)
	}
	return e
}
