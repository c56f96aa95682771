package marathon

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// unfinished is a Marathon on which a run did not see the deployment of an app end, for its new tasks are stuck. Of the next run's
// clock each look takes so long, and it waits for an hour.
func unfinished(t *testing.T, h http.Handler, d *marathond.Server, id string, each time.Duration) (m *Marathon, before mesh.TargetState, next plan.Work) {
	t.Helper()
	m = serve(t, h)
	_, before = reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 2}})
	if err := d.Fault("stuck", id); err != nil {
		t.Fatal(err)
	}
	app := map[string]any{"cmd": "sleep 2", "instances": 2}
	m.o.Timeout = 50 * time.Millisecond
	seen := m.Observe(context.Background())
	w := plan.Work{Run: "r1", Commit: "new", Changes: diff.Diff([]mesh.Resource{desired(t, seen, id, app)}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}
	if end, _ := applied(t, m, onlyOf(w, id)); end.Result == plan.ResultDone {
		t.Fatalf("%+v", end)
	}
	var skipped time.Duration
	m.o.Now = func() time.Time { skipped += each; return time.Now().Add(skipped) }
	m.o.Timeout = time.Hour
	seen = m.Observe(context.Background())
	next = onlyOf(plan.Work{Run: "r2", Commit: "new", Changes: diff.Diff([]mesh.Resource{desired(t, seen, id, app)}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes}, id)
	if len(next.Changes) != 1 || next.Changes[0].Action != diff.Finish {
		t.Fatalf("%+v", next.Changes)
	}
	return m, before, next
}

func onlyOf(w plan.Work, id string) plan.Work {
	var out []diff.Change
	for _, c := range w.Changes {
		if c.Addr.Name == id {
			out = append(out, c)
		}
	}
	w.Changes = out
	return w
}

// TestWhatBecomesOfADeploymentThatIsFinishedIsSeen: that it is no longer listed is no success.
func TestWhatBecomesOfADeploymentThatIsFinishedIsSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(t *testing.T, d *marathond.Server, deployment string)
		want string
		next diff.Action
	}{
		"cancelled by force": {func(t *testing.T, d *marathond.Server, id string) {
			somebody(t, d, "DELETE", "/v2/deployments/"+id+"?force=true", "")
		}, "no deployment works on it any more: 2 of 2 tasks run, 2 with an older configuration", diff.Restart},
		"taken back": {func(t *testing.T, d *marathond.Server, id string) {
			_ = d.Fault("stuck", "off")
			somebody(t, d, "DELETE", "/v2/deployments/"+id, "")
		}, "the app is no longer as it was sent in cmd: somebody replaced it", diff.Update},
		"replaced by force": {func(t *testing.T, d *marathond.Server, _ string) {
			_ = d.Fault("stuck", "off")
			somebody(t, d, "PATCH", "/v2/apps/x?force=true", `{"mem": 256}`)
		}, "the app is no longer as it was sent in mem: somebody replaced it", diff.Update},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := server(t)
			m, _, w := unfinished(t, d, d, "/x", time.Second)
			once := sync.OnceFunc(func() { c.do(t, d, w.Changes[0].App.Deployments[0]) })
			end, said := applied(t, m, w, func(string) { once() })
			if end.Result != plan.ResultFailed || !strings.Contains(end.Message, c.want) || strings.Contains(end.Message, "goes on") {
				t.Errorf("%+v %q", end, said)
			}
			if next := changing(t, m.Observe(context.Background()), "/x").Changes; len(next) != 1 || next[0].Action != c.next {
				t.Errorf("the next plan: %+v", next)
			}
		})
	}
}

