package conformance

import (
	"fmt"
	"slices"
	"sync"
)

func versions(c client) {
	id := c.o.Group + "/history"
	c.want(201, "POST", "/v2/apps", record(id, object{"n": "1"}))
	first := c.settled(id)
	c.want(200, "PATCH", "/v2/apps"+id, object{"labels": object{"n": "2"}})
	second := c.settled(id)
	list, _ := c.want(200, "GET", "/v2/apps"+id+"/versions", nil).object()["versions"].([]any)
	if len(list) != 2 || !slices.Contains(list, first["version"]) || !slices.Contains(list, second["version"]) {
		c.Errorf("%v, want %v and %v", list, first["version"], second["version"])
	}
	old := c.want(200, "GET", fmt.Sprintf("/v2/apps%s/versions/%v", id, first["version"]), nil)
	if at(old.body, "labels", "n") != "1" || old.object()["app"] != nil {
		c.Errorf("the bare app: %v", old.body)
	}
	c.want(404, "GET", "/v2/apps"+id+"/versions/2020-01-01T00:00:00.000Z", nil)
	c.want(422, "GET", "/v2/apps"+id+"/versions/xyz", nil)
	c.want(200, "PUT", "/v2/apps"+id, object{"version": first["version"]})
	if a := c.settled(id); at(a, "labels", "n") != "1" || a["version"] == first["version"] {
		c.Errorf("going back is a new version of the old content: %v", a)
	}
}

func lockedApp(c client) {
	id := c.o.Group + "/locked"
	made := c.want(201, "POST", "/v2/apps", nowhere(id, "1"))
	deployment, _ := at(made.body, "deployments", 0, "id").(string)
	if !c.listed(deployment) {
		c.Fatalf("a deployment that waits is listed")
	}
	r := c.want(409, "PUT", "/v2/apps"+id+"?partialUpdate=false", nowhere(id, "2"))
	if at(r.body, "deployments", 0, "id") != deployment {
		c.Errorf("the 409 of a lock names the deployment: %v", r.body)
	}
	c.want(409, "PUT", "/v2/apps"+id+"?partialUpdate=false&force=1", nowhere(id, "2"))
	c.want(409, "DELETE", "/v2/apps"+id+"?force=false", nil)
	same := c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", nowhere(id, "1"))
	if c.listed(same.text("deploymentId")) || !c.listed(deployment) {
		c.Errorf("the same definition neither waits nor helps")
	}
	forced := c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false&force=true", nowhere(id, "2"))
	if c.listed(deployment) || !c.listed(forced.text("deploymentId")) {
		c.Errorf("force cancels the first deployment")
	}
	c.eventually("the queue says why "+id+" waits", func() bool {
		l, _ := c.want(200, "GET", "/v2/queue", nil).object()["queue"].([]any)
		return slices.ContainsFunc(l, func(q any) bool { return at(q, "app", "id") == id })
	})
	c.want(202, "DELETE", "/v2/deployments/"+forced.text("deploymentId")+"?force=true", nil)
	if a := c.app(id); at(a, "env", "V") != "2" || c.listed(forced.text("deploymentId")) {
		c.Errorf("what is cancelled stays stored: %v", a)
	}
	c.want(200, "DELETE", "/v2/apps"+id, nil)
}

func reverting(c client) {
	id := c.o.Group + "/revert"
	c.want(201, "POST", "/v2/apps", record(id, object{"n": "1"}))
	c.settled(id)
	change := c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", nowhere(id, "2"))
	back := c.want(200, "DELETE", "/v2/deployments/"+change.text("deploymentId"), nil)
	if back.text("deploymentId") == change.text("deploymentId") {
		c.Errorf("reverting is a deployment of its own: %v", back.body)
	}
	if a := c.settled(id); at(a, "labels", "n") != "1" || a["instances"] != 0.0 || a["version"] != back.text("version") {
		c.Errorf("%v, the answer was %v", a, back.body)
	}
}

