package marathon

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// A letter is a write with its body.
type letter struct {
	method, uri string
	body        []byte
}

// opened remembers the writes of apps, those of meshsync's own left out.
type opened struct {
	http.Handler
	mu      sync.Mutex
	letters []letter
}

func (o *opened) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method != http.MethodGet && !bytes.Contains(body, []byte(ownGroup)) && !strings.Contains(r.URL.Path, ownGroup) {
		o.mu.Lock()
		o.letters = append(o.letters, letter{r.Method, r.URL.RequestURI(), body})
		o.mu.Unlock()
	}
	o.Handler.ServeHTTP(w, r)
}

// settled applies the definitions one after another; after each the next plan is empty.
func settled(t *testing.T, m *Marathon, defs ...map[string]any) mesh.TargetState {
	t.Helper()
	var s mesh.TargetState
	for _, def := range defs {
		var out []plan.Outcome
		out, s = reach(t, m, map[string]map[string]any{"/x": def})
		if len(out) > 0 && last(out).Result != plan.ResultDone {
			t.Fatalf("%+v", out)
		}
		if left := planOf(t, m, map[string]map[string]any{"/x": def}); len(left) != 0 {
			t.Fatalf("after %v the next plan has %+v", def, left[0].Fields)
		}
	}
	return s
}

// Trap 2: what is left out of a whole definition is its default, instances too: that an app goes from many
// to one is told before.
func TestInstancesThatAreLeftOutAreToldBefore(t *testing.T) {
	t.Parallel()
	h := server(t)
	m := serve(t, h)
	posted(t, h, m, `{"id": "/x", "cmd": "sleep 1", "cpus": 0.1, "mem": 16, "instances": 5}`)
	left := planOf(t, m, map[string]map[string]any{"/x": {"cmd": "sleep 1", "cpus": 0.1, "mem": 16}})
	if len(left) != 1 || len(left[0].Fields) != 1 || left[0].Fields[0].Path != "instances" {
		t.Fatalf("%+v", left)
	}
	if e := definition.EffectOf(left[0].Before, left[0].After, left[0].App); e.Stops != 4 || e.Restarts != 0 {
		t.Errorf("%+v", e)
	}
}

// Trap 4: what git no longer says is unset, which a partial update cannot do.
func TestWhatGitNoLongerSaysIsUnset(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	full := map[string]any{
		"cmd": "sleep 1", "user": "nobody", "taskKillGracePeriodSeconds": 7, "container": map[string]any{"type": "MESOS"},
		"env": map[string]any{"A": "1", "B": "2"}, "labels": map[string]any{"a": "1"}, "acceptedResourceRoles": []any{"*"},
	}
	s := settled(t, m, full, map[string]any{"args": []any{"x"}, "env": map[string]any{"B": "2"}, "container": map[string]any{"type": "DOCKER", "docker": map[string]any{"image": "w"}}},
		map[string]any{"cmd": "sleep 2"})
	for _, f := range []string{"user", "taskKillGracePeriodSeconds", "container", "env", "acceptedResourceRoles", "args"} {
		if v, ok := s.Resources[0].Attrs[f]; ok {
			t.Errorf("%s is still %v", f, v)
		}
	}
}

// Trap 6: a partial update that does not name resourceLimits takes them away and restarts; a whole
// definition keeps them.
func TestScalingKeepsResourceLimits(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	def := func(n int) map[string]any {
		return map[string]any{"cmd": "sleep 1", "instances": n, "resourceLimits": map[string]any{"mem": 256}}
	}
	settled(t, m, def(1))
	before := configChange(t, m)
	s := settled(t, m, def(2))
	if configChange(t, m) != before || s.Resources[0].Attrs["resourceLimits"] == nil {
		t.Errorf("it was restarted, or its limits are gone: %v", s.Resources[0].Attrs)
	}
}

// Traps 7, 8, 48: a body is an object with the id of its path, and without a version, which alone
// would roll back.
func TestBodiesAreWholeAndHaveNoVersion(t *testing.T) {
	t.Parallel()
	o := &opened{Handler: server(t)}
	m := serve(t, o)
	settled(t, m, map[string]any{"cmd": "sleep 1"}, map[string]any{"cmd": "sleep 2"}, map[string]any{"cmd": "sleep 2", "labels": map[string]any{"a": "b"}})
	if len(o.letters) != 3 {
		t.Fatalf("%d writes", len(o.letters))
	}
	for _, l := range o.letters {
		var body map[string]any
		if err := json.Unmarshal(l.body, &body); err != nil || body["id"] != "/x" || body["cmd"] == nil || body["version"] != nil || body["versionInfo"] != nil {
			t.Errorf("%s %s: %s", l.method, l.uri, l.body)
		}
	}
}