// TestWhatAnEarlierRunBeganIsRolledBackToo: policy holds for a deployment, whichever run follows it.
func TestWhatAnEarlierRunBeganIsRolledBackToo(t *testing.T) {
	t.Parallel()
	d := server(t)
	s := &forcing{Handler: d}
	m, before, w := unfinished(t, s, d, "/x", time.Minute)
	m.o.OnDeadline = mesh.DeadlineRollback
	end, said := applied(t, m, w, unstick(d))
	if end.Result != plan.ResultRolledBack || !strings.Contains(end.Message, "its definition of before is there again") {
		t.Fatalf("%+v %q", end, said)
	}
	after := m.Observe(context.Background())
	if was, now := before.Resources[0].Attrs, after.Resources[0].Attrs; !reflect.DeepEqual(was, now) {
		t.Errorf("it is %v and was %v", now, was)
	}
	if e := after.Record.Entries["marathon/main/app:/x"]; e.State != mesh.Holds || e.Was != "" || e.Digest != mesh.Digest(after.Resources[0].Attrs) || e.Origin != mesh.Created {
		t.Errorf("the record: %+v", e)
	}
	if again := changing(t, after, "/x").Changes; len(again) != 1 || again[0].Class != diff.Pending || again[0].Action != diff.Update {
		t.Errorf("the next plan: %+v", again)
	}
	for _, w := range s.writes {
		if strings.Contains(w, "force") && !strings.Contains(w, "force=false") {
			t.Errorf("forced: %s", w)
		}
	}
}

// TestWhatAnEarlierRunBeganAndIsNotRolledBackIsTold: with what is left and what to do.
func TestWhatAnEarlierRunBeganAndIsNotRolledBackIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, want string
		versions bool
	}{
		"it made the app":          {"/new", "not rolled back: the app is new", true},
		"its version is not there": {"/x", "not rolled back: none of the 0 versions that Marathon keeps of the app is what an earlier run replaced; its deployment goes on", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := server(t)
			m, _, w := unfinished(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !c.versions && strings.HasSuffix(r.URL.Path, "/versions") {
					http.NotFound(w, r)
					return
				}
				d.ServeHTTP(w, r)
			}), d, c.id, time.Minute)
			m.o.OnDeadline = mesh.DeadlineRollback
			end, said := applied(t, m, w)
			if end.Result != plan.ResultFailed || !strings.Contains(end.Message, c.want) {
				t.Errorf("%+v %q", end, said)
			}
		})
	}
}

// TestWhatSomebodyBeganSinceAnEarlierRunIsNotRolledBack: an autoscaler, whose number is its own, scaled the app when the
// deployment of an earlier run had ended unseen. Its tasks are stuck, and not those of the change that would be taken back.
func TestWhatSomebodyBeganSinceAnEarlierRunIsNotRolledBack(t *testing.T) {
	t.Parallel()
	for name, somebodys := range map[string]struct{ method, path, body string }{
		"scaled":    {"PATCH", "/v2/apps/x", `{"instances": 5}`},
		"restarted": {"POST", "/v2/apps/x/restart", ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			d := server(t)
			s := &forcing{Handler: d}
			m, _, _ := unfinished(t, s, d, "/x", time.Minute)
			if err := d.Fault("stuck", "off"); err != nil {
				t.Fatal(err)
			}
			for len(m.mustDeployments(t)) > 0 {
			}
			if err := d.Fault("stuck", "/x"); err != nil {
				t.Fatal(err)
			}
			somebody(t, d, somebodys.method, somebodys.path, somebodys.body)
			seen := m.Observe(ctx)
			want := desired(t, seen, "/x", map[string]any{"cmd": "sleep 2", "instances": 2})
			want.Open = map[string]string{"instances": "any"}
			want.Attrs = diff.Keep(want.Attrs, seen.Resources[0].Attrs, want.Open)
			changes := diff.Diff([]mesh.Resource{want}, mesh.Observed{Targets: []mesh.TargetState{seen}}).Changes
			if len(changes) != 1 || changes[0].Action != diff.Finish {
				t.Fatalf("%+v", changes)
			}
			m.o.OnDeadline = mesh.DeadlineRollback
			s.writes = nil
			end, said := applied(t, m, plan.Work{Run: "r3", Changes: changes})
			if end.Result != plan.ResultFailed || !strings.Contains(end.Message, "not rolled back: somebody scaled or restarted the app since an earlier run wrote it") {
				t.Errorf("%+v %q", end, said)
			}
			for _, w := range s.writes {
				if strings.HasPrefix(w, "DELETE") || strings.HasPrefix(w, "PUT /v2/apps/x") {
					t.Errorf("it was written: %s", w)
				}
			}
		})
	}
}
