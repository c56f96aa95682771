package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// The oracle says of an edit which tasks are replaced; the sandbox's Marathon shares no code with it
// and really replaces them. So for any app and any edit of one field the two are the same.
func TestAGeneratedEditDoesWhatItIsSaidTo(t *testing.T) {
	t.Parallel()
	g := newGenerator(t, 7)
	seen := map[string]int{}
	for range 3000 {
		seen[g.edited(t)]++
	}
	t.Logf("%v", seen)
	for _, kind := range []string{"no change", "restarts", "scales", "config of no task"} {
		if seen[kind] < 20 {
			t.Errorf("%d edits came to %q: too few to say anything", seen[kind], kind)
		}
	}
}

func FuzzAGeneratedEditDoesWhatItIsSaidTo(f *testing.F) {
	g := newGenerator(f, 0)
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { g.from(seed).edited(t) })
}

// edited makes an app, edits it, compares what was said with what came of it, and says in a word which of
// the kinds of edits it was; "refused" is an app or an edit that Marathon does not take.
func (g *generator) edited(t *testing.T) string {
	t.Helper()
	m := newTrial(t)
	git := g.whole(t)
	text := marshalled(t, git)
	if !m.write(git["id"].(string), text, g.rnd.IntN(2) == 0) {
		return "refused"
	}
	before := m.app(t)
	if m.busy(t) { // nothing can be said of an app that does not come up
		return "stuck"
	}
	live := formed(t, m.forms, before)
	edit := g.edit(git)
	want, _, err := m.forms.Desired(mesh.AppSpec{Marathon: "main", ID: live.Addr.Name, Definition: git}, &live)
	if err != nil {
		return "refused"
	}
	e := EffectOf(live.Attrs, want.Attrs, live.App)
	body, err := Body(want.Attrs, before, m.info)
	if err != nil {
		t.Fatal(err)
	}
	if !m.write(live.Addr.Name, marshalled(t, body), false) {
		return "refused"
	}
	if len(live.App.Rewritten) > 0 && len(e.Fields) == 0 {
		return "rewritten" // who has nothing to write does not write
	}
	kind, why := judged(e, live.App, before, m.app(t), instances(live.Attrs), instances(want.Attrs), m.busy(t))
	if why != "" {
		t.Errorf("%s\nwas sent, then %s;\nthe oracle says %+v, and %s\nsent: %s", text, edit, e, why, marshalled(t, body))
	}
	return kind
}

// judged compares what the oracle says with the app before and after; why is empty where it is right.
func judged(e Effect, app *mesh.AppState, before, after map[string]any, have, want int, busy bool) (kind, why string) {
	moved := func(field string) bool {
		was, _ := before["versionInfo"].(map[string]any)
		is, _ := after["versionInfo"].(map[string]any)
		return was[field] != is[field]
	}
	config := len(e.Fields) > 0 && !slices.Equal(e.Fields, []string{"instances"})
	switch {
	case len(e.Fields) == 0:
		kind = "no change"
	case !config:
		kind = "scales"
	case e.Restarts > 0:
		kind = "restarts"
	default:
		kind = "config of no task"
	}
	if got := before["version"] != after["version"]; got != (len(e.Fields) > 0) {
		return kind, fmt.Sprintf("that it has a new version is %v", got)
	}
	if got := moved("lastConfigChangeAt"); got != config {
		return kind, fmt.Sprintf("that its configuration changed is %v", got)
	}
	if busy || Resident(before) { // it hangs, or its reservations stay
		return kind, ""
	}
	running := app.TasksRunning + app.TasksStaged
	kept, gone, made := taskIDs(before, after)
	says := [3]int{running - e.Restarts - e.Stops, e.Restarts + e.Stops, e.Restarts + e.Starts}
	if did := [3]int{kept, gone, made}; did != says {
		return kind, fmt.Sprintf("of %d tasks of %d, that are to be %d, %d are kept, %d gone and %d made, where %v were said", running, have, want, kept, gone, made, says)
	}
	return kind, ""
}

