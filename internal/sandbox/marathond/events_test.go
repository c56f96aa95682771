package marathond

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// recordedPhase is what came over the stream after one call.
type recordedPhase struct {
	Phase  string
	Events []struct {
		Type, State string
		Keys        []string
	}
}

// listen subscribes without a connection and returns what has come since the last call.
func (w *world) listen() func() []object {
	st := &stream{frames: make(chan string, maxBehind), end: make(chan struct{})}
	w.mu.Lock()
	w.streams[st] = true
	w.mu.Unlock()
	return func() []object {
		var out []object
		for {
			select {
			case frame := <-st.frames:
				_, data, _ := strings.Cut(frame, "data: ")
				out = append(out, appdef.Map(decode([]byte(data))))
			default:
				return out
			}
		}
	}
}

// lifeCycle does what the recording did, phase by phase.
func lifeCycle(t *testing.T, w *world) map[string]func() {
	t.Helper()
	full := "/v2/apps/ev/a?partialUpdate=false"
	body := func(env, labels string, n int) string {
		return plainApp("/ev/a", n, `, "env": {"V": "`+env+`"}, "portDefinitions": [{"port": 0, "name": "http"}], "healthChecks": [{"protocol": "HTTP", "path": "/",
			"portIndex": 0, "gracePeriodSeconds": 2, "intervalSeconds": 1, "timeoutSeconds": 1, "maxConsecutiveFailures": 3}]`+labels)
	}
	send := func(method, path, body string) func() { return func() { w.call(t, method, path, []byte(body)) } }
	task := func() string {
		for _, x := range w.Tasks() {
			if x.State == "TASK_RUNNING" {
				return x.ID
			}
		}
		t.Fatal("no task runs")
		return ""
	}
	stuck := func(on string, then func()) func() {
		return func() {
			if err := w.Fault("stuck", on); err != nil {
				t.Fatal(err)
			}
			then()
		}
	}
	ids := map[string]string{}
	cancel := func(force string) func() {
		return func() {
			ids["now"] = appdef.Text(appdef.Map(appdef.List(w.call(t, "GET", "/v2/deployments", nil).body)[0])["id"])
			w.call(t, "DELETE", "/v2/deployments/"+ids["now"]+force, nil)
		}
	}
	return map[string]func(){
		"create (POST)":                                  send("POST", "/v2/apps", body("1", "", 1)),
		"update (PUT env)":                               send("PUT", full, body("2", "", 1)),
		"no change (PUT the same)":                       send("PUT", full, body("2", "", 1)),
		"scale to 2 (PATCH)":                             send("PATCH", "/v2/apps/ev/a", `{"instances": 2}`),
		"scale to 1":                                     send("PATCH", "/v2/apps/ev/a", `{"instances": 1}`),
		"the task fails":                                 func() { w.FailTask(task()) },
		"kill the task (DELETE task)":                    func() { w.call(t, "DELETE", "/v2/apps/ev/a/tasks/"+task(), nil) },
		"restart":                                        send("POST", "/v2/apps/ev/a/restart", ""),
		"refused with 422":                               send("PUT", full, `{"cpus": "x"}`),
		"refused by validation":                          send("PUT", full, `{"cmd": "x"}`),
		"stuck update (label SIM_STUCK)":                 stuck("/ev/a", send("PUT", full, body("2", stuckLabel, 1))),
		"refused with 409":                               send("PUT", full, body("3", stuckLabel, 1)),
		"same definition during the deployment":          send("PUT", full, body("2", stuckLabel, 1)),
		"forced over it":                                 send("PUT", full+"&force=true", body("4", stuckLabel, 1)),
		"DELETE of the deployment (revert)":              cancel(""),
		"DELETE of the deployment with force":            cancel("?force=true"),
		"group PUT (two apps, one depends on the other)": send("PUT", "/v2/groups/ev2", `{"apps": [`+plainApp("x", 1, "")+`, `+plainApp("y", 1, `, "dependencies": ["x"]`)+`]}`),
		"delete the app":                                 send("DELETE", "/v2/apps/ev/a", ""),
		"delete the group":                               send("DELETE", "/v2/groups/ev2", ""),
	}
}

// In each phase of a life cycle the same events come, with the same members. Their order
// varied in the recording, and how often checks are taken off is not looked at.
func TestEventsOfALifeCycleAreThoseRecorded(t *testing.T) {
	t.Parallel()
	var phases []recordedPhase
	load(t, "events.json.gz", &phases)
	w := newWorld(t, Options{Agents: simulatedAgents()})
	heard := w.listen()
	calls := lifeCycle(t, w)
	for _, p := range phases {
		do := calls[p.Phase]
		if do == nil {
			t.Errorf("the phase %q is not replayed", p.Phase)
			continue
		}
		do()
		w.settle()
		want, keys := map[string]int{}, map[string][]string{}
		for _, e := range p.Events {
			want[e.Type+" "+e.State]++
			keys[e.Type] = e.Keys
		}
		got := map[string]int{}
		for _, e := range heard() {
			kind := appdef.Text(e["eventType"])
			got[kind+" "+appdef.Text(e["taskStatus"])+appdef.Text(e["condition"])]++
			if k, ok := keys[kind]; ok && !slices.Equal(k, sortedKeys(e)) {
				t.Errorf("%s: %s has %v, there it had %v", p.Phase, kind, sortedKeys(e), k)
			}
		}
		delete(want, "remove_health_check_event ")
		delete(got, "remove_health_check_event ")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", p.Phase, diff)
		}
	}
}

func TestAStreamOfEvents(t *testing.T) {
	t.Parallel()
	s := New(Options{Tick: time.Millisecond})
	server := httptest.NewServer(s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer func() { // streams end with the server, and nothing is left
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	}()
	events := func(query string) *bufio.Reader {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v2/events"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "text/event-stream;charset=utf-8" {
			t.Fatalf("%d %s", res.StatusCode, ct)
		}
		return bufio.NewReader(res.Body)
	}
	all, done := events(""), events("?event_type=deployment_success")
	if first, _ := all.ReadString('\n'); first != "event: event_stream_attached\r\n" {
		t.Errorf("first frame: %q", first)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v2/apps", strings.NewReader(plainApp("/a", 1, "")))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	made, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	line, _ := done.ReadString('\n')
	data, _ := done.ReadString('\n')
	var e struct{ ID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &e); err != nil || line != "event: deployment_success\r\n" || !strings.Contains(string(made), e.ID) {
		t.Errorf("%q %q %v", line, data, err)
	}
	if err := s.Fault("leader-change", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(done); err != nil {
		t.Errorf("the stream of a leader that goes ends: %v", err)
	}
}

func TestEventsWantTheirOwnAccept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	for _, accept := range []string{"*/*", "application/json", "", "text/event-stream, application/json"} {
		if r := w.call(t, "GET", "/v2/events", nil, "Accept", accept); r.status != 405 || len(r.raw) != 0 {
			t.Errorf("Accept %q: %d %s", accept, r.status, r.raw)
		}
	}
}

func TestASlowReaderOfEventsIsDisconnected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	st := &stream{frames: make(chan string, maxBehind), end: make(chan struct{})}
	w.mu.Lock()
	w.streams[st] = true
	for n := range maxBehind + 1 {
		w.emit("test", object{"n": n})
	}
	w.mu.Unlock()
	select {
	case <-st.end:
	default:
		t.Errorf("%d events behind, and still connected", maxBehind)
	}
}
