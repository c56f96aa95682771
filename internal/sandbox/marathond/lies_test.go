package marathond

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

func TestShuffledListsHoldTheSameInAnotherOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	for _, id := range []string{"/a", "/b", "/c"} {
		w.post(t, plainApp(id, 0, `, "constraints": [["hostname", "UNIQUE"], ["rack", "CLUSTER", "a"]], "portDefinitions": [{"port": 10001}, {"port": 10002}]`))
	}
	w.settle()
	before := w.call(t, "GET", "/v2/apps", nil)
	fault(t, w.Server, "shuffle", "")
	var orders []string
	for range 3 {
		var ids []string
		for _, a := range appdef.List(w.call(t, "GET", "/v2/apps", nil).object()["apps"]) {
			m := appdef.Map(a)
			ids = append(ids, appdef.Text(m["id"]))
			if ports := appdef.List(m["portDefinitions"]); fmt.Sprint(appdef.Map(ports[0])["port"]) != "10001" {
				t.Errorf("the order of ports means something: %v", ports)
			}
		}
		orders = append(orders, strings.Join(ids, " "))
	}
	if orders[0] == orders[1] || orders[1] == orders[2] || len(orders[0]) != len("/a /b /c") {
		t.Errorf("%q", orders)
	}
	fault(t, w.Server, "shuffle", "off")
	if !reflect.DeepEqual(before.body, w.call(t, "GET", "/v2/apps", nil).body) {
		t.Error("what is kept has another order now")
	}
}

func TestExtraFieldsAreInEachObjectButNotAmongTheUsersNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/a", 1, `, "env": {"X": "y"}, "labels": {"l": "m"}`))
	fault(t, w.Server, "extra-fields", "")
	a := w.get(t, "/a")
	strategy := appdef.Map(a["upgradeStrategy"])
	if a[extraField] == nil || strategy[extraField] == nil || strategy["minimumHealthCapacity"] == nil {
		t.Errorf("%v", a)
	}
	if len(appdef.Map(a["env"])) != 1 || len(appdef.Map(a["labels"])) != 1 {
		t.Errorf("%v", a)
	}
	delete(a, "tasks")
	body, err := encode(a)
	if err != nil {
		t.Fatal(err)
	}
	if r := w.call(t, "PUT", "/v2/apps/a?partialUpdate=false&force=true", body); r.status != http.StatusOK {
		t.Errorf("what it shows it does not take: %s", r.raw)
	}
}

func TestAStaleMarathonTakesWritesAndShowsThemLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/a", 1, ""))
	w.settle()
	fault(t, w.Server, "stale", "")
	if r := w.call(t, "PUT", "/v2/apps/a", []byte(`{"instances": 3}`)); r.status != http.StatusOK {
		t.Fatalf("%s", r.raw)
	}
	w.settle()
	if a := w.get(t, "/a"); appdef.Int(a["instances"]) != 1 || appdef.Int(a["tasksRunning"]) != 1 {
		t.Errorf("%v", a)
	}
	if r := w.call(t, "GET", "/v2/deployments", nil); string(r.raw) != "[]" {
		t.Errorf("%s", r.raw)
	}
	fault(t, w.Server, "stale", "off")
	if a := w.get(t, "/a"); appdef.Int(a["instances"]) != 3 || appdef.Int(a["tasksRunning"]) != 3 {
		t.Errorf("%v", a)
	}
}

func TestLostDeploymentsLeaveTasksAsTheyAreUntilTheyAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.post(t, plainApp("/a", 2, ""))
	w.settle()
	w.call(t, "PUT", "/v2/apps/a", []byte(`{"instances": 4, "cmd": "sleep 2"}`))
	fault(t, w.Server, "lose-deployments", "")
	a := w.get(t, "/a")
	if appdef.Int(a["instances"]) != 4 || len(appdef.List(a["deployments"])) != 0 || appdef.Int(a["tasksRunning"]) != 2 {
		t.Errorf("%v", a)
	}
	w.clock.Advance(checkAfter + time.Second)
	if a := w.get(t, "/a"); appdef.Int(a["tasksRunning"]) != 4 || w.count(t) != 0 {
		t.Errorf("%v", a)
	}
	old := 0
	for _, x := range appdef.List(w.get(t, "/a")["tasks"]) {
		if appdef.Map(x)["version"] != w.get(t, "/a")["version"] {
			old++
		}
	}
	if old != 2 {
		t.Errorf("%d tasks run with what was before", old)
	}
}

func TestALeaderThatDiesAfterAWriteHasStoredIt(t *testing.T) {
	t.Parallel()
	s, server := served(t, itself)
	put := func(body string) error {
		_, _, err := ask(t.Context(), server, "PUT", "/v2/apps/a?partialUpdate=false", "", strings.NewReader(body))
		return err
	}
	if err := put(plainApp("/a", 0, "")); err != nil {
		t.Fatal(err)
	}
	fault(t, s, "dies-after-write", "/a")
	if _, _, err := ask(t.Context(), server, "POST", "/v2/apps", "", strings.NewReader(plainApp("/b", 0, ""))); err != nil {
		t.Errorf("a write of another app: %v", err)
	}
	if err := put(plainApp("/a", 2, "")); err == nil {
		t.Error("it was answered")
	}
	if _, body, err := ask(t.Context(), server, "GET", "/v2/apps/a", "", nil); err != nil || !strings.Contains(body, `"instances":2`) || !strings.Contains(body, `"deployments":[]`) {
		t.Errorf("%v: %s", err, body)
	}
	if active := s.ActiveFaults(); len(active) != 1 || active[0] != "empty-deployments" {
		t.Errorf("%q", active)
	}
}

func TestAnElectionEndsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	fault(t, w.Server, "election", "60000")
	if r := w.call(t, "GET", "/v2/apps", nil).status; r != http.StatusServiceUnavailable {
		t.Errorf("%d", r)
	}
	w.clock.Advance(time.Minute)
	if r := w.call(t, "GET", "/v2/apps", nil).status; r != http.StatusOK {
		t.Errorf("%d", r)
	}
}
