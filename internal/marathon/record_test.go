package marathon

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// failing is a server that breaks off after some writes of the record.
type failing struct {
	http.Handler
	left atomic.Int64
}

func (s *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/record/") && s.left.Add(-1) < 0 {
		panic(http.ErrAbortHandler)
	}
	s.Handler.ServeHTTP(w, r)
}

// TestARecordOfManyPartsIsTheOldOrTheNewOne: a run may end between any two writes of it, and others read it meanwhile. A mixture
// of the two could even be read, with an app that is called otherwise.
func TestARecordOfManyPartsIsTheOldOrTheNewOne(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const entries, parts = 6000, 3
	for writes := range int64(2*parts + 1) {
		t.Run(fmt.Sprintf("after %d writes", writes), func(t *testing.T) {
			t.Parallel()
			d := server(t)
			s := &failing{Handler: d}
			s.left.Store(1000)
			m := serve(t, s)
			m.Observe(ctx)
			before, after := map[string]mesh.RecordEntry{}, map[string]mesh.RecordEntry{}
			for i := range entries {
				address := fmt.Sprintf("marathon/main/app:/group-%d/app", i)
				before[address] = mesh.RecordEntry{Digest: mesh.DigestBytes([]byte{byte(i)}), State: mesh.Holds}
				after[address] = before[address]
			}
			after["marathon/main/app:/group-7/app"] = mesh.RecordEntry{Digest: mesh.DigestBytes([]byte{7}), State: mesh.Intends, Was: "was"}
			if err := m.noteAll(ctx, before); err != nil || len(recordApps(t, d)) != parts {
				t.Fatal(err, recordApps(t, d))
			}
			s.left.Store(writes)
			err := m.noteAll(ctx, after)
			now := others(m).Observe(ctx)
			want := after
			if err != nil {
				want = before
			}
			if now.RecordState != mesh.RecordOK || !maps.EqualFunc(now.Record.Entries, want, func(a, b mesh.RecordEntry) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
				t.Errorf("%v: it is %s, with %d entries", err, now.RecordState, len(now.Record.Entries))
			}
			if err == nil && writes < parts {
				t.Error("it is written before it was")
			}
			s.left.Store(1000)
			next := others(m)
			next.Observe(ctx)
			if err := next.noteAll(ctx, after); err != nil || len(recordApps(t, d)) != parts {
				t.Errorf("then: %v, %v", err, recordApps(t, d))
			}
		})
	}
}
