package marathond

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// restored is a Marathon after the end of another one, an hour later.
func restored(t *testing.T, w *world, o Options) *world {
	t.Helper()
	text, err := w.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	clock := NewManualClock(w.clock.Now().Add(time.Hour))
	o.Clock = clock
	s, err := Restore(o, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Cleanup(func() { s.Close() })
	return &world{Server: s, clock: clock}
}

func TestAppsComeBackWithVersionsAndNewTasks(t *testing.T) {
	t.Parallel()
	changes := 0
	w := newWorld(t, Options{Changed: func() { changes++ }})
	w.call(t, "PUT", "/v2/groups/dev", object{"enforceRole": true})
	w.call(t, "POST", "/v2/apps", object{"id": "/dev/www", "cmd": "sleep 1", "instances": 2, "cpus": 1, "mem": 64.5, "portDefinitions": []any{object{"port": 0}}})
	w.settle()
	w.call(t, "PUT", "/v2/apps/dev/www", object{"cmd": "sleep 2"})
	w.settle()
	w.call(t, "PUT", "/v2/apps/dev/www", object{"instances": 3})
	w.settle()
	w.call(t, "POST", "/v2/apps", object{"id": "/gone", "cmd": "sleep 1"})
	w.call(t, "DELETE", "/v2/apps/gone", nil)
	w.settle()
	if changes < 6 {
		t.Errorf("told of %d changes", changes)
	}
	ask := func(w *world, path string) reply { return w.call(t, "GET", path, nil) }
	before := appdef.Map(ask(w, "/v2/apps/dev/www").object()["app"])
	versions := appdef.List(ask(w, "/v2/apps/dev/www/versions").object()["versions"])
	tasks := w.Tasks()

	again := restored(t, w, Options{})
	if l, ok := ask(again, "/v2/deployments").body.([]any); !ok || len(l) != 0 {
		t.Errorf("deployments run: %v", l)
	}
	again.settle()
	after := appdef.Map(ask(again, "/v2/apps/dev/www").object()["app"])
	if after["tasksRunning"] != before["tasksRunning"] || len(again.Tasks()) != len(tasks) || len(tasks) != 3 {
		t.Errorf("tasks: %v, want %v", again.Tasks(), tasks)
	}
	for _, x := range []object{before, after} {
		for _, k := range []string{"tasks", "lastTaskFailure"} {
			delete(x, k)
		}
	}
	if !appdef.Equal(before, after) {
		t.Errorf("got\n%v\nwant\n%v", after, before)
	}
	if got := appdef.List(ask(again, "/v2/apps/dev/www/versions").object()["versions"]); len(got) != len(versions) || len(got) != 3 {
		t.Errorf("versions %v, want %v", got, versions)
	}
	for _, v := range versions {
		if r := ask(again, "/v2/apps/dev/www/versions/"+appdef.Text(v)); r.status != 200 {
			t.Errorf("version %v: %s", v, r.raw)
		}
	}
	if r := ask(again, "/v2/apps/gone"); r.status != 404 {
		t.Errorf("a deleted app: %s", r.raw)
	}
	if r := again.call(t, "PUT", "/v2/apps/dev/www", object{"cmd": "sleep 3"}); r.status != 200 {
		t.Errorf("the next write: %s", r.raw)
	}
	again.settle()
	if r := ask(again, "/v2/groups/dev"); r.object()["enforceRole"] != true {
		t.Errorf("group: %s", r.raw)
	}
}

// TestRecordedDefinitionsComeBack stores what every recorded submission became, and reads it back.
func TestRecordedDefinitionsComeBack(t *testing.T) {
	t.Parallel()
	var all []submission
	load(t, "cases.json.gz", &all)
	n := 0
	for _, c := range all {
		w := c.place(t)
		_, path, _ := c.submit(t, w)
		id := strings.TrimPrefix(path, "/v2/apps")
		w.mu.Lock()
		a := w.root.apps[id]
		w.mu.Unlock()
		if a == nil {
			continue
		}
		n++
		again := restored(t, w, w.o)
		want, err := encode(appdef.AfterLeaderChange(a.def))
		got, err2 := encode(again.root.apps[id].def)
		if err != nil || err2 != nil || !bytes.Equal(got, want) || !appdef.Equal(appdef.AfterLeaderChange(a.def), again.root.apps[id].def) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.Name, got, want)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if n < 300 {
		t.Errorf("only %d definitions were looked at", n)
	}
}

func TestWhatIsNoSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "[]", "{}", `{"schema":"meshsync.sandbox-marathon/v2"}`, `{"schema":"meshsync.sandbox-marathon/v1","last":"yesterday"}`,
		`{"schema":"meshsync.sandbox-marathon/v1","last":"2026-11-23T01:00:00.000Z","apps":{"/a":"x"}}`,
		`{"schema":"meshsync.sandbox-marathon/v1","last":"2026-11-23T01:00:00.000Z","apps":{"a":"x"},"history":{"a":{"x":{"definition":{}}}}}`,
		`{"schema":"meshsync.sandbox-marathon/v1","last":"2026-11-23T01:00:00.000Z","apps":{"/a":"x"},"history":{"/a":{"x":{"definition":{}}}},"groups":{"/a":{}}}`,
	} {
		if _, err := Restore(Options{}, []byte(text)); err == nil {
			t.Errorf("taken: %s", text)
		}
	}
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{"schema":"meshsync.sandbox-marathon/v1","last":"2026-11-23T01:00:00.000Z","version":"x","apps":{"/a/b":"x"},"history":{"/a/b":{"x":{"definition":{"instances":1,"cpus":0.5}}}},"groups":{"/a":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Restore(Options{Clock: NewManualClock(startTime())}, text)
		if err != nil {
			return
		}
		if _, err := s.Snapshot(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
