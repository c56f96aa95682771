package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Options say where the Marathon is.
type Options struct {
	URL   string        // without a slash at the end
	Group string        // the group of the suite, as in /conformance-1; it must not exist
	Wait  time.Duration // how long a deployment of sleeping tasks may take; 0: a minute
}

type object = map[string]any

// client makes requests for one test.
type client struct {
	*testing.T
	o Options
}

type reply struct {
	status int
	header http.Header
	body   any
}

func (r reply) object() object { o, _ := r.body.(object); return o }

func (r reply) list() []any { l, _ := r.body.([]any); return l }

func (r reply) text(key string) string { s, _ := r.object()[key].(string); return s }

// try makes a request; body is a value, raw JSON, or nil.
func (c client) try(method, path string, body any, headers ...string) (reply, error) {
	var data io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		data = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return reply{}, err
		}
		data = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.o.URL+path, data)
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	out := reply{status: res.StatusCode, header: res.Header}
	if json.Unmarshal(raw, &out.body) != nil {
		out.body = string(raw)
	}
	return out, nil
}

func (c client) call(method, path string, body any, headers ...string) reply {
	c.Helper()
	r, err := c.try(method, path, body, headers...)
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// want fails the test when the status is another one.
func (c client) want(status int, method, path string, body any, headers ...string) reply {
	c.Helper()
	r := c.call(method, path, body, headers...)
	if r.status != status {
		c.Fatalf("%s %s: %d, want %d: %v", method, path, r.status, status, r.body)
	}
	return r
}

// app is the app as GET shows it.
func (c client) app(id string) object {
	c.Helper()
	a, _ := c.want(http.StatusOK, http.MethodGet, "/v2/apps"+id, nil).object()["app"].(object)
	return a
}

// eventually asks until it is so, or the time is over.
func (c client) eventually(what string, is func() bool) {
	c.Helper()
	for end := time.Now().Add(c.o.Wait); !is(); {
		if time.Now().After(end) {
			c.Fatalf("after %s still not so: %s", c.o.Wait, what)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// settled waits until no deployment works on an app.
func (c client) settled(id string) object {
	c.Helper()
	var a object
	c.eventually(id+" has no deployment", func() bool {
		a = c.app(id)
		l, _ := a["deployments"].([]any)
		return len(l) == 0
	})
	return a
}

func (c client) listed(deployment string) bool {
	c.Helper()
	for _, d := range c.want(http.StatusOK, http.MethodGet, "/v2/deployments", nil).list() {
		if o, _ := d.(object); o["id"] == deployment {
			return true
		}
	}
	return false
}

// record is an app that starts nothing; sleeper one whose tasks sleep; nowhere one that no offer fits.
func record(id string, labels object) object {
	return object{"id": id, "cmd": "sleep 600", "cpus": 0.01, "mem": 16, "instances": 0, "labels": labels}
}

func sleeper(id string, n int, env string) object {
	return object{"id": id, "cmd": "sleep 600", "cpus": 0.01, "mem": 16, "instances": n, "env": object{"V": env}}
}

func nowhere(id, env string) object {
	a := sleeper(id, 1, env)
	a["constraints"] = [][]string{{"hostname", "LIKE", "there-is-no-such-host"}}
	return a
}

func at(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}
