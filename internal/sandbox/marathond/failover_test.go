package marathond

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// recordedFailover is a change of the leader during a rolling restart, as several clients saw it
// that asked all the time.
type recordedFailover struct {
	Kind            string
	Leader, Standby int
	SameVersion     bool          `json:"app_version_same"`
	Timeline        []recordedHit `json:"timeline"`
}

// recordedHit is an answer that one of the clients had not got before.
type recordedHit struct {
	Probe, Request string
	To             int
	Mark           string
	Answer         struct {
		Error   string
		Status  int
		Headers map[string]string
		Body    any
	}
}

var actor = regexp.MustCompile(`Actor\[[^]]*\]`)

// told is what of an answer is compared.
func (h recordedHit) told() string {
	if h.Answer.Error != "" {
		return "no answer"
	}
	out := fmt.Sprintf("%d", h.Answer.Status)
	for _, k := range []string{"X-Marathon-Leader", "X-Marathon-Via", "Location"} {
		if v := h.Answer.Headers[k]; v != "" {
			out += " " + k + "=" + v
		}
	}
	if out == "502" || out == "500" { // they came by turns
		return noLeader
	}
	switch b := h.Answer.Body.(type) {
	case []any:
		b = slices.DeleteFunc(slices.Clone(b), func(d any) bool { return !slices.Contains(appdef.List(appdef.Map(d)["affectedApps"]), any("/fo/a")) })
		return fmt.Sprintf("%s, %d deployments", out, len(b))
	case object:
		if m := appdef.Text(b["message"]); m != "" {
			return out + " " + actor.ReplaceAllString(m, "Actor[]")
		}
		return strings.TrimSpace(out + " " + appdef.Text(b["leader"]))
	}
	return out
}

const noLeader = "500 or 502, empty"

// outage reports whether an answer is of the time without a leader.
func outage(told string) bool { return strings.HasPrefix(told, "50") || told == "no answer" }

// probes are the recorded clients' requests, by their names.
func (f recordedFailover) probes() map[string]recordedHit {
	out := map[string]recordedHit{}
	for _, h := range f.Timeline {
		if h.Probe != "" {
			out[h.Probe] = recordedHit{Probe: h.Probe, Request: h.Request, To: h.To}
		}
	}
	return out
}

// failover is such a change here.
type failover struct {
	recordedFailover
	s    *Server
	pair *Pair

	mu   sync.Mutex
	seen map[string][]string // by probe, what was told that was not told right before
}

func (f *failover) node(port int) http.Handler {
	if port == f.Leader {
		return f.pair.Node(0)
	}
	return f.pair.Node(1)
}

