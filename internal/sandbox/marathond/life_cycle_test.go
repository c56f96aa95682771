package marathond

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

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

// recordedPhase is what came over the stream after one call.
type recordedPhase struct {
	name   string
	events []object
}

// readStream reads frames. A line that begins with ": ---- " names the call that follows.
func readStream(t *testing.T, text string) []recordedPhase {
	t.Helper()
	phases := []recordedPhase{{}}
	kind := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, ": ---- "); ok {
			phases = append(phases, recordedPhase{name: name})
		} else if k, ok := strings.CutPrefix(line, "event: "); ok {
			kind = k
		} else if data, ok := strings.CutPrefix(line, "data: "); ok {
			e, whole := decode([]byte(data)).(object)
			if !whole { // the recording was cut there
				break
			}
			if e["eventType"] != kind {
				t.Errorf("a frame %s holds %s", kind, data)
			}
			last := &phases[len(phases)-1]
			last.events = append(last.events, e)
		}
	}
	return phases
}

// courses names what an event is a part of. The events of one course came in the same order
// each time; how two of them are woven together varied.
func courses(e object) []string {
	id, _, _ := strings.Cut(appdef.Text(e["taskId"]), "._app.")
	if i := appdef.Text(e["instanceId"]); i != "" {
		id = i
	}
	switch kind := appdef.Text(e["eventType"]); {
	case strings.HasPrefix(kind, "deployment_"):
		return []string{asText(appdef.Map(e["plan"])["id"])}
	case kind == "health_status_changed_event":
		return []string{id + " check"}
	case kind == "instance_health_changed_event":
		return []string{id + " health"}
	case id != "":
		return []string{id + " check", id + " health"}
	}
	return nil
}

// matchEvents finds for each recorded event one of ours that says the same, in the order of its courses.
func (m *matcher) matchEvents(want, got []object) {
	used, last := map[int]bool{}, map[string]int{}
	for _, w := range want {
		at, why := -1, "nothing of that kind is left"
		for i, g := range got {
			if used[i] || w["eventType"] != g["eventType"] {
				continue
			}
			try := &matcher{names: maps.Clone(m.names), used: maps.Clone(m.used), loose: m.loose}
			if try.event(w, g); len(try.diffs) == 0 {
				at, m.names, m.used = i, try.names, try.used
				break
			}
			why = strings.Join(try.diffs, "; ")
		}
		if at < 0 {
			m.diffs = append(m.diffs, fmt.Sprintf("there %s, here %s", short(w), why))
			continue
		}
		used[at] = true
		for _, c := range courses(w) {
			if before, ok := last[c]; ok && before > at {
				m.diffs = append(m.diffs, fmt.Sprintf("here earlier than there: %s", short(w)))
			}
			last[c] = at
		}
	}
	for i, g := range got {
		if !used[i] {
			m.diffs = append(m.diffs, "not there: "+short(g))
		}
	}
}

// event compares two events. Agents have names of their own; whether there is one counts.
func (m *matcher) event(want, got object) {
	m.match("", want, got)
	for _, k := range []string{"agentId", "host"} {
		if (want[k] == nil) != (got[k] == nil) {
			m.differ("/"+k, want[k], got[k])
		}
	}
}

// splitChecks takes off the events that tell of a health check taken off: the recorded leader also
// did that once by its clock, in the midst of something else.
func splitChecks(events []object) (rest []object, removed int) {
	for _, e := range events {
		if e["eventType"] == "remove_health_check_event" {
			removed++
		} else {
			rest = append(rest, e)
		}
	}
	return rest, removed
}