func taskIDs(a object) []string {
	var out []string
	l, _ := a["tasks"].([]any)
	for _, t := range l {
		s, _ := at(t, "id").(string)
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func tasks(c client) {
	id := c.o.Group + "/sleepers"
	c.want(201, "POST", "/v2/apps", sleeper(id, 2, "1"))
	a := c.settled(id)
	if a["tasksRunning"] != 2.0 || len(taskIDs(a)) != 2 || at(a, "tasks", 0, "state") != "TASK_RUNNING" || at(a, "tasks", 0, "version") != a["version"] {
		c.Fatalf("two tasks run: %v", a)
	}
	c.want(200, "PATCH", "/v2/apps"+id, object{"instances": 3})
	b := c.settled(id)
	for _, t := range taskIDs(a) {
		if !slices.Contains(taskIDs(b), t) {
			c.Errorf("scaling up keeps %s", t)
		}
	}
	change := c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", sleeper(id, 2, "2"))
	if !c.listed(change.text("deploymentId")) {
		c.Errorf("the deployment is listed when the write is answered")
	}
	d := c.settled(id)
	for _, t := range taskIDs(d) {
		if slices.Contains(taskIDs(b), t) {
			c.Errorf("a change replaces %s", t)
		}
	}
	if d["version"] != change.text("version") || d["tasksRunning"] != 2.0 {
		c.Errorf("%v", d)
	}
	c.want(200, "POST", "/v2/apps"+id+"/restart", nil)
	e := c.settled(id)
	if slices.Equal(taskIDs(d), taskIDs(e)) || at(e, "versionInfo", "lastScalingAt") != at(d, "versionInfo", "lastScalingAt") {
		c.Errorf("a restart replaces tasks and is no scaling: %v, %v", d["versionInfo"], e["versionInfo"])
	}
	c.want(200, "DELETE", "/v2/apps"+id, nil)
}

func deleting(c client) {
	id := c.o.Group + "/delete"
	c.want(201, "POST", "/v2/apps", sleeper(id, 1, "1"))
	c.settled(id)
	r := c.want(200, "DELETE", "/v2/apps"+id, nil)
	c.want(404, "GET", "/v2/apps"+id, nil)
	c.want(404, "DELETE", "/v2/apps"+id, nil)
	if again := c.call("POST", "/v2/apps", record(id, nil)); again.status == 409 && at(again.body, "deployments", 0, "id") != r.text("deploymentId") {
		c.Errorf("while it is deleted a POST is 409 with the deployment: %v", again.body)
	}
	c.eventually("the deletion ends", func() bool { return !c.listed(r.text("deploymentId")) })
}

func onePostWins(c client) {
	for round := range 20 {
		id := fmt.Sprintf("%s/race-%d", c.o.Group, round)
		status := make([]int, 4)
		var wait sync.WaitGroup
		for i := range status {
			wait.Go(func() {
				r, err := c.try("POST", "/v2/apps", record(id, object{"owner": fmt.Sprint(i)}))
				if err != nil {
					c.Error(err)
				}
				status[i] = r.status
				if r.status == 201 && at(r.body, "labels", "owner") != fmt.Sprint(i) {
					c.Errorf("the winner's body is the stored one: %v", r.body)
				}
			})
		}
		wait.Wait()
		slices.Sort(status)
		if !slices.Equal(status, []int{201, 409, 409, 409}) {
			c.Errorf("round %d: %v", round, status)
		}
	}
}

func bulk(c client) {
	a, b := c.o.Group+"/bulk-a", c.o.Group+"/bulk-b"
	r := c.want(422, "PUT", "/v2/apps?partialUpdate=false", []object{record(a, nil), {"id": b, "cmd": "x"}})
	if r.text("message") != "Object is not valid" {
		c.Errorf("%v", r.body)
	}
	c.want(404, "GET", "/v2/apps"+a, nil) // all or nothing
	c.want(200, "PUT", "/v2/apps?partialUpdate=false", []object{record(a, nil), record(b, nil)})
	if l, _ := c.app(a)["portDefinitions"].([]any); len(l) != 1 {
		c.Errorf("%v", l)
	}
	third := c.o.Group + "/bulk-c"
	c.want(200, "PUT", "/v2/apps", []object{record(third, nil)})
	if l, _ := c.app(third)["portDefinitions"].([]any); len(l) != 0 {
		c.Errorf("a bulk PUT in the default mode creates without a port: %v", l)
	}
}

func recordAtOnce(c client) {
	id := c.o.Group + "/record"
	for range 10 {
		c.want(201, "POST", "/v2/apps", record(id, object{"n": "0"}))
		for n := range 3 {
			c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", record(id, object{"n": fmt.Sprint(n + 1)}))
		}
		c.want(200, "DELETE", "/v2/apps"+id+"?force=false", nil)
	}
}
