package marathon

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// TestALockIsNamed: an app that a deployment of somebody else's holds is waited for, and it is told which one, since
// when and how far it is. Nothing is forced.
func TestALockIsNamed(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	ctx := context.Background()
	m.o.Timeout = time.Minute // of a clock on which a minute passes between two looks
	now := time.Now()
	m.o.Now = func() time.Time {
		now = now.Add(time.Minute)
		return now
	}
	stuck := map[string]any{"id": "/x", "cmd": "sleep 9", "instances": 1, "mem": 999999}
	if _, err := m.api.call(ctx, http.MethodPost, "/v2/apps", stuck, nil); err != nil {
		t.Fatal(err)
	}
	s := m.Observe(ctx)
	app := desired(t, s, "/x", map[string]any{"cmd": "sleep 10", "instances": 1})
	w := plan.Work{Run: "r", Changes: diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes}
	w.Changes = w.Changes[:1]
	w.Changes[0].Action = diff.Update
	var said []string
	if err := m.Apply(ctx, w, func(o plan.Outcome) { said = append(said, string(o.Result)+" "+o.Message) }); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`the app is locked by deployment [0-9a-f-]{36} of /x since 20[0-9TZ:.-]+, at step \d of \d \(ScaleApplication /x\)`)
	if text := strings.Join(said, "\n"); !want.MatchString(text) || !strings.Contains(text, "failed") {
		t.Errorf("%s", text)
	}
}

// putting is a server that counts the writes of /x, and looks at the deployments. It refuses the first writes for a deployment that it
// does not list.
type putting struct {
	http.Handler
	mu                    sync.Mutex
	puts, looks, unlisted int
	each                  func(looks int)
}

func (s *putting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/v2/events": // which lasts
		w.WriteHeader(http.StatusNotFound)
		return
	case r.Method == http.MethodPut && r.URL.Path == "/v2/apps/x":
		if s.puts++; s.puts <= s.unlisted {
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"message": "App is locked by one or more deployments.", "deployments": [{"id": "5cd987cd"}]}`)
			return
		}
	case r.URL.Path == "/v2/deployments":
		if s.looks++; s.each != nil {
			s.each(s.looks)
		}
	}
	s.Handler.ServeHTTP(w, r)
}

// TestALockIsWaitedForWithoutWriting: Marathon makes events of each write that it refuses.
func TestALockIsWaitedForWithoutWriting(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &putting{Handler: d}
	m := serve(t, s)
	_, seen := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 1}})
	if err := d.Fault("stuck", "/x"); err != nil {
		t.Fatal(err)
	}
	w := changing(t, seen, "/x")
	somebody(t, d, "PATCH", "/v2/apps/x", `{"instances": 2}`)
	s.puts, s.looks = 0, 0
	s.each = func(n int) {
		if n == 50 {
			_ = d.Fault("stuck", "off")
		}
	}
	w.Changes[0].Open = map[string]string{"instances": "any"}
	end, said := applied(t, m, w)
	if end.Result != plan.ResultDone || s.puts != 2 || s.looks < 50 {
		t.Errorf("%d writes, %d looks: %+v %q", s.puts, s.looks, end, said)
	}
}

// TestALockThatIsNotListedIsTriedAgainLaterAndLater: one of Marathon's own, or a leader that is new.
func TestALockThatIsNotListedIsTriedAgainLaterAndLater(t *testing.T) {
	t.Parallel()
	s := &putting{Handler: server(t)}
	m := serve(t, s)
	_, seen := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}})
	s.puts, s.unlisted = 0, 4
	end, said := applied(t, m, changing(t, seen, "/x"))
	if end.Result != plan.ResultDone || s.puts != 5 || strings.Count(strings.Join(said, "\n"), "deployment 5cd987cd, which is not listed (any more)") != 1 {
		t.Errorf("%d writes: %+v %q", s.puts, end, said)
	}
}

func TestADeploymentOfManyAppsNamesSome(t *testing.T) {
	t.Parallel()
	d := mesh.Deployment{AffectedApps: []string{"/a", "/b", "/c", "/d", "/e"}, Version: "2026-01-01T00:00:00.000Z", CurrentStep: 1, TotalSteps: 3, Action: "RestartApplication /a"}
	want := " of /a, /b, /c, 2 more since 2026-01-01T00:00:00.000Z, at step 1 of 3 (RestartApplication /a)"
	if got := deploymentText(d); got != want {
		t.Errorf("%q", got)
	}
	if got := deploymentText(mesh.Deployment{}); got != "" {
		t.Errorf("%q", got)
	}
}

// TestWhatHappenedWhileALockWasWaitedForIsNotOverwritten: an autoscaler that scales twice meanwhile has lost nothing.
func TestWhatHappenedWhileALockWasWaitedForIsNotOverwritten(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &putting{Handler: d}
	m := serve(t, s)
	_, seen := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 1}})
	w := changing(t, seen, "/x")
	w.Changes[0].Open = map[string]string{"instances": "any"}
	s.puts, s.looks, s.unlisted = 0, 0, 1
	s.each = func(n int) {
		if n == 1 {
			somebody(t, d, "PATCH", "/v2/apps/x?force=true", `{"instances": 2}`)
			somebody(t, d, "PATCH", "/v2/apps/x?force=true", `{"instances": 3}`)
		}
	}
	end, said := applied(t, m, w)
	if end.Result != plan.ResultDone || strings.Contains(end.Message, "overwritten") {
		t.Errorf("%+v %q", end, said)
	}
}

// TestALookThatFailsBehindALockIsNoWrite: nothing was sent, so nobody looks whether it was done, and nothing is intended any more.
func TestALookThatFailsBehindALockIsNoWrite(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &putting{unlisted: 1}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.puts == 1 && r.Method == http.MethodGet && r.URL.Path == "/v2/apps/x" {
			_, _ = io.WriteString(w, `{"app": {`)
			return
		}
		d.ServeHTTP(w, r)
	})
	m := serve(t, s)
	_, seen := reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 1}})
	end, said := applied(t, m, changing(t, seen, "/x"))
	if end.Result != plan.ResultFailed || !strings.HasPrefix(end.Message, "nothing was written: ") || strings.Contains(strings.Join(said, "\n"), "no reply came") {
		t.Errorf("%+v %q", end, said)
	}
	s.puts = 0
	if e := m.Observe(context.Background()).Record.Entries["marathon/main/app:/x"]; e.State != mesh.Holds {
		t.Errorf("the record: %+v", e)
	}
}
