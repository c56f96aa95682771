package marathond

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// observe replays a summary: what several reads showed one after the other.
func (p *replay) observe(t *testing.T, e exchange) string {
	t.Helper()
	if p.topic == "set-order" {
		return p.observeOrders(t, e.Observed)
	}
	for _, want := range e.Observed {
		if diff := p.observeTasks(t, want); diff != "" {
			return diff
		}
	}
	return ""
}

// look notes what the tasks of a rolling update are like.
func (p *replay) look(t *testing.T) {
	t.Helper()
	if p.topic != "health-upgrade" {
		return
	}
	a := p.get(t, "/hu/a")
	now := object{"running": a["tasksRunning"], "staged": a["tasksStaged"], "healthy": a["tasksHealthy"], "unhealthy": a["tasksUnhealthy"]}
	var tasks []any
	for _, x := range appdef.List(a["tasks"]) {
		if appdef.Map(x)["version"] == a["version"] {
			tasks = append(tasks, "new")
		} else {
			tasks = append(tasks, "old")
		}
	}
	slices.SortFunc(tasks, func(x, y any) int { return compareText(appdef.Text(x), appdef.Text(y)) })
	now["tasks"] = tasks
	p.course = append(p.course, now)
}

// observeTasks goes on along the course of an update until its tasks are what they were there.
func (p *replay) observeTasks(t *testing.T, seen map[string]any) string {
	t.Helper()
	want := maps.Clone(seen)
	delete(want, "t")
	end := p.clock.Now().Add(20 * time.Second)
	for {
		for len(p.course) > 0 {
			if appdef.Equal(p.course[0], want) {
				return ""
			}
			p.course = p.course[1:]
		}
		if left := end.Sub(p.clock.Now()); left <= 0 || !p.clock.Next(left) {
			return "never were there " + short(want)
		}
		p.look(t)
	}
}

// setsOf lists the sets of the recorded app as they are shown.
func setsOf(a object) object {
	out := object{"constraints": a["constraints"], "dependencies": a["dependencies"]}
	var commands []any
	for _, h := range appdef.List(a["healthChecks"]) {
		commands = append(commands, appdef.Map(appdef.Map(h)["command"])["value"])
	}
	out["healthChecks"] = commands
	out["codes"] = appdef.Map(appdef.List(a["readinessChecks"])[0])["httpStatusCodesForReady"]
	return out
}

// observeOrders: which order sets have is Marathon's own; that it stays is compared, and what is in them.
func (p *replay) observeOrders(t *testing.T, recorded []map[string]any) string {
	t.Helper()
	const id = "/so/a"
	before := p.get(t, id)
	first := setsOf(before)
	for _, want := range recorded {
		switch want["after"] {
		case nil:
		case "leader change":
			p.call(t, "DELETE", "/v2/leader", nil)
		default:
			body := appdef.Clone(echoOf(before))
			for _, k := range []string{"constraints", "dependencies", "healthChecks"} {
				slices.Reverse(appdef.List(body[k]))
			}
			slices.Reverse(appdef.List(appdef.Map(appdef.List(body["readinessChecks"])[0])["httpStatusCodesForReady"]))
			if r := p.call(t, "PUT", "/v2/apps"+id+"?partialUpdate=false", body); r.status != 200 {
				return string(r.raw)
			}
			p.settle()
		}
		now := p.get(t, id)
		if diff := cmp.Diff(asText(first), asText(setsOf(now))); diff != "" {
			return fmt.Sprintf("after %v: %s", want["after"], diff)
		}
		if want["version_changed"] == false && now["version"] != before["version"] {
			return "a new version"
		}
		for k, v := range first {
			if l, ok := want[k].([]any); ok && !appdef.Equal(object{"constraints": l}, object{"constraints": v}) {
				return fmt.Sprintf("%s: there %v, here %v", k, l, v)
			}
		}
	}
	return ""
}
