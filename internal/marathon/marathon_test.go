package marathon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// serve runs a handler and returns a Marathon that asks it.
func serve(t *testing.T, h http.Handler) *Marathon {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections) // before that: a server waits for its streams
	m := New(Options{
		Spec: mesh.MarathonSpec{Name: "main", URLs: []string{s.URL}}, Mesh: "prod", HTTP: s.Client(), Now: time.Now,
		SecretNames: mesh.DefaultSecretNames(), Timeout: 5 * time.Second, Poll: time.Millisecond,
	})
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func server(t *testing.T) *marathond.Server {
	t.Helper()
	s := marathond.New(marathond.Options{Name: "main", Tick: time.Millisecond})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// desired is an app as the repository wants it, completed by what is live.
func desired(t *testing.T, s mesh.TargetState, id string, def map[string]any) mesh.Resource {
	t.Helper()
	var live *mesh.Resource
	for i := range s.Resources {
		if s.Resources[i].Addr.Name == id {
			live = &s.Resources[i]
		}
	}
	def["id"] = id
	r, _, err := definition.DesiredResource(mesh.AppSpec{Marathon: "main", ID: id, Definition: def}, live, s.Marathon.Config, definition.NewMasker(nil))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reach brings a Marathon to what is wanted and returns the outcomes, and the state afterwards.
func reach(t *testing.T, m *Marathon, defs map[string]map[string]any) (out []plan.Outcome, after mesh.TargetState) {
	t.Helper()
	s := m.Observe(context.Background())
	if s.Outcome != mesh.OK {
		t.Fatalf("%s: %s", s.Outcome, s.Message)
	}
	var want []mesh.Resource
	for id, d := range defs {
		want = append(want, desired(t, s, id, d))
	}
	w := plan.Work{Run: "r", Commit: "c0ffee", Time: "2026-01-01T00:00:00Z", Changes: diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes}
	if err := m.Apply(context.Background(), w, func(o plan.Outcome) { out = append(out, o) }); err != nil {
		t.Fatal(err)
	}
	return out, m.Observe(context.Background())
}

func last(out []plan.Outcome) plan.Outcome {
	if len(out) == 0 {
		return plan.Outcome{}
	}
	return out[len(out)-1]
}

func TestAnAppIsCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	for _, defs := range []map[string]map[string]any{
		{"/a": {"cmd": "sleep 1", "instances": 2}},
		{"/a": {"cmd": "sleep 1", "instances": 3}},
		{"/a": {"cmd": "sleep 2", "instances": 3, "labels": map[string]any{"x": "y"}}},
	} {
		out, s := reach(t, m, defs)
		if last(out).Result != plan.ResultDone {
			t.Fatalf("%+v", out)
		}
		want := []mesh.Resource{desired(t, s, "/a", defs["/a"])}
		if d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}); len(d.Changes) != 0 {
			t.Errorf("the next plan is not empty: %+v", d.Changes)
		}
		if e := s.Record.Entries["marathon/main/app:/a"]; s.RecordState != mesh.RecordOK || e.State != mesh.Holds || e.Origin != mesh.Created || e.Digest != mesh.Digest(want[0].Attrs) {
			t.Errorf("%s %+v", s.RecordState, e)
		}
	}
	out, s := reach(t, m, nil)
	if last(out).Result != plan.ResultDone || last(out).Action != "delete" || len(s.Resources) != 0 || len(s.Record.Entries) != 0 {
		t.Errorf("%+v %+v", out, s)
	}
}

func TestSomebodyElsesChangeIsAConflict(t *testing.T) {
	t.Parallel()
	h := server(t)
	m := serve(t, h)
	reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
	s := m.Observe(context.Background())
	want := []mesh.Resource{desired(t, s, "/a", map[string]any{"cmd": "sleep 2"})}
	d := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPatch, "/v2/apps/a", strings.NewReader(`{"mem": 256}`)))
	var out []plan.Outcome
	if err := m.Apply(context.Background(), plan.Work{Run: "r", Changes: d.Changes}, func(o plan.Outcome) { out = append(out, o) }); err != nil {
		t.Fatal(err)
	}
	if last(out).Result != plan.ResultConflict || !strings.Contains(last(out).Message, "since the plan: mem") {
		t.Errorf("%+v", out)
	}
}

// newer is a Marathon of a later version: its apps have a field that meshsync does not know.
type newer struct {
	http.Handler
	put []byte
}

func (n *newer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut && r.URL.Path == "/v2/apps/a" {
		n.put, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(n.put))
	}
	rec := httptest.NewRecorder()
	n.Handler.ServeHTTP(rec, r)
	body := bytes.ReplaceAll(rec.Body.Bytes(), []byte(`"id":"/a",`), []byte(`"id":"/a","futureField":{"x":1},`))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

func TestAFieldThatIsNotKnownIsSentBackUnchanged(t *testing.T) {
	t.Parallel()
	n := &newer{Handler: server(t)}
	m := serve(t, n)
	out, s := reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
	if last(out).Result != plan.ResultDone || fmt.Sprint(s.Resources[0].App.Foreign) != "map[futureField:map[x:1]]" {
		t.Fatalf("%+v %+v", out, s.Resources[0].App)
	}
	reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 2"}})
	var body map[string]any
	if err := json.Unmarshal(n.put, &body); err != nil || fmt.Sprint(body["futureField"]) != "map[x:1]" || body["version"] != nil {
		t.Errorf("%v %s", err, n.put)
	}
}

