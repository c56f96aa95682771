package marathon

import (
	"context"
	"net/http"
	"regexp"
	"strings"
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
