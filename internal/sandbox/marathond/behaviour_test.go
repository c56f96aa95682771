package marathond

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// post makes an app and lets it start.
func (w *world) post(t *testing.T, body string) {
	t.Helper()
	if r := w.call(t, "POST", "/v2/apps", []byte(body)); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	w.settle()
}

func (w *world) get(t *testing.T, id string) object {
	t.Helper()
	return appdef.Map(w.call(t, "GET", "/v2/apps"+id, nil).object()["app"])
}

func (w *world) count(t *testing.T) int {
	t.Helper()
	return len(appdef.List(w.call(t, "GET", "/v2/deployments", nil).body))
}

// Two PUTs that create one id: one 201, one 200.
func TestTwoPutsThatCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	body := []byte(plainApp("/a", 0, ""))
	first, second := w.call(t, "PUT", "/v2/apps/a?partialUpdate=false", body), w.call(t, "PUT", "/v2/apps/a?partialUpdate=false", body)
	if first.status != 201 || second.status != 200 {
		t.Errorf("%d, %d", first.status, second.status)
	}
}

func TestTheLimitOfDeployments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	for n := range maxDeployments {
		id := fmt.Sprintf("/lim/a%d", n)
		if err := w.Fault("stuck", id); err != nil {
			t.Fatal(err)
		}
		w.post(t, plainApp(id, 1, ""))
	}
	for _, c := range [][3]string{
		{"POST", "/v2/apps", plainApp("/b", 0, "")},
		{"PUT", "/v2/apps/lim/a1", `{}`},
		{"PUT", "/v2/apps/lim/a1?force=true", `{"instances": 0}`},
		{"PATCH", "/v2/apps/lim/a1", `{"instances": 2}`},
		{"DELETE", "/v2/apps/lim/a1", ""},
		{"POST", "/v2/apps/lim/a1/restart", ""},
		{"PUT", "/v2/groups/x", `{}`},
	} {
		if r := w.call(t, c[0], c[1], []byte(c[2])); r.status != 403 || !strings.HasPrefix(appdef.Text(r.object()["message"]), "Max number (100)") {
			t.Errorf("%s %s: %d %s", c[0], c[1], r.status, r.raw)
		}
	}
	id := appdef.Text(appdef.Map(appdef.List(w.call(t, "GET", "/v2/deployments", nil).body)[0])["id"])
	if r := w.call(t, "DELETE", "/v2/deployments/"+id, nil); r.status != 403 {
		t.Errorf("reverting is a write: %d", r.status)
	}
	if r := w.call(t, "DELETE", "/v2/deployments/"+id+"?force=true", nil); r.status != 202 {
		t.Errorf("cancelling is none: %d", r.status)
	}
	if r := w.call(t, "POST", "/v2/apps", []byte(plainApp("/b", 0, ""))); r.status != 201 {
		t.Errorf("%d", r.status)
	}
}

// An app that listens has a moment in each state: queued, staged, running, healthy.
func TestTasksTakeTimeAndReadinessIsHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.call(t, "POST", "/v2/apps", []byte(plainApp("/www", 1, `, "healthChecks": [{"portIndex": 0}]`)))
	var seen []string
	for {
		a := w.get(t, "/www")
		now := fmt.Sprintf("staged %v running %v healthy %v deployments %d", a["tasksStaged"], a["tasksRunning"], a["tasksHealthy"], len(appdef.List(a["deployments"])))
		if len(seen) == 0 || seen[len(seen)-1] != now {
			seen = append(seen, now)
		}
		if !w.clock.Next(time.Minute) {
			break
		}
	}
	want := []string{
		"staged 0 running 0 healthy 0 deployments 1",
		"staged 1 running 0 healthy 0 deployments 1",
		"staged 0 running 1 healthy 0 deployments 1",
		"staged 0 running 1 healthy 1 deployments 0",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("%s", strings.Join(seen, "\n"))
	}
	if n := len(w.Tasks()); n != 1 || w.Tasks()[0].Host != "a2" && w.Tasks()[0].Host != "a1" {
		t.Errorf("%+v", w.Tasks())
	}
}

// A readiness check that has not passed holds the deployment up, too.
func TestReadinessChecksHoldADeploymentUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Tick: time.Second})
	w.call(t, "POST", "/v2/apps", []byte(plainApp("/r", 1, `, "readinessChecks": [{"portName": "default"}]`)))
	w.clock.Advance(2500 * time.Millisecond)
	if a := w.get(t, "/r"); a["tasksRunning"] != json.Number("1") || w.count(t) != 1 {
		t.Errorf("running and not ready: %v, %d deployments", a["tasksRunning"], w.count(t))
	}
	w.clock.Advance(time.Second)
	if w.count(t) != 0 {
		t.Error("ready, and still deploying")
	}
}

