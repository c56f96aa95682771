package plan

import (
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

func TestVerdictSaysWhatMarathonMakesOfAChange(t *testing.T) {
	t.Parallel()
	app := func(n int) mesh.Tree { return mesh.MustTree(map[string]any{"instances": n}) }
	held := &mesh.AppState{Deployments: []string{"d1"}}
	for _, c := range []struct {
		action        diff.Action
		before, after mesh.Tree
		live          *mesh.AppState
		effect        AppEffect
		verdict       Verdict
		text          string
	}{
		{diff.Create, nil, app(3), nil, AppEffect{Starts: 3}, VerdictStarts, "starts 3 tasks"},
		{diff.Create, nil, app(0), nil, AppEffect{}, VerdictNone, "no effect: it has no tasks"},
		{diff.Delete, app(1), nil, nil, AppEffect{Stops: 1}, VerdictStops, "stops 1 task"},
		{diff.Update, app(4), app(4), nil, AppEffect{Restarts: 4, Because: []string{"cmd", "labels"}}, VerdictRestarts, "restarts 4 tasks because of cmd, labels"},
		{
			diff.Update, app(4), app(6), held,
			AppEffect{Restarts: 4, Starts: 2, Because: []string{"cmd", "instances"}},
			VerdictRestarts,
			"restarts 4 tasks because of cmd, and scales from 4 to 6; waits for deployment d1 (step 1 of 2: ScaleApplication /a)",
		},
		{diff.Update, app(4), app(6), nil, AppEffect{Starts: 2, Because: []string{"instances"}}, VerdictScales, "scales from 4 to 6"},
		{diff.Update, app(4), app(0), nil, AppEffect{Stops: 4, Because: []string{"cmd", "instances"}}, VerdictScales, "scales from 4 to 0"},
		{diff.Update, app(0), app(0), nil, AppEffect{Because: []string{"cmd"}}, VerdictNone, "no effect: it has no tasks"},
		{diff.Update, app(2), app(2), nil, AppEffect{Starts: 2, Because: []string{"cmd"}}, VerdictStarts, "starts 2 tasks"},
		{diff.Finish, app(2), app(2), held, AppEffect{}, VerdictWaits, "nothing is written; waits for deployment d1 (step 1 of 2: ScaleApplication /a)"},
		{diff.Finish, app(2), app(2), &mesh.AppState{}, AppEffect{}, VerdictWaits, "nothing is written; waits for its tasks"},
	} {
		main := mesh.Marathon("main")
		b := &builder{in: Input{Seen: mesh.Observed{Targets: []mesh.TargetState{{Target: main, Marathon: &mesh.MarathonFacts{
			Deployments: []mesh.Deployment{{ID: "d1", CurrentStep: 1, TotalSteps: 2, Action: "ScaleApplication /a"}},
		}}}}}}
		ch := diff.Change{Addr: mesh.Address{Target: main, Kind: mesh.App, Name: "/a"}, Action: c.action, Before: c.before, After: c.after, App: c.live}
		if got := b.verdict(ch, c.effect); got.Verdict != c.verdict || got.Text != c.text {
			t.Errorf("%s: %s, %q; wanted %s, %q", c.action, got.Verdict, got.Text, c.verdict, c.text)
		}
	}
}
