package marathon

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// somebody sends one request past meshsync.
func somebody(t *testing.T, h http.Handler, method, path, body string) string {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// grouped is a server with groups that enforce roles and depend on each other, an app of somebody
// else's, and pods.
func grouped(t *testing.T) *marathond.Server {
	t.Helper()
	h := server(t)
	somebody(t, h, "POST", "/v2/groups", `{"id": "/dev", "enforceRole": true}`)
	somebody(t, h, "POST", "/v2/groups", `{"id": "/shop", "dependencies": ["/infra"], "groups": [{"id": "front", "dependencies": ["/shop/back"]}]}`)
	somebody(t, h, "POST", "/v2/apps", `{"id": "/shop/theirs", "cmd": "sleep 9", "instances": 0}`)
	for _, id := range []string{"/shop/queue", "/cache"} {
		if err := h.PutPod(id); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestGroupsAndPodsAreObserved(t *testing.T) {
	t.Parallel()
	s := serve(t, grouped(t)).Observe(context.Background())
	got := s.Marathon
	if s.Outcome != mesh.OK || got.GroupsUnread != "" {
		t.Fatalf("%+v", s)
	}
	if d := cmp.Diff([]string{"/cache", "/shop/queue"}, got.Pods); d != "" {
		t.Errorf("pods: %s", d)
	}
	if d := cmp.Diff(map[string][]string{"/shop": {"/infra"}, "/shop/front": {"/shop/back"}}, got.GroupDependencies); d != "" {
		t.Errorf("dependencies: %s", d)
	}
	if d := cmp.Diff(map[string]bool{"/dev": true, "/shop": false}, got.Config.EnforceRole); d != "" {
		t.Errorf("roles: %s", d)
	}
}

// instead answers some requests with a status.
type instead struct {
	http.Handler
	path   string
	status int
	body   string
}

func (r instead) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path != r.path {
		r.Handler.ServeHTTP(w, q)
		return
	}
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
}

func TestAnAccountThatMayNotReadGroupsStillSeesApps(t *testing.T) {
	t.Parallel()
	h := grouped(t)
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		s := serve(t, instead{h, "/v2/groups", status, `{"message": "Not Authorized to perform this action!"}`}).Observe(context.Background())
		if s.Outcome != mesh.OK || len(s.Resources) != 1 || !strings.Contains(s.Marathon.GroupsUnread, "Not Authorized") || s.Marathon.Config.EnforceRole != nil {
			t.Errorf("%d: %+v %+v", status, s, s.Marathon)
		}
	}
	for body, want := range map[string]mesh.Outcome{`{}`: mesh.Garbled, `{"id": "/", `: mesh.Truncated, `<html>`: mesh.Garbled} {
		if s := serve(t, instead{h, "/v2/groups", 200, body}).Observe(context.Background()); s.Outcome != want {
			t.Errorf("%s: %s", body, s.Outcome)
		}
	}
	if s := serve(t, instead{h, "/v2/groups", 500, `{"message": "x"}`}).Observe(context.Background()); s.Outcome != mesh.BadStatus {
		t.Errorf("a Marathon that fails: %s", s.Outcome)
	}
}

func TestAMarathonWithoutGroupsIsNotAskedForThem(t *testing.T) {
	t.Parallel()
	h := instead{instead{server(t), "/v2/info", 200, `{"version": "0.6.0"}`}, "/v2/groups", 500, ""}
	if s := serve(t, h).Observe(context.Background()); s.Outcome != mesh.OK || s.Marathon.GroupsUnread != "" {
		t.Errorf("%+v", s)
	}
}

// watched remembers what changes something.
type watched struct {
	http.Handler
	mu     sync.Mutex
	all    map[string]int // "GET /v2/groups" → how often
	writes []string       // method, path and query
}

func (w *watched) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.all[r.Method+" "+r.URL.Path]++
	if r.Method != http.MethodGet {
		w.writes = append(w.writes, r.Method+" "+r.URL.RequestURI())
	}
	w.mu.Unlock()
	w.Handler.ServeHTTP(rw, r)
}