// One app depends on the other, both in one write: first the one, when it is healthy the other.
func TestDependenciesOrderTheSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	if err := w.Fault("unhealthy", "/g/db"); err != nil {
		t.Fatal(err)
	}
	w.call(t, "PUT", "/v2/apps?partialUpdate=false", []any{
		json.RawMessage(plainApp("/g/web", 1, `, "dependencies": ["/g/db"]`)),
		json.RawMessage(plainApp("/g/db", 1, `, "healthChecks": [{"portIndex": 0}]`)),
	})
	w.settle()
	d := appdef.Map(appdef.List(w.call(t, "GET", "/v2/deployments", nil).body)[0])
	if d["currentStep"] != json.Number("2") || d["totalSteps"] != json.Number("3") || len(w.instances["/g/web"]) != 0 {
		t.Errorf("%v", d)
	}
	if err := w.Fault("unhealthy", "off"); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if w.count(t) != 0 || w.get(t, "/g/web")["tasksRunning"] != json.Number("1") {
		t.Error("the dependency is healthy, and its user does not start")
	}
}

func TestAFailingTaskIsStartedAgainLaterAndLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	if err := w.Fault("crash", "/c"); err != nil {
		t.Fatal(err)
	}
	w.post(t, plainApp("/c", 1, `, "backoffSeconds": 10, "backoffFactor": 2, "maxLaunchDelaySeconds": 25`))
	q := appdef.Map(appdef.List(w.call(t, "GET", "/v2/queue", nil).object()["queue"])[0])
	if delay := appdef.Map(q["delay"]); delay["overdue"] != false || appdef.Int(delay["timeLeftSeconds"]) < 1 {
		t.Errorf("held back: %v", delay)
	}
	if f := appdef.Map(w.get(t, "/c")["lastTaskFailure"]); f["state"] != "TASK_FAILED" {
		t.Errorf("%v", f)
	}
	w.clock.Advance(3 * time.Minute)
	if w.backoff["/c"] != 25*time.Second {
		t.Errorf("the delay grows to the maximum: %v", w.backoff["/c"])
	}
	if r := w.call(t, "DELETE", "/v2/queue/c/delay", nil); r.status != 204 {
		t.Errorf("%d", r.status)
	}
}

func TestNoOfferFits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/n", 1, `, "constraints": [["rack", "LIKE", "r1"]]`))
	q := appdef.Map(appdef.List(w.call(t, "GET", "/v2/queue", nil).object()["queue"])[0])
	var reasons []string
	for _, r := range appdef.List(appdef.Map(q["processedOffersSummary"])["rejectSummaryLastOffers"]) {
		if appdef.Int(appdef.Map(r)["declined"]) > 0 {
			reasons = append(reasons, appdef.Text(appdef.Map(r)["reason"]))
		}
	}
	if appdef.Map(q["delay"])["overdue"] != true || !slices.Equal(reasons, []string{"UnfulfilledConstraint"}) {
		t.Errorf("%v %v", q["delay"], reasons)
	}
	if a := w.get(t, "/n"); w.count(t) != 1 || a["tasksStaged"] != json.Number("0") {
		t.Errorf("it waits and has no task: %v", a)
	}
}

// Infinite resources stop all launching, in every app, until the leader is started again.
func TestInfiniteResourcesStopAllLaunching(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, `{"id": "/inf", "cmd": "run it", "cpus": 1e400}`)
	w.post(t, plainApp("/other", 1, ""))
	w.call(t, "DELETE", "/v2/apps/inf", nil)
	w.settle()
	if a := w.get(t, "/other"); a["tasksRunning"] != json.Number("0") {
		t.Errorf("%v", a)
	}
	if err := w.Fault("leader-change", ""); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if a := w.get(t, "/other"); a["tasksRunning"] != json.Number("1") {
		t.Errorf("%v", a)
	}
}

// A Marathon-kind check without a pause keeps the leader busy until its app is deleted.
func TestAnIntervalOfZeroBusiesTheLeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/busy", 0, `, "healthChecks": [{"portIndex": 0, "intervalSeconds": 0}]`))
	if r := w.call(t, "POST", "/v2/apps", []byte(plainApp("/b", 0, ""))); r.status != 503 {
		t.Errorf("%d %s", r.status, r.raw)
	}
	w.call(t, "DELETE", "/v2/apps/busy", nil)
	if r := w.call(t, "POST", "/v2/apps", []byte(plainApp("/b", 0, ""))); r.status != 201 {
		t.Errorf("%d %s", r.status, r.raw)
	}
}

// A body of more than 1 MiB breaks the connection, and nothing is stored.
func TestABodyBeyondTheNodeSizeBreaksTheConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	if !aborted(func() {
		w.call(t, "POST", "/v2/apps", []byte(plainApp("/big", 0, `, "labels": {"d": "`+strings.Repeat("z", maxBody)+`"}`)))
	}) {
		t.Error("it was answered")
	}
	if r := w.call(t, "GET", "/v2/apps/big", nil); r.status != 404 {
		t.Errorf("%d", r.status)
	}
}