// taskIDs counts the tasks that are the same before and after, that are gone, and that are new.
func taskIDs(before, after map[string]any) (kept, gone, made int) {
	ids := func(app map[string]any) map[any]bool {
		out := map[any]bool{}
		for _, x := range list(app["tasks"]) {
			task, _ := x.(map[string]any)
			out[task["id"]] = true
		}
		return out
	}
	was, is := ids(before), ids(after)
	for id := range was {
		if is[id] {
			kept++
		}
	}
	return kept, len(was) - kept, len(is) - kept
}

// trial is a Marathon for one app, whose clock the test moves.
type trial struct {
	*marathond.Server
	clock *marathond.ManualClock
	info  mesh.MarathonInfo
	forms *Forms
	id    string
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	m := &trial{clock: marathond.NewManualClock(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)), info: submitted{}.info()}
	m.info.DefaultNetworkName = "dcos"
	m.info.EnforceRole, m.info.NewGroupEnforceRole = map[string]bool{}, "Off"
	m.forms = NewForms(m.info, NewMasker(nil))
	m.Server = marathond.New(marathond.Options{
		Clock: m.clock, DefaultNetwork: "dcos", GPUs: 4, Agents: []string{"h1", "h2", "h3", "h4"},
		Features: []string{"secrets", "vips", "task_killing", "external_volumes", "gpu_resources"},
	})
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// write sends a definition and lets what follows from it happen; false is a refusal.
func (m *trial) write(id, body string, post bool) bool {
	m.id = id
	method, path := "PUT", "/v2/apps"+id+"?partialUpdate=false"
	if post {
		method, path = "POST", "/v2/apps"
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	m.ServeHTTP(w, r)
	for end := m.clock.Now().Add(30 * time.Second); m.clock.Next(end.Sub(m.clock.Now())); {
	}
	return w.Code < 300
}

func (m *trial) get(t *testing.T, path string, into any) {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.UseNumber()
	if err := d.Decode(into); err != nil || w.Code != 200 {
		t.Fatalf("GET %s: %d %s (%v)", path, w.Code, w.Body, err)
	}
}

func (m *trial) app(t *testing.T) map[string]any {
	t.Helper()
	var answer struct{ App map[string]any }
	m.get(t, "/v2/apps"+m.id, &answer)
	return answer.App
}

// busy reports whether a deployment is under way.
func (m *trial) busy(t *testing.T) bool {
	t.Helper()
	var running []any
	m.get(t, "/v2/deployments", &running)
	return len(running) > 0
}

func marshalled(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// from is the generator with another seed.
func (g *generator) from(seed uint64) *generator {
	out := *g
	out.rnd = newRand(seed)
	return &out
}

// whole is a definition of some tasks, that shares nothing with another one.
func (g *generator) whole(t *testing.T) map[string]any {
	t.Helper()
	def := g.definition(g.rnd.IntN(1000))
	def["instances"] = json.Number(fmt.Sprint(g.rnd.IntN(4)))
	return parsed(t, marshalled(t, def))
}

// edit changes one field of a definition, in place, and says how.
func (g *generator) edit(def map[string]any) string {
	delete(def, "version")
	field := pick(g, slices.DeleteFunc(slices.Sorted(maps.Keys(def)), func(f string) bool { return f == "id" }))
	switch g.rnd.IntN(5) {
	case 0:
		def["instances"] = json.Number(fmt.Sprint(g.rnd.IntN(4)))
		return fmt.Sprintf("instances became %v", def["instances"])
	case 1:
		delete(def, field)
		return field + " was left out"
	case 2:
		field = pick(g, g.fields)
		if field == "id" || field == "version" {
			field = "labels"
		}
		def[field] = pick(g, g.pool[field])
	case 3:
		g.shuffled(def)
		return "sets were shuffled"
	default:
		def[field] = g.another(def[field])
	}
	return fmt.Sprintf("%s became %v", field, def[field])
}

// another is a value with one leaf changed.
func (g *generator) another(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 0 {
			name := pick(g, slices.Sorted(maps.Keys(v)))
			out := maps.Clone(v)
			out[name] = g.another(v[name])
			return out
		}
	case []any:
		if len(v) > 0 {
			i := g.rnd.IntN(len(v))
			out := slices.Clone(v)
			out[i] = g.another(v[i])
			return out
		}
	case string:
		return v + "x"
	case json.Number:
		return json.Number(fmt.Sprint(g.rnd.IntN(100)))
	case bool:
		return !v
	}
	return v
}
