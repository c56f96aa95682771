package conformance

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Run runs the suite. It fails when the group exists, and removes it afterwards.
func Run(t *testing.T, o Options) {
	t.Helper()
	if o.Wait == 0 {
		o.Wait = time.Minute
	}
	if r := (client{t, o}).call(http.MethodGet, "/v2/groups"+o.Group, nil); r.status != http.StatusNotFound {
		t.Fatalf("the group %s exists: %d", o.Group, r.status)
	}
	t.Cleanup(func() {
		c := client{t, o}
		c.call(http.MethodDelete, "/v2/groups"+o.Group+"?force=true", nil)
	})
	for name, test := range tests() {
		t.Run(name, func(t *testing.T) { test(client{t, o}) })
	}
}

func tests() map[string]func(client) {
	return map[string]func(client){
		"creating":                   creating,
		"writing the same":           writingTheSame,
		"partial and full":           partialAndFull,
		"scaling and changing":       scalingAndChanging,
		"sets have no order":         setsHaveNoOrder,
		"service ports":              servicePorts,
		"errors":                     wireErrors,
		"versions":                   versions,
		"a locked app":               lockedApp,
		"reverting":                  reverting,
		"tasks":                      tasks,
		"deleting":                   deleting,
		"one POST wins":              onePostWins,
		"bulk":                       bulk,
		"zero instances as a record": recordAtOnce,
	}
}

func creating(c client) {
	id := c.o.Group + "/create"
	r := c.want(201, "POST", "/v2/apps", object{"id": id, "cmd": "sleep 600", "instances": 0})
	if at(r.body, "portDefinitions", 0, "port") != 0.0 || r.object()["versionInfo"] != nil || at(r.body, "deployments", 0, "id") == nil {
		c.Errorf("the answer of POST has service port 0, no versionInfo and a deployment: %v", r.body)
	}
	if !strings.HasSuffix(r.header.Get("Location"), id) || r.header.Get("Marathon-Deployment-Id") != at(r.body, "deployments", 0, "id") {
		c.Errorf("headers: %v", r.header)
	}
	a := c.app(id)
	for k, want := range map[string]any{
		"cpus": 1.0, "mem": 128.0, "disk": 0.0, "gpus": 0.0, "executor": "", "backoffSeconds": 1.0, "backoffFactor": 1.15, "maxLaunchDelaySeconds": 300.0,
		"killSelection": "YOUNGEST_FIRST", "requirePorts": false, "labels": object{}, "networks": []any{object{"mode": "host"}},
		"upgradeStrategy":     object{"minimumHealthCapacity": 1.0, "maximumOverCapacity": 1.0},
		"unreachableStrategy": object{"inactiveAfterSeconds": 0.0, "expungeAfterSeconds": 0.0},
	} {
		if !reflect.DeepEqual(a[k], want) {
			c.Errorf("%s is %v, want %v", k, a[k], want)
		}
	}
	if port, _ := at(a, "portDefinitions", 0, "port").(float64); port < 1024 || a["env"] != nil || at(a, "versionInfo", "lastConfigChangeAt") != a["version"] {
		c.Errorf("%v", a)
	}
	if r := c.want(409, "POST", "/v2/apps", record(id, nil)); r.object()["deployments"] != nil || r.text("message") != "An app with id ["+id+"] already exists." {
		c.Errorf("%v", r.body)
	}
}

func writingTheSame(c client) {
	id := c.o.Group + "/same"
	body := record(id, object{"a": "1"})
	c.want(201, "POST", "/v2/apps", body)
	before := c.settled(id)
	body["upgradeStrategy"], body["disk"] = object{"minimumHealthCapacity": 1, "maximumOverCapacity": 1}, 0 // defaults spelt out
	r := c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", body)
	if r.text("deploymentId") == "" || c.listed(r.text("deploymentId")) {
		c.Errorf("a write without effect has an id that is never listed: %v", r.body)
	}
	if after := c.app(id); after["version"] != before["version"] || r.text("version") == after["version"] {
		c.Errorf("no new version, and the answer's is nobody's: %v, %v, %v", before["version"], after["version"], r.text("version"))
	}
}

func partialAndFull(c client) {
	id := c.o.Group + "/partial"
	body := record(id, object{"a": "1"})
	body["user"] = "nobody"
	c.want(201, "POST", "/v2/apps", body)
	c.settled(id)
	c.want(200, "PUT", "/v2/apps"+id, object{"env": object{"E": "1"}})
	if a := c.settled(id); at(a, "labels", "a") != "1" || a["user"] != "nobody" || at(a, "env", "E") != "1" {
		c.Errorf("partial by default: %v", a)
	}
	c.want(200, "PATCH", "/v2/apps"+id, object{"user": nil, "labels": object{}})
	if a := c.settled(id); a["user"] != "nobody" || !reflect.DeepEqual(a["labels"], object{}) {
		c.Errorf("null keeps, {} replaces: %v", a)
	}
	c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=1", record(id, object{"b": "2"})) // any other word is false
	if a := c.settled(id); a["user"] != nil || a["env"] != nil || at(a, "labels", "b") != "2" {
		c.Errorf("full: %v", a)
	}
	c.want(422, "PATCH", "/v2/apps"+id, object{"version": c.app(id)["version"], "instances": 0})
	c.want(200, "PATCH", "/v2/apps"+id, []any{object{"instances": 5}})
	if a := c.app(id); a["instances"] != 0.0 {
		c.Errorf("an array is an update of nothing: %v", a["instances"])
	}
}

