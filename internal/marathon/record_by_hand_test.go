package marathon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// recordApps are the ids of the record's apps.
func recordApps(t *testing.T, h *marathond.Server) (ids []string) {
	t.Helper()
	var list struct{ Apps []struct{ ID string } }
	if err := json.Unmarshal([]byte(somebody(t, h, "GET", "/v2/apps?id=/meshsync/prod/record", "")), &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list.Apps {
		ids = append(ids, strings.TrimPrefix(a.ID, recordGroup("prod")))
	}
	return ids
}

// What somebody does to the record by hand is seen, costs no app, and the next apply that changes
// something writes the record anew.
func TestARecordThatWasChangedByHandIsSeenAndWrittenAnew(t *testing.T) {
	t.Parallel()
	patch := func(id, labels string) func(*testing.T, *marathond.Server) {
		return func(t *testing.T, h *marathond.Server) {
			somebody(t, h, "PATCH", "/v2/apps"+recordGroup("prod")+id, `{"labels": `+labels+`}`)
		}
	}
	remove := func(ids ...string) func(*testing.T, *marathond.Server) {
		return func(t *testing.T, h *marathond.Server) {
			for _, id := range ids {
				somebody(t, h, "DELETE", "/v2/apps"+recordGroup("prod")+id, "")
			}
		}
	}
	add := func(id string) func(*testing.T, *marathond.Server) {
		return func(t *testing.T, h *marathond.Server) {
			somebody(t, h, "POST", "/v2/apps", fmt.Sprintf(`{"id": "%s%s", "cmd": "exit 0", "instances": 0, "labels": {"%s": "1", "%s": "{"}}`, recordGroup("prod"), id, labelVersion, labelData))
		}
	}
	for name, x := range map[string]struct {
		do   func(*testing.T, *marathond.Server)
		want mesh.RecordState
	}{
		"its text":           {patch("0", `{"meshsync.record.version": "1", "meshsync.record.shards": "1", "meshsync.record.data": "{\"version\": 1"}`), mesh.RecordCorrupt},
		"all labels":         {patch("0", `{}`), mesh.RecordCorrupt},
		"of another mesh":    {patch("0", `{"meshsync.record.version": "1", "meshsync.record.shards": "1", "meshsync.record.data": "{\"version\": 1, \"mesh\": \"x\"}"}`), mesh.RecordCorrupt},
		"too many parts":     {patch("0", `{"meshsync.record.version": "1", "meshsync.record.shards": "2147483647", "meshsync.record.data": "{}"}`), mesh.RecordCorrupt},
		"the first of three": {remove("0"), mesh.RecordCorrupt},
		"the second":         {remove("1"), mesh.RecordCorrupt},
		"two of them":        {remove("0", "1"), mesh.RecordCorrupt},
		"all":                {remove("0", "1", "2"), mesh.RecordNone},
		"a part too many":    {add("3"), mesh.RecordOK},
		"a copy":             {add("0-old"), mesh.RecordOK},
		"tasks": {func(t *testing.T, h *marathond.Server) {
			somebody(t, h, "PATCH", "/v2/apps"+recordGroup("prod")+"0", `{"instances": 1}`)
		}, mesh.RecordOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := server(t)
			m := serve(t, h)
			reach(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "instances": 0}})
			many := map[string]mesh.RecordEntry{}
			for i := range 6000 {
				many[fmt.Sprintf("marathon/main/app:/group-%d/app", i)] = mesh.RecordEntry{Digest: mesh.DigestBytes([]byte{byte(i)}), State: mesh.Holds}
			}
			if err := m.noteAll(context.Background(), many); err != nil || len(recordApps(t, h)) != 3 {
				t.Fatal(err, recordApps(t, h))
			}
			x.do(t, h)
			again := others(m)
			s := again.Observe(context.Background())
			if s.Outcome != mesh.OK || s.RecordState != x.want || len(s.Resources) != 1 {
				t.Fatalf("%s: %s %s, %d apps", s.Outcome, s.Message, s.RecordState, len(s.Resources))
			}
			out, s := reach(t, again, map[string]map[string]any{"/x": {"cmd": "sleep 2", "instances": 0}})
			for _, o := range out { // of apps that the record still names and that are gone the entries go
				if o.Result == plan.ResultFailed || o.Result == plan.ResultConflict || o.Action == "delete" {
					t.Errorf("%+v", o)
				}
			}
			if s.RecordState != mesh.RecordOK || s.Record.Entries["marathon/main/app:/x"].State != mesh.Holds || s.Resources[0].Attrs["cmd"] != "sleep 2" {
				t.Errorf("then: %s %+v", s.RecordState, s.Record.Entries["marathon/main/app:/x"])
			}
			for _, id := range recordApps(t, h) {
				if id != "0" && id != "0-old" {
					t.Errorf("the record is small again, and %s is left", id)
				}
			}
		})
	}
}

// A lease that somebody deletes by hand stops its run before the next write.
func TestALeaseThatWasDeletedByHandIsLost(t *testing.T) {
	t.Parallel()
	h := server(t)
	m := serve(t, h)
	ctx := context.Background()
	if err := m.Take(ctx, mesh.Lease{Run: "r"}); err != nil {
		t.Fatal(err)
	}
	somebody(t, h, "DELETE", "/v2/apps/meshsync/prod/lease/1", "")
	err := m.Apply(ctx, workFor(t, m.Observe(ctx), map[string]any{"cmd": "sleep 1"}), func(o plan.Outcome) { t.Errorf("it was tried: %+v", o) })
	if !errors.Is(err, plan.ErrUntouched) || !strings.Contains(err.Error(), "the lease of marathon/main is gone: somebody deleted or changed it by hand") {
		t.Errorf("a write without the lease: %v", err)
	}
	if s := m.Observe(ctx); len(s.Resources) != 0 {
		t.Errorf("%+v", s.Resources)
	}
}
