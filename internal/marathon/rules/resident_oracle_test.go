package rules

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// TestUpdatesOfResidentAppsAgreeWithTheSandbox changes an app with persistent volumes again
// and again, and compares what is told of each change with what the sandbox's Marathon makes
// of it.
func TestUpdatesOfResidentAppsAgreeWithTheSandbox(t *testing.T) {
	t.Parallel()
	s := marathond.New(marathond.Options{Role: "db", Clock: marathond.NewManualClock(time.Unix(0, 0))})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	g := generator{rand.New(rand.NewPCG(3, 4))}
	taken, refused, invalid := 0, 0, 0
	for range 1500 {
		_, shown := ask(t, s, http.MethodGet, "/v2/apps/g/a", nil)
		live := asFields(shown["app"])
		body, err := json.Marshal(g.resident())
		if err != nil {
			t.Fatal(err)
		}
		status, answer := ask(t, s, http.MethodPut, "/v2/apps/g/a?partialUpdate=false", body)
		text, _ := json.Marshal(answer)
		why := string(text)
		if status >= 300 && !strings.Contains(strings.ToLower(why), "persistent volumes") && !strings.Contains(why, "change the role") {
			invalid++
			continue
		}
		found := Update("/g/a", live, decoded(t, body), Marathon{Version: "1.11.26"})
		kept := found[:0:0]
		for _, f := range found {
			if !f.Warning || status >= 300 {
				kept = append(kept, f)
			}
		}
		if status < 300 {
			taken++
		} else {
			refused++
		}
		if (status >= 300) != (len(kept) > 0) {
			t.Fatalf("of %v\n\tto %s\n\tis found %v, and the sandbox said %d %s", live, body, texts(found), status, why)
		}
		if g.IntN(20) == 0 {
			ask(t, s, http.MethodDelete, "/v2/apps/g/a", nil)
		}
	}
	t.Logf("%d taken, %d refused, %d no app", taken, refused, invalid)
}

// ask makes one request.
func ask(t *testing.T, s http.Handler, method, path string, body []byte) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, decoded(t, w.Body.Bytes())
}

// resident is an app with persistent volumes, mostly, and little that differs from the last.
func (g generator) resident() map[string]any {
	d := map[string]any{"cmd": "run it", "instances": 0}
	volumes := []any{}
	for _, name := range oneOf(g, []string{"a"}, []string{"a"}, []string{"a"}, []string{"a"}, []string{"a"}, []string{"a"}, []string{"a", "b"}, nil) {
		p := map[string]any{"size": oneOf(g, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)}
		g.with(p, 3, "type", "root")
		g.with(p, 20, "type", "mount", "path")
		g.with(p, 20, "profileName", "ssd")
		if p["type"] == "mount" {
			g.with(p, 2, "maxSize", 5)
			g.with(p, 2, "constraints", []any{[]any{"path", "LIKE", "a"}})
		}
		volumes = append(volumes, map[string]any{"containerPath": name, "mode": "RW", "persistent": p})
	}
	g.with(d, 10, "cpus", 1, 1, 0.5)
	g.with(d, 10, "mem", 128, 128, 64)
	g.with(d, 10, "disk", 0, json.Number("0.0"), 1)
	g.with(d, 20, "requirePorts", true, false)
	g.with(d, 10, "role", "db", "g")
	container := map[string]any{"type": "MESOS", "volumes": volumes}
	d["container"] = container
	switch g.IntN(24) {
	case 0:
		d["networks"] = oneOf(g, []any{map[string]any{"mode": "container/bridge"}}, []any{map[string]any{"name": "n"}})
		g.with(container, 2, "portMappings", []any{}, []any{map[string]any{"containerPort": 80}},
			[]any{map[string]any{"containerPort": 80}, map[string]any{"hostPort": 31000}}, []any{map[string]any{"hostPort": 0}})
	case 1:
		d["ports"] = oneOf(g, []any{}, []any{0}, []any{10000, 0}, []any{443}, []any{443, 0})
	case 2, 3:
		d["portDefinitions"] = oneOf(g, []any{}, []any{map[string]any{"port": 0}}, []any{map[string]any{"port": 10000}},
			[]any{map[string]any{"port": 10001}, map[string]any{"port": 10000}}, []any{map[string]any{}, map[string]any{}}, []any{map[string]any{"port": 443}},
			[]any{map[string]any{}, map[string]any{"port": 10000}})
	}
	return d
}