// ask makes a request, which may break off or hang.
func (f *failover) ask(t *testing.T, h recordedHit) recordedHit {
	t.Helper()
	method, path, _ := strings.Cut(h.Request, " ")
	body := ""
	if method == http.MethodPut {
		body = plainApp("/fo/rec", 0, "")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Host = fmt.Sprintf("127.0.0.1:%d", h.To)
	r.Header.Set("Accept", "application/json")
	rec := httptest.NewRecorder()
	if aborted(func() { f.node(h.To).ServeHTTP(rec, r) }) || ctx.Err() != nil {
		h.Answer.Error = "none"
		return h
	}
	h.Answer.Status, h.Answer.Body, h.Answer.Headers = rec.Code, decode(rec.Body.Bytes()), map[string]string{}
	for k := range rec.Header() {
		h.Answer.Headers[k] = rec.Header().Get(k)
	}
	return h
}

// watch asks again and again until it is told to stop.
func (f *failover) watch(t *testing.T, h recordedHit, stop <-chan struct{}) {
	for {
		got := f.ask(t, h)
		f.mu.Lock()
		if l := f.seen[h.Probe]; len(l) == 0 || l[len(l)-1] != got.told() {
			f.seen[h.Probe] = append(l, got.told())
		}
		f.mu.Unlock()
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tasks are the ids of the app's tasks that run the version, or the other ones.
func (f *failover) tasks(version string, same bool) (ids []string) {
	for _, x := range f.s.Tasks() {
		if x.App == "/fo/a" && (x.Version == version) == same {
			ids = append(ids, x.ID)
		}
	}
	return ids
}

// wait lets the time of the bubble pass until something holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 2000 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

func (f *failover) run(t *testing.T) {
	t.Helper()
	app := func(v string) string {
		return plainApp("/fo/a", 4, `, "env": {"V": "`+v+`"}, "upgradeStrategy": {"minimumHealthCapacity": 1, "maximumOverCapacity": 0.25}`)
	}
	w := &world{Server: f.s}
	w.call(t, "POST", "/v2/apps", []byte(app("0")))
	if f.Leader != 8080 || f.Kind != Abdicates { // the first of the recorded changes found no such app
		w.call(t, "POST", "/v2/apps", []byte(plainApp("/fo/rec", 0, "")))
	}
	idle := func() bool { return w.count(t) == 0 }
	wait(t, "all tasks run", idle)
	r := w.call(t, "PUT", "/v2/apps/fo/a?partialUpdate=false", []byte(app("1"))).object()
	version := appdef.Text(r["version"])
	wait(t, "two new tasks", func() bool { return len(f.tasks(version, true)) == 2 })
	fresh := f.tasks(version, true)

	stop := make(chan struct{})
	var clients sync.WaitGroup
	for _, h := range f.probes() {
		clients.Go(func() { f.watch(t, h, stop) })
	}
	st := &stream{frames: make(chan string, maxBehind), end: make(chan struct{})}
	f.s.mu.Lock()
	f.s.streams[st] = true
	f.s.mu.Unlock()
	time.Sleep(600 * time.Millisecond)
	f.goes(t)
	<-st.end // streams end with the old leader
	wait(t, "the new leader is idle", func() bool {
		got := f.ask(t, recordedHit{Request: "GET /v2/apps/fo/a", To: f.Standby})
		a := appdef.Map(appdef.Map(got.Answer.Body)["app"])
		return got.Answer.Headers["X-Marathon-Leader"] == fmt.Sprintf("http://127.0.0.1:%d", f.Standby) && len(appdef.List(a["deployments"])) == 0 &&
			appdef.Int(a["tasksRunning"]) == 4
	})
	time.Sleep(time.Second)
	close(stop)
	clients.Wait()
	if same := w.get(t, "/fo/a")["version"] == version; same != f.SameVersion {
		t.Errorf("the app has the version of the write: %v", same)
	}
	for _, id := range fresh {
		if !slices.Contains(f.tasks(version, true), id) {
			t.Errorf("the task %s did not outlive the leader", id)
		}
	}
	if old := f.tasks(version, false); len(old) > 0 {
		t.Errorf("old tasks are left: %v", old)
	}
}

// goes lets the leader go as the recorded one did.
func (f *failover) goes(t *testing.T) {
	t.Helper()
	if f.Kind != Abdicates {
		if err := f.pair.LeaderGoes(f.Kind); err != nil {
			t.Error(err)
		}
		return
	}
	got := f.ask(t, recordedHit{Request: "DELETE /v2/leader", To: f.Leader})
	for _, h := range f.Timeline {
		if h.Mark == "answer of DELETE /v2/leader" && (got.told() != h.told() || !appdef.Equal(got.Answer.Body, h.Answer.Body)) {
			t.Errorf("it was answered %s %v, there %s", got.told(), got.Answer.Body, h.told())
		}
	}
}

// compare holds what the clients saw to what was recorded: with a leader the same in the same
// order, without one nothing that was not seen there, too.
func (f *failover) compare(t *testing.T) {
	t.Helper()
	there, broken := map[string][]string{}, map[string]bool{}
	for _, h := range f.Timeline {
		if h.Probe == "" {
			continue
		}
		there[h.Probe] = append(there[h.Probe], h.told())
		broken[h.told()] = true
	}
	up := func(l []string) []string {
		return slices.Compact(slices.DeleteFunc(slices.Clone(l), outage))
	}
	for _, probe := range sortedKeys(there) {
		if want, got := up(there[probe]), up(f.seen[probe]); !slices.Equal(want, got) {
			t.Errorf("%s saw\n  %s\nthere\n  %s", probe, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
		for _, told := range there[probe] {
			if outage(told) && !slices.Contains(f.seen[probe], told) {
				t.Errorf("%s never saw %s", probe, told)
			}
		}
		for _, told := range f.seen[probe] {
			if outage(told) && told != "no answer" && !broken[told] {
				t.Errorf("%s saw %s, as nobody there", probe, told)
			}
		}
	}
}

// What the clients of a pair see when its leader goes in one of three ways.
func TestRecordedChangesOfTheLeader(t *testing.T) {
	t.Parallel()
	var recorded []json.RawMessage
	load(t, "failover.json.gz", &recorded)
	for _, text := range recorded {
		f := &failover{seen: map[string][]string{}}
		if err := json.Unmarshal(text, &f.recordedFailover); err != nil {
			t.Fatal(err)
		}
		t.Run(f.Kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f.s = New(Options{Agents: simulatedAgents(), Tick: 800 * time.Millisecond})
				f.pair = f.s.Pair(fmt.Sprintf("127.0.0.1:%d", f.Leader), fmt.Sprintf("127.0.0.1:%d", f.Standby))
				f.run(t)
				f.compare(t)
				if err := f.s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