// TestNothingButSingleAppsIsWritten watches all that is sent while apps in groups are adopted,
// made, changed and deleted: a group that is written loses what the body does not list and
// what it enforces, and a list of apps is locked by the slowest of them.
func TestNothingButSingleAppsIsWritten(t *testing.T) {
	t.Parallel()
	h := grouped(t)
	somebody(t, h, "POST", "/v2/apps", `{"id": "/shop/known", "cmd": "sleep 9"}`)
	before := groupsOf(t, h)
	w := &watched{Handler: h, all: map[string]int{}}
	m := serve(t, w)
	ctx := context.Background()
	if err := m.Take(ctx, mesh.Lease{Run: "r"}); err != nil {
		t.Fatal(err)
	}
	s := m.Observe(ctx)
	known := mesh.Address{Target: s.Target, Kind: mesh.App, Name: "/shop/known"}
	adopt := plan.Work{Run: "r", Adopt: map[string]mesh.RecordEntry{known.String(): {Digest: mesh.Digest(s.Resources[0].Attrs)}}}
	if err := m.Apply(ctx, adopt, func(plan.Outcome) {}); err != nil {
		t.Fatal(err)
	}
	app := func(cmd string, more ...string) map[string]any {
		return map[string]any{"cmd": cmd, "dependencies": list(more...)}
	}
	for _, defs := range []map[string]map[string]any{
		{"/shop/known": app("sleep 9"), "/shop/back/db": app("sleep 9"), "/shop/front/web": app("sleep 9", "/shop/back/db"), "/dev/x": app("sleep 9"), "/new/deep/er": app("sleep 9")},
		{"/shop/known": app("sleep 8"), "/shop/back/db": app("sleep 8"), "/shop/front/web": app("sleep 8", "/shop/back/db")},
		{"/shop/known": app("sleep 8")},
	} {
		if out, _ := reach(t, m, defs); last(out).Result != plan.ResultDone {
			t.Fatalf("%+v", out)
		}
		if got := planOf(t, m, defs); len(got) != 0 {
			t.Errorf("the next plan has %+v", got)
		}
	}
	if err := m.Release(ctx); err != nil {
		t.Fatal(err)
	}
	for _, write := range w.writes {
		method, uri, _ := strings.Cut(write, " ")
		single := strings.HasPrefix(uri, "/v2/apps/") || method == "POST" && uri == "/v2/apps"
		if !single || strings.Contains(uri, "force=true") || method == "DELETE" && !strings.Contains(uri, "?force=false") ||
			method == "PUT" && !strings.Contains(uri, "?partialUpdate=false") || method == "PATCH" {
			t.Errorf("sent: %s", write)
		}
	}
	if len(w.writes) < 12 || w.all["GET /v2/groups"] == 0 || w.all["GET /v2/groups"] != w.all["GET /v2/info"] {
		t.Errorf("%d writes, and %v", len(w.writes), w.all)
	}
	after := groupsOf(t, h)
	maps.DeleteFunc(after, func(id string, _ string) bool { // groups come with the apps in them, and stay
		return slices.Contains([]string{"/new", "/new/deep", "/shop/back"}, id) || strings.HasPrefix(id, "/meshsync")
	})
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("groups: %s", d)
	}
	if s := m.Observe(ctx); len(s.Marathon.Pods) != 2 || !slices.ContainsFunc(s.Resources, func(r mesh.Resource) bool { return r.Addr.Name == "/shop/theirs" }) {
		t.Errorf("what is not managed: %v %+v", s.Marathon.Pods, s.Resources)
	}
}

func list(of ...string) []any {
	out := []any{}
	for _, s := range of {
		out = append(out, s)
	}
	return out
}

// planOf is what would still be done.
func planOf(t *testing.T, m *Marathon, defs map[string]map[string]any) []diff.Change {
	t.Helper()
	s := m.Observe(context.Background())
	var want []mesh.Resource
	for id, d := range defs {
		want = append(want, desired(t, s, id, d))
	}
	return diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes
}

// groupsOf has what each group says, without apps and versions.
func groupsOf(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	type node struct {
		ID           string
		Groups       []node
		Dependencies []string
		EnforceRole  *bool
	}
	var root node
	if err := json.Unmarshal([]byte(somebody(t, h, "GET", "/v2/groups", "")), &root); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var visit func(n node)
	visit = func(n node) {
		said, _ := json.Marshal([]any{n.Dependencies, n.EnforceRole})
		out[n.ID] = string(said)
		for _, g := range n.Groups {
			visit(g)
		}
	}
	visit(root)
	return out
}
