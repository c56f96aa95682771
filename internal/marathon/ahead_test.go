package marathon

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// writesCounted is a server that counts what is written.
type writesCounted struct {
	http.Handler
	apps, records atomic.Int64
}

func (s *writesCounted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		if strings.Contains(r.URL.Path, "/meshsync/") {
			s.records.Add(1)
		} else {
			s.apps.Add(1)
		}
	}
	s.Handler.ServeHTTP(w, r)
}

// stageOf are the works of a stage that creates n apps, one in each batch.
func stageOf(t *testing.T, m *Marathon, n int) []plan.Work {
	t.Helper()
	s := m.Observe(context.Background())
	var all []diff.Change
	for i := range n {
		app := desired(t, s, fmt.Sprintf("/x%d", i), map[string]any{"cmd": "sleep 9"})
		all = append(all, diff.Diff([]mesh.Resource{app}, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes...)
	}
	works := make([]plan.Work, n)
	for i := range works {
		works[i] = plan.Work{Run: "r", Changes: all[i : i+1], More: i < n-1}
	}
	works[0].Later = all[1:]
	return works
}

// states are what the record says of the apps of a stage: "" of one that it does not know.
func states(m *Marathon, n int) (out []string) {
	s := m.Observe(context.Background())
	for i := range n {
		out = append(out, s.Record.Entries[fmt.Sprintf("marathon/main/app:/x%d", i)].State)
	}
	return out
}

func TestARecordIsWrittenTwiceForAStage(t *testing.T) {
	t.Parallel()
	count := &writesCounted{Handler: server(t)}
	m, other := serve(t, count), serve(t, count)
	const n = 5
	for i, w := range stageOf(t, m, n) {
		if err := m.Apply(context.Background(), w, func(o plan.Outcome) {
			if o.Result != plan.ResultDone && o.Result != plan.ResultProgress {
				t.Errorf("%+v", o)
			}
		}); err != nil {
			t.Fatal(err)
		}
		for _, s := range states(other, n) {
			if i < n-1 && s != mesh.Intends || i == n-1 && s != mesh.Holds {
				t.Errorf("after %d: an app is %q", i, s)
			}
		}
	}
	if count.apps.Load() != n || count.records.Load() != 2 {
		t.Errorf("%d writes of apps and %d of the record", count.apps.Load(), count.records.Load())
	}
}

// TestWhatAStageDidNotBeginIsNotIntended: the second of three apps is made by somebody else meanwhile.
func TestWhatAStageDidNotBeginIsNotIntended(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	works := stageOf(t, m, 3)
	if _, err := m.api.call(context.Background(), http.MethodPost, "/v2/apps", map[string]any{"id": "/x1", "cmd": "true", "instances": 0}, nil); err != nil {
		t.Fatal(err)
	}
	var results []plan.Result
	for _, w := range works[:2] {
		if err := m.Apply(context.Background(), w, func(o plan.Outcome) {
			if o.Result != plan.ResultProgress {
				results = append(results, o.Result)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(results) != "[done conflict]" {
		t.Errorf("%v", results)
	}
	if got := states(others(m), 3); fmt.Sprint(got) != fmt.Sprint([]string{mesh.Holds, "", ""}) {
		t.Errorf("%q", got)
	}
}

// TestAStageThatIsLeftIntendsNothingMore: a run that is interrupted between two batches gives its lease back. What
// it did not begin must not pass for its own when somebody else makes it.
func TestAStageThatIsLeftIntendsNothingMore(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	works := stageOf(t, m, 3)
	if err := m.Take(context.Background(), mesh.Lease{Run: "r"}); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(context.Background(), works[0], func(plan.Outcome) {}); err != nil {
		t.Fatal(err)
	}
	if err := m.Release(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := states(others(m), 3); fmt.Sprint(got) != fmt.Sprint([]string{mesh.Holds, "", ""}) {
		t.Errorf("%q", got)
	}
}
