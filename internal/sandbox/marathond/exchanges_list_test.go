package marathond

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// A step is a request that was made before an exchange and is not part of the recording.
type step struct {
	method, path, body string
	wait               bool // until nothing moves any more
	pause              time.Duration
}

func post(body string) step { return step{method: "POST", path: "/v2/apps", body: body, wait: true} }

// plainApp is the body of most recorded apps, with more members.
func plainApp(id string, n int, more string) string {
	return fmt.Sprintf(`{"id": %q, "cmd": "run it", "cpus": 0.1, "mem": 32, "instances": %d%s}`, id, n, more)
}

const stuckLabel = `, "labels": {"SIM_STUCK": "1"}`

func launch(body string) step { return step{method: "POST", path: "/v2/apps", body: body, wait: false} }

func remove(id string) step {
	return step{method: "DELETE", path: "/v2/apps" + id, body: "", wait: true}
}

// before lists the steps before an exchange, as far as they can be told from what follows.
func before(key string) []step {
	bareCheck := `, "healthChecks": [{"protocol": "HTTP", "path": "/", "gracePeriodSeconds": 2, "intervalSeconds": 1, "timeoutSeconds": 1}]`
	upgrade := func(protocol string) []step {
		return []step{remove("/hu/a"), post(plainApp("/hu/a", 2, `, "portDefinitions": [{"port": 0, "name": "http"}], "env": {"V": "1"}, "healthChecks": [{"protocol": "`+protocol+
			`", "path": "/", "portIndex": 0, "gracePeriodSeconds": 2, "intervalSeconds": 1, "timeoutSeconds": 1, "maxConsecutiveFailures": 3, "delaySeconds": 0}]`))}
	}
	stuckAgain := []step{{method: "DELETE", path: "/v2/apps/q/s", body: "", wait: true}, post(plainApp("/q/s", 1, stuckLabel))}
	if strings.HasPrefix(key, "extras: flag force") {
		return stuckAgain
	}
	return map[string][]step{
		"apps: groups-after-wipe":                                          {{method: "DELETE", path: "/v2/groups?force=true", body: "", wait: true}},
		"conflicts: put-other-app":                                         {post(plainApp("/k/other", 1, ""))},
		"conflicts: rollback-of-create":                                    {post(plainApp("/k/new", 1, stuckLabel))},
		"conflicts: deployments-unkillable-scale-down":                     {{method: "DELETE", path: "/v2/groups/k?force=true", body: "", wait: true}, post(plainApp("/k/sc", 1, `, "labels": {"SIM_UNKILLABLE": "1"}`)), {method: "PATCH", path: "/v2/apps/k/sc", body: `{"instances": 0}`, wait: true}},
		"errors: json-broken":                                              {post(plainApp("/r/a", 0, ""))},
		"extras: groups after the last app is deleted":                     {post(plainApp("/eg/a", 0, "")), remove("/eg/a")},
		"extras: nested groups after the last app is deleted":              {remove("/eg"), post(plainApp("/eg/s/a", 0, "")), remove("/eg/s/a")},
		"extras: explicitly made empty group":                              {remove("/eg"), {method: "PUT", path: "/v2/groups/eg2", body: `{}`, wait: true}},
		"extras: app below enforcing group":                                {remove("/eg2"), {method: "PUT", path: "/v2/groups/er", body: `{"enforceRole": true}`, wait: true}},
		"extras: flag partialUpdate=true":                                  {post(plainApp("/q/a", 0, ""))},
		"extras: PUT of an array to one app":                               {post(plainApp("/q/arr", 0, `, "labels": {"keep": "1"}`))},
		"extras: host app patched to bridge without container":             {{method: "DELETE", path: "/v2/groups?force=true", body: "", wait: true}, post(plainApp("/q/n", 0, `, "portDefinitions": [{}, {}]`))},
		"extras: docker host app patched to bridge with a container":       {remove("/q/n"), post(plainApp("/q/d", 0, `, "portDefinitions": [{}, {}], "container": {"type": "DOCKER", "docker": {"image": "w:1"}}`))},
		"extras: dryrun canonical, instances 1 to 2":                       {{method: "DELETE", path: "/v2/groups?force=true", body: "", wait: true}, post(plainApp("/dr/a", 1, `, "portDefinitions": [{"port": 0, "name": "h"}]`))},
		"health-port-index: patch-scale: posted without portIndex":         {launch(plainApp("/pi/a", 1, bareCheck))},
		"health-port-index: put-partial-scale: posted without portIndex":   {remove("/pi/a"), launch(plainApp("/pi/a", 1, bareCheck))},
		"health-port-index: patch-empty: posted without portIndex":         {remove("/pi/a"), launch(plainApp("/pi/a", 1, bareCheck))},
		"health-port-index: put-full-same-body":                            {remove("/pi/a"), launch(plainApp("/pi/b", 1, bareCheck))},
		"health-port-index: group: after":                                  {remove("/pi/b"), {method: "PUT", path: "/v2/groups/pi", body: `{"apps": [` + plainApp("c", 1, bareCheck) + `]}`, wait: false}},
		"health-port-index: leader-change: after":                          {{method: "GET", path: "/v2/apps", pause: 6 * time.Second}, {method: "DELETE", path: "/v2/leader"}},
		"health-upgrade: 0.5/0: change upgradeStrategy and env":            upgrade("HTTP"),
		"health-upgrade: 0/0: change upgradeStrategy and env":              upgrade("HTTP"),
		"health-upgrade: 1/0: change upgradeStrategy and env":              upgrade("HTTP"),
		"health-upgrade: 0.5/0 MESOS_HTTP: change upgradeStrategy and env": upgrade("MESOS_HTTP"),
		"health-upgrade: 0/0 MESOS_HTTP: change upgradeStrategy and env":   upgrade("MESOS_HTTP"),
		"health-port-index: leader-change: group-put-same":                 {{method: "GET", path: "/v2/apps", pause: time.Second}}, // a check passed meanwhile
		"infinity: another-app":                                            {post(plainApp("/inf/c", 1, ""))},
		"infinity: after-restart":                                          {{method: "DELETE", path: "/v2/leader", body: "", wait: true}},
		"queue: waiting": {
			launch(plainApp("/q/constraint", 1, `, "constraints": [["rack", "LIKE", "nope"]]`)),
			launch(`{"id": "/q/mem", "cmd": "run it", "cpus": 0.1, "mem": 999999, "instances": 1}`),
			launch(plainApp("/q/ports", 1, `, "portDefinitions": [{"port": 80}], "requirePorts": true`)),
			{method: "POST", path: "/v2/apps", body: `{"id": "/q/fail", "cmd": "exit 3", "cpus": 0.1, "mem": 32, "instances": 1, "backoffSeconds": 5}`, wait: false},
		},
		"records: edit-record": {post(plainApp("/rec/v", 0, ""))},
		"records: edit-record-while-others-deploy": {
			post(plainApp("/rec/stuck", 1, stuckLabel)),
			{method: "PUT", path: "/v2/groups/recg", body: `{"apps": [` + plainApp("x", 1, stuckLabel) + `, ` + plainApp("y", 1, `, "dependencies": ["x"]`) + `]}`, wait: true},
		},
		"service-ports: freed-port-reused": {remove("/sp/a")},
		"two-writers: A reads":             {post(plainApp("/w/a", 0, `, "env": {"N": "0"}`))},
	}[key]
}