func TestNothingIsForced(t *testing.T) {
	t.Parallel()
	h := server(t)
	forced := ""
	m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "force=true") || r.Method == http.MethodDelete && r.URL.Query().Get("force") != "false" {
			forced = r.Method + " " + r.URL.String()
		}
		if r.Method != http.MethodGet && r.Method != http.MethodDelete && r.ContentLength <= 0 {
			t.Errorf("%s %s has no Content-Length", r.Method, r.URL)
		}
		h.ServeHTTP(w, r)
	}))
	reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
	reach(t, m, nil)
	if forced != "" {
		t.Error(forced)
	}
}

func TestABodyThatIsTooLargeIsNotSent(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	out, _ := reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1", "env": map[string]any{"X": strings.Repeat("x", 600<<10)}}})
	if last(out).Result != plan.ResultFailed || !strings.Contains(last(out).Message, "nothing was sent") {
		t.Errorf("%.300v", out)
	}
}

// refusing is a Marathon that refuses to write an app: another one was first, or there is no room.
func refusing(h http.Handler, method string, status *int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method && r.URL.Path != "/v2/leader" && !strings.Contains(r.URL.Path, "meshsync") && *status > 0 {
			body, _ := io.ReadAll(r.Body)
			if method == http.MethodDelete || bytes.Contains(body, []byte(`"/a"`)) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(*status)
				_, _ = io.WriteString(w, `{"message": "no"}`)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		h.ServeHTTP(w, r)
	})
}

// What was refused is not intended any more: whoever then makes the app has made it.
func TestACreateThatIsRefusedGivesNoRightToDelete(t *testing.T) {
	t.Parallel()
	for status, entries := range map[int]int{http.StatusConflict: 0, http.StatusUnprocessableEntity: 0, http.StatusInternalServerError: 1} {
		m := serve(t, refusing(server(t), http.MethodPost, &status))
		out, s := reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
		if last(out).Result == plan.ResultDone || len(s.Record.Entries) != entries {
			t.Errorf("%d: %+v %+v", status, out, s.Record.Entries)
		}
	}
}

func TestARemovalThatIsRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnprocessableEntity, http.StatusInternalServerError} {
		m := serve(t, refusing(server(t), http.MethodDelete, &status))
		reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
		if out, s := reach(t, m, nil); last(out).Result != plan.ResultFailed || len(s.Resources) != 1 {
			t.Fatalf("%d: %+v %+v", status, out, s.Resources)
		}
		status = 0
		if out, s := reach(t, m, nil); last(out).Result != plan.ResultDone || len(s.Resources) != 0 || len(s.Record.Entries) != 0 {
			t.Errorf("then: %+v %+v", out, s)
		}
	}
}

func TestOutcomesOfObserving(t *testing.T) {
	t.Parallel()
	text := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	info := `{"version":"1.11.26","marathon_config":{}}`
	for _, x := range []struct {
		name string
		h    http.HandlerFunc
		want mesh.Outcome
	}{
		{"HTML", text(200, "text/html", "<html>"), mesh.Garbled},
		{"another JSON", text(200, "application/json", `{"hello":1}`), mesh.Garbled},
		{"half a body", text(200, "application/json", `{"version":"1.1`), mesh.Truncated},
		{"no list of apps", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/info" {
				_, _ = io.WriteString(w, info)
				return
			}
			_, _ = io.WriteString(w, `{}`)
		}, mesh.Garbled},
		{"500 with a message", text(500, "application/json", `{"message":"x"}`), mesh.BadStatus},
		{"502 without", text(502, "text/html", "<html>Bad Gateway"), mesh.BadStatus},
		{"401", text(401, "text/html", "<html>"), mesh.AuthRefused},
		{"another host", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.example.com"+r.URL.Path, http.StatusFound)
		}, mesh.BadStatus},
		{"a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, mesh.BadStatus},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, x.h).Observe(context.Background())
			if s.Outcome != x.want || s.Message == "" || len(s.Resources) != 0 {
				t.Errorf("got %s: %s", s.Outcome, s.Message)
			}
		})
	}
}

func TestARecordOfManyAppsIsSharded(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	m.Observe(context.Background())
	entries := map[string]mesh.RecordEntry{}
	for i := range 4000 {
		entries[fmt.Sprintf("marathon/main/app:/group-%d/app", i)] = mesh.RecordEntry{Digest: mesh.DigestBytes([]byte{byte(i)}), Time: "2026-01-01T00:00:00Z", State: mesh.Holds}
	}
	if err := m.noteAll(context.Background(), entries); err != nil {
		t.Fatal(err)
	}
	if len(m.rec.shards) < 2 {
		t.Errorf("%d shards", len(m.rec.shards))
	}
	s := m.Observe(context.Background())
	if s.RecordState != mesh.RecordOK || len(s.Record.Entries) != 4000 || len(s.Resources) != 0 {
		t.Errorf("%s, %d entries, %d apps", s.RecordState, len(s.Record.Entries), len(s.Resources))
	}
}
