package marathond

import (
	"net/url"
	"testing"
)

func TestLabelSelectors(t *testing.T) {
	t.Parallel()
	labels := object{"tier": "web", "env": "prod", "a b": "x"}
	for text, want := range map[string]bool{
		"tier": true, "nope": false, "tier==web": true, "tier==db": false, "tier!=web": false, "tier!=db": true,
		"nope!=web":         false, // the label must be there
		"tier in (web, db)": true, "tier in (db)": false, "tier notin (db)": true, "nope notin (db)": false,
		"tier==web,env==prod": true, "tier==web, env==dev": false, `a\ b==x`: true,
	} {
		selectors, ok := parseSelectors(text)
		got := ok
		for _, s := range selectors {
			got = got && s(labels)
		}
		if !ok || got != want {
			t.Errorf("%q: %v, parsed %v", text, got, ok)
		}
	}
	for _, text := range []string{"tier=web", "!tier", "tier==", "a,", ",a", "tier in", "a b"} {
		if _, ok := parseSelectors(text); ok {
			t.Errorf("%q was taken", text)
		}
	}
}

// Whatever stands in a query, a list of apps is an answer: 200 or 422.
func FuzzQueries(f *testing.F) {
	for _, seed := range []string{"tier", "tier==web,env!=a", "a in (b,c)", `x\`, "((", "a notin ()", ","} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, label, embed string) {
		s := New(Options{Clock: NewManualClock(startTime())})
		defer func() { _ = s.Close() }()
		w := &world{Server: s}
		w.call(t, "POST", "/v2/apps", []byte(plainApp("/a", 0, `, "labels": {"tier": "web"}`)))
		q := url.Values{"label": {label}, "embed": {embed}, "id": {embed}, "cmd": {label}}
		if len(q.Encode()) > 4000 {
			return
		}
		if r := w.call(t, "GET", "/v2/apps?"+q.Encode(), nil); r.status != 200 && r.status != 422 {
			t.Errorf("%d %s", r.status, r.raw)
		}
	})
}

// Whatever is sent to whatever route, afterwards the apps can be listed (or are 500 for the
// check that cannot be shown), and nothing panics while the tasks start.
func FuzzBodies(f *testing.F) {
	for _, path := range []string{"/v2/apps", "/v2/apps/a", "/v2/groups/g", "/v2/tasks/delete", "/v2/apps/a/restart"} {
		for _, body := range []string{
			plainApp("/a", 1, ""), `[{"id": "/a"}]`, `{"apps": [{"id": "x", "cmd": "run it"}]}`, "{", "null", `{"ids": ["a"]}`, `{"version": "x"}`,
			plainApp("/a", 1, `, "container": {"docker": {"image": "w:1", "network": "BRIDGE", "portMappings": [{}]}}`),
			plainApp("/a", 1, `, "healthChecks": [null, {"protocol": "tcp"}], "uris": ["a.tgz"], "ports": [0]`),
			plainApp("/a", 1, `, "constraints": [["a", "LIKE"]], "unreachableStrategy": [], "ipAddress": {}`),
			`{"id": "/a", "cmd": "run it", "cpus": 1e400, "mem": 1e-400, "instances": 1e999999999}`, `{"scaleBy": 1e9}`,
		} {
			f.Add("PUT", path, body)
			f.Add("POST", path, body)
		}
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		u, err := url.Parse(path)
		if err != nil || u.Path == "" || u.Path[0] != '/' || u.Host != "" || len(body) > 4000 || method != "PUT" && method != "POST" && method != "PATCH" && method != "DELETE" {
			return
		}
		clock := NewManualClock(startTime())
		s := New(Options{Clock: clock, Features: allFeatures()})
		defer func() { _ = s.Close() }()
		w := &world{Server: s, clock: clock}
		w.call(t, method, u.RequestURI(), []byte(body))
		clock.Advance(startTime().Sub(startTime().Add(-1e9)))
		list := w.call(t, "GET", "/v2/apps", nil)
		if list.status != 200 && list.status != 500 {
			t.Fatalf("%d %s", list.status, list.raw)
		}
	})
}