// Traps 10, 11: an app without ports has one, and 0 is any: neither is a difference afterwards.
func TestPortsThatMarathonChoosesAreNoDifference(t *testing.T) {
	t.Parallel()
	port := func(n int) map[string]any { return map[string]any{"port": n} }
	for name, def := range map[string]map[string]any{
		"left out": {}, "none": {"portDefinitions": []any{}}, "any": {"portDefinitions": []any{port(0), port(0)}}, "some": {"portDefinitions": []any{port(0), port(10007), port(0)}},
		"of a container": {
			"container": map[string]any{"type": "DOCKER", "docker": map[string]any{"image": "w"}, "portMappings": []any{map[string]any{"containerPort": 80, "servicePort": 0}}},
			"networks":  []any{map[string]any{"mode": "container/bridge"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := serve(t, server(t))
			def["cmd"] = "sleep 1"
			before := settled(t, m, def).Resources[0].Attrs["portDefinitions"]
			def["cmd"] = "sleep 2"
			after := settled(t, m, def).Resources[0].Attrs["portDefinitions"]
			if !mesh.EqualValues(before, after) {
				t.Errorf("the ports were %v and are %v", before, after)
			}
		})
	}
}

// Trap 14: what Marathon does not show again of a health check is no difference.
func TestWhatAHealthCheckDoesNotShowIsNoDifference(t *testing.T) {
	t.Parallel()
	m := serve(t, server(t))
	settled(t, m, map[string]any{"cmd": "sleep 1", "healthChecks": []any{
		map[string]any{"protocol": "HTTP", "path": "/", "portIndex": 0, "delaySeconds": 30, "ignoreHttp1xx": true},
		map[string]any{"protocol": "TCP", "portIndex": 0, "delaySeconds": 2},
	}})
}

// Trap 20: a refusal with 500 is one for good: it is not tried again.
func TestARefusalWith500IsNotTriedAgain(t *testing.T) {
	t.Parallel()
	status := http.StatusInternalServerError
	o := &opened{Handler: refusing(server(t), http.MethodPost, &status)}
	out, s := reach(t, serve(t, o), map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
	if last(out).Result != plan.ResultFailed || !strings.Contains(last(out).Message, "500: no") || len(o.letters) != 1 || len(s.Resources) != 0 {
		t.Errorf("%+v after %d writes", out, len(o.letters))
	}
}

// Trap 42: an app is changed in place, whatever changes: it is never removed and made anew.
func TestAnAppIsNeverRemovedToBeChanged(t *testing.T) {
	t.Parallel()
	o := &opened{Handler: server(t)}
	settled(t, serve(t, o), map[string]any{"cmd": "sleep 1"}, map[string]any{
		"args": []any{"x"}, "container": map[string]any{"type": "DOCKER", "docker": map[string]any{"image": "w"}}, "instances": 2,
		"networks": []any{map[string]any{"mode": "container/bridge"}}, "portDefinitions": []any{},
	})
	var methods []string
	for _, l := range o.letters {
		methods = append(methods, l.method)
	}
	if !slices.Equal(methods, []string{"POST", "PUT"}) {
		t.Errorf("%v", methods)
	}
}

// Trap 35: what is sent has a length, so that a node that does not lead passes it on whole.
func TestAnAppIsWrittenByWayOfAStandby(t *testing.T) {
	t.Parallel()
	h := server(t)
	m := serve(t, h.Standby("127.0.0.1:1", "127.0.0.1:2"))
	if s := settled(t, m, map[string]any{"cmd": "sleep 1"}, map[string]any{"cmd": "sleep 2"}); s.Resources[0].Attrs["cmd"] != "sleep 2" {
		t.Errorf("%+v", s.Resources)
	}
}

// Trap 34: a list that leaves an app out looks as if it were gone. It is not made over, and whoever
// may see it finds it as it was.
func TestAnAppThatAListLeavesOutIsNotWritten(t *testing.T) {
	t.Parallel()
	h := server(t)
	settled(t, serve(t, h), map[string]any{"cmd": "sleep 1"})
	filtered := instead{h, "/v2/apps", http.StatusOK, `{"apps": []}`}
	hidden := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			filtered.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
	for name, f := range map[string]http.Handler{
		"the app can be read": hidden, "nor the app itself": instead{hidden, "/v2/apps/x", http.StatusForbidden, `{"message": "no"}`},
		"it looks gone": instead{hidden, "/v2/apps/x", http.StatusNotFound, `{"message": "App '/x' does not exist"}`},
	} {
		m := serve(t, f)
		s := m.Observe(context.Background())
		changes := diff.Diff([]mesh.Resource{desired(t, s, "/x", map[string]any{"cmd": "sleep 2"})}, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes
		var out []plan.Outcome
		_ = m.Apply(context.Background(), plan.Work{Run: "r", Changes: changes}, func(o plan.Outcome) { out = append(out, o) })
		if got := last(out).Result; got != plan.ResultConflict && got != plan.ResultFailed {
			t.Errorf("%s: %+v", name, out)
		}
		if s := serve(t, h).Observe(context.Background()); len(s.Resources) != 1 || s.Resources[0].Attrs["cmd"] != "sleep 1" {
			t.Errorf("%s: it is %+v", name, s.Resources)
		}
	}
}