// In each phase of a life cycle the same events come, with the same content, and those of one
// deployment and of one instance in the same order.
func TestRecordedLifeCycleTellsTheSame(t *testing.T) {
	t.Parallel()
	phases := readStream(t, loadText(t, "life-cycle.txt.gz"))
	w := newWorld(t, Options{Agents: simulatedAgents()})
	heard := w.listen()
	calls := lifeCycle(t, w)
	m := &matcher{names: map[string]string{}, used: map[string]string{}}
	there, here := 0, 0
	for _, p := range phases[1:] {
		do := calls[p.name]
		if do == nil {
			t.Errorf("the phase %q is not replayed", p.name)
			continue
		}
		do()
		w.settle()
		want, n := splitChecks(p.events)
		got, k := splitChecks(heard())
		there, here = there+n, here+k
		if m.matchEvents(want, got); len(m.diffs) > 0 {
			t.Errorf("%s:\n    %s", p.name, strings.Join(m.diffs, "\n    "))
			m.diffs = nil
		}
	}
	if there != here {
		t.Errorf("%d health checks were taken off, there %d", here, there)
	}
}

// recordedStream is one of the streams that were open at the same time, each with a query of its own.
type recordedStream struct {
	Path    string
	Status  int
	Headers map[string]string
	Events  any // kinds in order, or how many
}

// All streams of the recorded life cycle have the same head here, and what was asked for.
func TestRecordedStreamsTellTheSame(t *testing.T) {
	t.Parallel()
	var recorded struct{ Heads map[string]recordedStream }
	load(t, "streams.json.gz", &recorded)
	w := newWorld(t, Options{Agents: simulatedAgents(), Address: "127.0.0.1:8080"})
	server := httptest.NewServer(w)
	defer server.Close()
	texts := map[string]<-chan string{}
	for _, name := range []string{"filter-unknown", "all", "filtered", "light", "heavy"} { // the order tells from who heard of whom
		texts[name] = follow(t, server, recorded.Heads[name])
	}
	calls := lifeCycle(t, w)
	for _, p := range readStream(t, loadText(t, "life-cycle.txt.gz"))[1:] {
		calls[p.name]()
		w.settle()
	}
	if err := w.Close(); err != nil { // streams end, with all that was told before
		t.Fatal(err)
	}
	for name, r := range recorded.Heads {
		got := readStream(t, <-texts[name])[0].events
		if diff := r.differ(got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		file := map[string]string{"filtered": "filtered.txt.gz", "heavy": "heavy.txt.gz"}[name]
		if file == "" {
			continue
		}
		m := &matcher{names: map[string]string{}, used: map[string]string{}}
		m.matchEvents(readStream(t, loadText(t, file))[0].events, got)
		if name == "heavy" { // only its beginning was kept
			m.diffs = slices.DeleteFunc(m.diffs, func(d string) bool { return strings.HasPrefix(d, "not there: ") })
		}
		if len(m.diffs) > 0 {
			t.Errorf("%s:\n    %s", name, strings.Join(m.diffs, "\n    "))
		}
	}
}

// follow opens a stream, compares its head, and gives all of its text when it has ended.
func follow(t *testing.T, server *httptest.Server, want recordedStream) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+want.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(r) //nolint:bodyclose // who reads it closes it
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameHeaders(canonical(want.Headers), res.Header); res.StatusCode != want.Status || !res.Close || diff != "" {
		t.Errorf("%s: %s %s", want.Path, res.Status, diff)
	}
	out := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		out <- string(text)
	}()
	return out
}

func canonical(headers map[string]string) http.Header {
	h := http.Header{}
	for k, v := range headers {
		h.Set(k, v)
	}
	return h
}

// sameHeaders compares heads, without what depends on the moment, on the connection or on the length of names.
func sameHeaders(want, got http.Header) string {
	plain := func(h http.Header) http.Header {
		h = h.Clone()
		for _, k := range []string{"Date", "Vary", "Connection", "Content-Length", "Marathon-Deployment-Id"} {
			h.Del(k)
		}
		return h
	}
	return cmp.Diff(plain(want), plain(got))
}

// differ compares how often each kind of event came.
func (r recordedStream) differ(got []object) string {
	kinds, listed := r.Events.([]any)
	if !listed {
		if n := appdef.Int(r.Events); n != len(got) {
			return fmt.Sprintf("%d events, there %d", len(got), n)
		}
		return ""
	}
	want, have := map[string]int{}, map[string]int{}
	for _, k := range kinds {
		want[appdef.Text(k)]++
	}
	for _, e := range got {
		have[appdef.Text(e["eventType"])]++
	}
	return cmp.Diff(want, have)
}