// prepare makes what was there before an exchange.
func (p *replay) prepare(t *testing.T, key string) {
	t.Helper()
	steps := before(key)
	if key == "deployment-limit: post-101st" {
		for n := range maxDeployments {
			steps = append(steps, step{method: "POST", path: "/v2/apps", body: plainApp(fmt.Sprintf("/lim/a%d", n+1), 1, stuckLabel), wait: false})
		}
	}
	var last reply
	for _, s := range steps {
		body := []byte(s.body)
		p.simulate(s.path, body)
		last = p.call(t, s.method, s.path, body)
		if last.status >= 300 && s.method != "DELETE" {
			t.Fatalf("%s: %s %s: %d %s", key, s.method, s.path, last.status, last.raw)
		}
		if s.wait {
			p.settle()
		}
		p.clock.Advance(s.pause)
	}
	// A deployment that the recording names for the first time in a path is the one just made.
	if id := appdef.Text(last.object()["deploymentId"]); id != "" {
		p.latest = id
	} else if l := appdef.List(last.object()["deployments"]); len(l) > 0 {
		p.latest = appdef.Text(appdef.Map(l[0])["id"])
	}
}

// exchangesThatDiffer are recorded exchanges that end otherwise here, with the reason. The list only shrinks.
func exchangesThatDiffer() map[string]string {
	return map[string]string{
		"misc: metrics":         "metrics are not simulated: 501",
		"groups: root-versions": "lists what earlier recordings wrote",
	}
}
