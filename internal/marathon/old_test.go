package marathon

import (
	"context"
	"net/http"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// Below 0.8 apps have no labels: there is no record and no lease, and apps are written all the same.
func TestAMarathonThatCanKeepNoRecordIsWrittenWithout(t *testing.T) {
	t.Parallel()
	h := server(t)
	o := &watched{Handler: instead{h, "/v2/info", http.StatusOK, `{"version": "0.7.6", "marathon_config": {}}`}, all: map[string]int{}}
	m := serve(t, o)
	ctx := context.Background()
	m.Observe(ctx)
	if err := m.Take(ctx, mesh.Lease{Run: "r"}); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{"sleep 1", "sleep 2"} {
		// Its role is that of a newer Marathon behind it.
		out, s := reach(t, m, map[string]map[string]any{"/x": {"cmd": cmd, "role": "*"}})
		if last(out).Result != plan.ResultDone || s.RecordState != mesh.RecordNone || s.Resources[0].Attrs["cmd"] != cmd {
			t.Fatalf("%+v %s", out, s.RecordState)
		}
	}
	if err := m.Renew(ctx); err != nil {
		t.Error(err)
	}
	if out, s := reach(t, m, nil); len(out) != 0 || len(s.Resources) != 1 {
		t.Errorf("what git no longer names: %+v", out)
	}
	if err := m.Release(ctx); err != nil {
		t.Error(err)
	}
	if len(o.writes) != 2 {
		t.Errorf("sent: %v", o.writes)
	}
}
