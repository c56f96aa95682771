package marathon

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// dying lets so many writes through, and then nothing any more: whoever writes is dead. The
// last one it lets through may be done without an answer.
type dying struct {
	http.Handler
	writes atomic.Int32
	mute   bool // of the last one
	old    func(r *http.Request)
	die    func()
}

func (d *dying) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.writes.Load() == 0 {
		d.die()
		panic(http.ErrAbortHandler)
	}
	if r.Method == http.MethodGet {
		d.Handler.ServeHTTP(w, r)
		return
	}
	d.old(r)
	last := d.writes.Add(-1) == 0
	d.Handler.ServeHTTP(w, r)
	if last && d.mute {
		d.die()
		panic(http.ErrAbortHandler)
	}
}

// moveOn plans the move of /old to /new and does as much of it as it can.
func moveOn(ctx context.Context, t *testing.T, m *Marathon, record bool) (ok bool) {
	t.Helper()
	s := m.Observe(ctx)
	if s.Outcome != mesh.OK {
		return false
	}
	id := "/new"
	x := &mesh.Mesh{Name: "prod", Marathons: []mesh.MarathonSpec{{Name: "main"}}, Moved: []mesh.Move{{Marathon: "main", From: "/old", To: id}}}
	if record {
		id, x.Moved = "/old", nil
	}
	p := plan.Build(plan.Input{
		Mesh: x, Apps: []mesh.Resource{desired(t, s, id, map[string]any{"cmd": "sleep 1", "instances": 2})}, Seen: mesh.Observed{Targets: []mesh.TargetState{s}},
	})
	if len(p.Stages) == 0 {
		return true
	}
	batches := p.Stages[0].Batches
	var later []diff.Change
	for _, b := range batches[1:] {
		later = append(later, b.Changes...)
	}
	for i, b := range batches {
		w := plan.Work{Run: "r", Time: "2026-01-01T00:00:00Z", Changes: b.Changes, More: i+1 < len(batches)}
		if i == 0 {
			w.Later = later
		}
		done := true
		err := m.Apply(ctx, w, func(o plan.Outcome) {
			done = done && (o.Result == plan.ResultDone || o.Result == plan.ResultProgress)
		})
		if err != nil || !done {
			return false
		}
	}
	return true
}

// TestAMoveIsGoneOnWithWhereverItWasKilled kills the run that moves an app at each of its writes,
// and behind each before the answer comes. The next run moves it, and the old app goes only when
// the new one has all its tasks.
func TestAMoveIsGoneOnWithWhereverItWasKilled(t *testing.T) {
	t.Parallel()
	for _, mute := range []bool{false, true} {
		for writes := int32(1); ; writes++ {
			h := server(t)
			if !moveOn(context.Background(), t, serve(t, h), true) {
				t.Fatal("the old app was not made")
			}
			look := serve(t, h)
			ctx, die := context.WithCancel(context.Background())
			d := &dying{Handler: h, mute: mute, die: die, old: func(r *http.Request) {
				if r.Method != http.MethodDelete || r.URL.Path != "/v2/apps/old" {
					return
				}
				for _, a := range look.Observe(context.Background()).Resources {
					if a.Addr.Name == "/new" && a.App.TasksRunning == 2 {
						return
					}
				}
				t.Errorf("%d writes, mute %v: the old app goes before the new one is up", writes, mute)
			}}
			d.writes.Store(writes)
			whole := moveOn(ctx, t, serve(t, d), false) && d.writes.Load() > 0
			die()
			second := &dying{Handler: h, old: d.old}
			second.writes.Store(100)
			if !moveOn(context.Background(), t, serve(t, second), false) {
				t.Errorf("%d writes, mute %v: the next run did not end", writes, mute)
			}
			s := look.Observe(context.Background())
			entry := s.Record.Entries["marathon/main/app:/new"]
			if len(s.Resources) != 1 || s.Resources[0].Addr.Name != "/new" || len(s.Record.Entries) != 1 || entry.State != mesh.Holds || entry.Origin != mesh.Created {
				t.Errorf("%d writes, mute %v: %+v; the record has %+v", writes, mute, s.Resources, s.Record.Entries)
			}
			if whole {
				break
			}
		}
	}
}
