package marathond

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// tally counts tasks of an app as a client can see them.
func (w *world) tally(t testing.TB, id string, checked bool) (serving, all int) {
	a := appdef.Map(w.call(t, "GET", "/v2/apps"+id, nil).object()["app"])
	serving = appdef.Int(a["tasksRunning"])
	if checked {
		serving = appdef.Int(a["tasksHealthy"])
	}
	return serving, len(appdef.List(a["tasks"]))
}

// A rolling restart never goes below the minimum nor above the maximum of upgradeStrategy
// (one above where the two are the same), and ends with new tasks only.
func TestRollingRestartsKeepTheBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(rt, "instances")
		low := rapid.SampledFrom([]float64{0, 0.25, 0.5, 0.75, 1}).Draw(rt, "minimum")
		over := rapid.SampledFrom([]float64{0, 0.25, 0.5, 1}).Draw(rt, "over")
		kind := rapid.SampledFrom([]string{"", "MESOS_HTTP", "HTTP"}).Draw(rt, "check")
		clock := NewManualClock(startTime())
		s := New(Options{Clock: clock})
		defer func() { _ = s.Close() }()
		w := &world{Server: s, clock: clock}
		body := func(v int) []byte {
			checks := ""
			if kind != "" {
				checks = fmt.Sprintf(`, "healthChecks": [{"protocol": %q, "portIndex": 0}]`, kind)
			}
			return []byte(plainApp("/a", n, fmt.Sprintf(`, "env": {"V": "%d"}, "upgradeStrategy": {"minimumHealthCapacity": %v, "maximumOverCapacity": %v}%s`, v, low, over, checks)))
		}
		w.call(t, "POST", "/v2/apps", body(1))
		w.settle()
		w.call(t, "PUT", "/v2/apps/a?partialUpdate=false", body(2))
		least, most := n, n
		for range 4000 {
			serving, all := w.tally(t, "/a", kind != "")
			least, most = min(least, serving), max(most, all)
			if !clock.Next(30 * time.Second) {
				break
			}
		}
		bottom, top := int(math.Ceil(float64(n)*low)), int(math.Floor(float64(n)*(1+over)))
		hangs := kind == "HTTP" && top == n
		if bottom == top {
			top++
		}
		if least < bottom || most > top {
			rt.Fatalf("between %d and %d tasks, wanted %d to %d", least, most, bottom, top)
		}
		fresh := 0
		for _, x := range s.Tasks() {
			if x.Version == s.root.apps["/a"].config {
				fresh++
			}
		}
		if hangs && (fresh != 0 || len(s.deployments) != 1) || !hangs && (fresh != n || len(s.deployments) != 0) {
			rt.Fatalf("%d of %d new tasks, %d deployments; hangs: %v", fresh, n, len(s.deployments), hangs)
		}
	})
}

// Scaling up keeps what runs; scaling down stops the youngest, or the oldest where asked to.
func TestScalingKeepsAndChooses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ selection, gone string }{{"YOUNGEST_FIRST", "youngest"}, {"OLDEST_FIRST", "oldest"}} {
		w := newWorld(t, Options{})
		w.post(t, plainApp("/a", 2, fmt.Sprintf(`, "killSelection": %q`, c.selection)))
		w.call(t, "PATCH", "/v2/apps/a", object{"instances": 3})
		w.settle()
		three := w.Tasks()
		w.call(t, "PATCH", "/v2/apps/a", object{"instances": 2})
		w.settle()
		two := w.Tasks()
		keeps := three[:2]
		if c.gone == "oldest" {
			keeps = three[1:]
		}
		if len(two) != 2 || two[0].ID != keeps[0].ID || two[1].ID != keeps[1].ID {
			t.Errorf("%s: of %v stay %v", c.selection, three, two)
		}
	}
}

// A deployment that is cancelled leaves mixed tasks, and the same definition again is a no-op.
func TestWhatIsCancelledStaysMixed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/a", 2, ""))
	if err := w.Fault("stuck", "/a"); err != nil {
		t.Fatal(err)
	}
	d := w.call(t, "PUT", "/v2/apps/a?partialUpdate=false", []byte(plainApp("/a", 2, `, "env": {"V": "2"}`)))
	w.settle()
	w.call(t, "DELETE", "/v2/deployments/"+appdef.Text(d.object()["deploymentId"])+"?force=true", nil)
	versions := map[string]int{}
	for _, x := range w.Tasks() {
		versions[x.Version]++
	}
	if len(versions) != 2 || w.count(t) != 0 {
		t.Errorf("%v", versions)
	}
	again := w.call(t, "PUT", "/v2/apps/a?partialUpdate=false", []byte(plainApp("/a", 2, `, "env": {"V": "2"}`)))
	if again.status != 200 || w.count(t) != 0 {
		t.Errorf("%d, %d deployments", again.status, w.count(t))
	}
}

// The tasks of an app that nobody changes stay, whatever time passes.
func TestTimeAloneChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/a", 3, `, "healthChecks": [{"portIndex": 0}]`))
	before, _ := json.Marshal(w.Tasks())
	w.clock.Advance(24 * time.Hour)
	if after, _ := json.Marshal(w.Tasks()); string(after) != string(before) {
		t.Errorf("%s\n%s", before, after)
	}
}

// An edit of an app without instances is a deployment that lives for a moment after the
// answer; the next write finds it over.
func TestAnEditOfZeroInstancesIsListedForAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/rec", 0, ""))
	for n := range 20 {
		if r := w.call(t, "PUT", "/v2/apps/rec", object{"labels": object{"n": fmt.Sprint(n)}}); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.raw)
		}
		if w.count(t) != 1 {
			t.Fatal("not listed")
		}
	}
	if r := w.call(t, "DELETE", "/v2/apps/rec?force=false", nil); r.status != 200 {
		t.Errorf("%d %s", r.status, r.raw)
	}
	if r := w.call(t, "POST", "/v2/apps", []byte(plainApp("/rec", 0, ""))); r.status != 201 {
		t.Errorf("%d %s", r.status, r.raw)
	}
	w.settle()
	if w.count(t) != 0 {
		t.Error("still listed")
	}
}

// A number of instances that nobody means is no end of the sandbox.
func TestMillionsOfInstancesWaitInTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	fault(t, w.Server, "no-offers", "/many")
	w.call(t, "POST", "/v2/apps", []byte(plainApp("/many", math.MaxInt32, "")))
	if n := len(w.instances["/many"]); n != maxWaiting {
		t.Errorf("%d wait", n)
	}
	if r := w.call(t, "DELETE", "/v2/apps/many", nil); r.status != 200 || len(w.instances["/many"]) != 0 {
		t.Errorf("%d", r.status)
	}
}

func TestManyInstancesAllStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/many", 1200, ""))
	if n := len(w.Tasks()); n != 1200 || w.count(t) != 0 {
		t.Errorf("%d run, %d deployments", n, w.count(t))
	}
}
