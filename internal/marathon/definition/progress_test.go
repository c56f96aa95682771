package definition

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// An update is told to hang just where the sandbox's Marathon, which hangs where a real one was
// seen to, makes no step.
func TestUpdatesThatHangAreTold(t *testing.T) {
	t.Parallel()
	hung := 0
	for _, kind := range []string{"", "MESOS_HTTP", "HTTP"} {
		for n := range 4 {
			for _, low := range []float64{0, 0.5, 0.9, 1} {
				for _, over := range []float64{0, 0.3, 1} {
					if hangs(t, kind, n+1, low, over) {
						hung++
					}
				}
			}
		}
	}
	if hung == 0 {
		t.Error("none hung: the test shows too little")
	}
}

func hangs(t *testing.T, kind string, n int, low, over float64) bool {
	t.Helper()
	clock := marathond.NewManualClock(time.Unix(0, 0))
	s := marathond.New(marathond.Options{Name: "main", Clock: clock})
	defer func() { _ = s.Close() }()
	def := map[string]any{
		"id": "/a", "cmd": "run it", "instances": n, "upgradeStrategy": map[string]any{"minimumHealthCapacity": low, "maximumOverCapacity": over},
	}
	if kind != "" {
		def["healthChecks"] = []any{map[string]any{"protocol": kind, "portIndex": 0}}
	}
	asked(t, s, http.MethodPost, "/v2/apps", def)
	for clock.Next(time.Minute) {
	}
	def["env"] = map[string]any{"NEW": "1"}
	live, err := LiveResource("main", echoOf(t, s, "/a"), submitted{}.info(), Masker{})
	if err != nil {
		t.Fatal(err)
	}
	told := tells(Hindrances(formOf(t, mesh.MustTree(def), submitted{}.info()), live.App), "app.hangs")
	asked(t, s, http.MethodPut, "/v2/apps/a?partialUpdate=false", def)
	for range 2000 {
		if !clock.Next(30 * time.Second) {
			break
		}
	}
	hung := len(list(echoOf(t, s, "/a")["deployments"])) > 0
	if told != hung {
		t.Errorf("%q: %d tasks, %v/%v: it hangs: %v, and that it does was told: %v", kind, n, low, over, hung, told)
	}
	return hung
}

func tells(hs []Hindrance, code string) bool {
	return slices.ContainsFunc(hs, func(h Hindrance) bool { return h.Code == code })
}

func TestWhatKeepsAnUpdateFromItsEndIsTold(t *testing.T) {
	t.Parallel()
	strategy := func(low, over float64) map[string]any {
		return map[string]any{"minimumHealthCapacity": low, "maximumOverCapacity": over}
	}
	check := []any{map[string]any{"protocol": "MESOS_HTTP"}}
	resident := map[string]any{"volumes": []any{map[string]any{"persistent": map[string]any{"size": 1}}}}
	for _, c := range []struct {
		app  map[string]any
		live mesh.AppState
		want string
	}{
		{map[string]any{"instances": 4}, mesh.AppState{TasksRunning: 4}, ""},
		{map[string]any{"instances": 4, "upgradeStrategy": strategy(1, 0)}, mesh.AppState{TasksRunning: 4}, "app.needs_room"},
		{map[string]any{"instances": 4, "upgradeStrategy": strategy(1, 0)}, mesh.AppState{TasksRunning: 3}, ""},
		{map[string]any{"instances": 4, "upgradeStrategy": strategy(0.5, 0), "healthChecks": check}, mesh.AppState{TasksRunning: 4, TasksHealthy: 4}, ""},
		{map[string]any{"instances": 4, "upgradeStrategy": strategy(0.5, 0), "healthChecks": check}, mesh.AppState{TasksRunning: 4, TasksHealthy: 2}, "app.hangs"},
		{map[string]any{"instances": 3, "upgradeStrategy": strategy(0.5, 0), "container": resident}, mesh.AppState{TasksRunning: 3}, ""},
		{map[string]any{"instances": 3, "upgradeStrategy": strategy(0.5, 0), "container": resident}, mesh.AppState{TasksRunning: 2}, "app.resident"},
	} {
		var got []string
		for _, h := range Hindrances(mesh.MustTree(c.app), &c.live) {
			got = append(got, h.Code)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%v of %+v: %q, want %q", c.app, c.live, text, c.want)
		}
	}
}