func scalingAndChanging(c client) {
	id := c.o.Group + "/scale"
	c.want(201, "POST", "/v2/apps", record(id, nil))
	first := c.settled(id)
	c.want(200, "PATCH", "/v2/apps"+id, object{"labels": object{"x": "1"}})
	second := c.settled(id)
	for _, k := range []string{"lastScalingAt", "lastConfigChangeAt"} {
		if at(second, "versionInfo", k) == at(first, "versionInfo", k) {
			c.Errorf("a changed label moves %s", k)
		}
	}
	c.want(200, "PUT", "/v2/apps"+id, object{"instances": 1, "constraints": [][]string{{"hostname", "LIKE", "there-is-no-such-host"}}})
	third := c.app(id)
	c.want(200, "PUT", "/v2/apps"+id+"?force=true", object{"instances": 0})
	fourth := c.settled(id)
	if at(fourth, "versionInfo", "lastConfigChangeAt") != at(third, "versionInfo", "lastConfigChangeAt") || at(fourth, "versionInfo", "lastScalingAt") == at(third, "versionInfo", "lastScalingAt") {
		c.Errorf("scaling moves lastScalingAt only: %v, %v", third["versionInfo"], fourth["versionInfo"])
	}
}

func setsHaveNoOrder(c client) {
	id := c.o.Group + "/sets"
	body := record(id, nil)
	body["constraints"] = [][]string{{"hostname", "LIKE", "a.*"}, {"rack", "GROUP_BY"}}
	body["dependencies"] = []string{c.o.Group + "/x", c.o.Group + "/y"}
	c.want(201, "POST", "/v2/apps", body)
	before := c.settled(id)
	body["constraints"] = [][]string{{"rack", "GROUP_BY"}, {"hostname", "LIKE", "a.*"}}
	body["dependencies"] = []string{c.o.Group + "/y", c.o.Group + "/x"}
	c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", body)
	if after := c.app(id); after["version"] != before["version"] {
		c.Errorf("the order of a set is no change")
	}
}

func servicePorts(c client) {
	id := c.o.Group + "/ports"
	body := record(id, nil)
	body["portDefinitions"] = []object{{"port": 0, "name": "a"}, {"port": 0, "name": "b"}}
	c.want(201, "POST", "/v2/apps", body)
	before := c.settled(id)
	c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", body)
	if after := c.app(id); after["version"] != before["version"] || !reflect.DeepEqual(after["portDefinitions"], before["portDefinitions"]) {
		c.Errorf("zeros keep their ports and are no change: %v, %v", before["portDefinitions"], after["portDefinitions"])
	}
	body["portDefinitions"] = []object{{"port": 0, "name": "new"}, {"port": 0, "name": "a"}, {"port": 0, "name": "b"}}
	c.want(200, "PUT", "/v2/apps"+id+"?partialUpdate=false", body)
	if after := c.settled(id); at(after, "portDefinitions", 0, "port") != at(before, "portDefinitions", 0, "port") {
		c.Errorf("ports are reused by position: %v, %v", before["portDefinitions"], after["portDefinitions"])
	}
}

func wireErrors(c client) {
	id := c.o.Group + "/nothing"
	if r := c.want(400, "POST", "/v2/apps", "{bad"); r.text("message") != "Invalid JSON" || r.text("details") == "" {
		c.Errorf("%v", r.body)
	}
	if r := c.want(400, "POST", "/v2/apps", ""); r.text("message") != "Please specify data in JSON format" {
		c.Errorf("%v", r.body)
	}
	c.want(406, "GET", "/v2/apps"+id, nil, "Accept", "text/html")
	c.want(415, "POST", "/v2/apps", "x", "Content-Type", "text/plain")
	c.want(405, "PUT", "/v2/deployments", object{})
	if r := c.want(500, "GET", "/v2/nope", nil); r.text("message") != "URI not found" {
		c.Errorf("%v", r.body)
	}
	if r := c.want(404, "GET", "/v2/apps"+id, nil); r.text("message") != "App '"+id+"' does not exist" || r.object()["details"] == nil {
		c.Errorf("%v", r.body)
	}
	if r := c.want(404, "DELETE", "/v2/apps"+id, nil); r.object()["details"] != nil {
		c.Errorf("a write's 404 has no details: %v", r.body)
	}
	c.want(404, "DELETE", "/v2/deployments/00000000-0000-4000-8000-000000000000", nil)
	bad := record(id, nil)
	bad["cpus"] = "1"
	if r := c.want(422, "POST", "/v2/apps", bad); r.text("message") != "Invalid JSON" || at(r.body, "details", 0, "path") != "/cpus" || at(r.body, "details", 0, "errors", 0) != "error.expected.jsnumber" {
		c.Errorf("%v", r.body)
	}
	bad = record(id, nil)
	bad["cmd"] = "x"
	if r := c.want(422, "PUT", "/v2/apps"+id, bad); r.text("message") != "Object is not valid" || at(r.body, "details", 0, "path") != "/" {
		c.Errorf("%v", r.body)
	}
	bad = record(id, nil)
	bad["healthChecks"] = []object{{"protocol": "COMMAND"}}
	c.want(500, "POST", "/v2/apps", bad)
}
