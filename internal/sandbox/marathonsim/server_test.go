package marathonsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

func anApp(id string, n int) map[string]any {
	return map[string]any{"id": id, "cmd": "sleep 100", "instances": n}
}

func TestPostAnswersWithServicePortZeroAndGetWithANumber(t *testing.T) {
	t.Parallel()
	s := slow(t)
	code, got := call(t, s, http.MethodPost, "/v2/apps", anApp("/a", 1))
	if port := intOf(objectOf(listOf(got["portDefinitions"])[0])["port"]); code != 201 || port != 0 || got["versionInfo"] != nil || len(listOf(got["deployments"])) != 1 {
		t.Errorf("%d %v", code, got)
	}
	_, got = call(t, s, http.MethodGet, "/v2/apps/a", nil)
	if port := intOf(objectOf(listOf(objectOf(got["app"])["portDefinitions"])[0])["port"]); port != portMin {
		t.Errorf("%v", got)
	}
}

func TestTheTwoMeaningsOf409(t *testing.T) {
	t.Parallel()
	s := slow(t)
	call(t, s, http.MethodPost, "/v2/apps", anApp("/a", 1))
	code, got := call(t, s, http.MethodPut, "/v2/apps/a?partialUpdate=false", anApp("/a", 2))
	if code != 409 || len(listOf(got["deployments"])) != 1 {
		t.Errorf("locked: %d %v", code, got)
	}
	settle(s)
	code, got = call(t, s, http.MethodPost, "/v2/apps", anApp("/a", 1))
	if _, has := got["deployments"]; code != 409 || has || got["message"] != "An app with id [/a] already exists." {
		t.Errorf("exists: %d %v", code, got)
	}
	call(t, s, http.MethodPut, "/v2/apps/a?partialUpdate=false", anApp("/a", 2))
	if code, _ := call(t, s, http.MethodPut, "/v2/apps/a?partialUpdate=false&force=true", anApp("/a", 3)); code != 200 || len(s.deployments) != 1 {
		t.Errorf("force: %d, %d deployments", code, len(s.deployments))
	}
}

func TestAWriteWithoutEffectIsNeverListed(t *testing.T) {
	t.Parallel()
	s := slow(t)
	call(t, s, http.MethodPost, "/v2/apps", anApp("/a", 1))
	settle(s)
	_, before := call(t, s, http.MethodGet, "/v2/apps/a", nil)
	code, got := call(t, s, http.MethodPut, "/v2/apps/a?partialUpdate=false", anApp("/a", 1))
	_, after := call(t, s, http.MethodGet, "/v2/apps/a", nil)
	if code != 200 || got["deploymentId"] == nil || len(s.deployments) != 0 || objectOf(before["app"])["version"] != objectOf(after["app"])["version"] {
		t.Errorf("%d %v", code, got)
	}
}

func TestPutIsPartialUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{"": 128, "?partialUpdate=true": 128, "?partialUpdate=false": 0, "?partialUpdate=1": 0} {
		s := slow(t)
		a := anApp("/a", 3)
		call(t, s, http.MethodPost, "/v2/apps", a)
		settle(s)
		call(t, s, http.MethodPut, "/v2/apps/a"+query, map[string]any{"cmd": "sleep 200", "mem": 64})
		_, got := call(t, s, http.MethodGet, "/v2/apps/a", nil)
		kept := intOf(objectOf(got["app"])["instances"]) == 3
		if kept != (want == 128) {
			t.Errorf("%q: %v", query, got)
		}
	}
}

func TestDeploymentsTakeStepsAndReadinessIsHealth(t *testing.T) {
	t.Parallel()
	s := slow(t)
	a := anApp("/a", 2)
	a["healthChecks"] = []any{map[string]any{"protocol": "MESOS_HTTP", "portIndex": 0}}
	call(t, s, http.MethodPost, "/v2/apps", a)
	seen := map[int]bool{}
	for range 50 {
		s.mu.Lock()
		s.step()
		s.mu.Unlock()
		_, got := call(t, s, http.MethodGet, "/v2/apps/a", nil)
		e := objectOf(got["app"])
		seen[intOf(e["tasksHealthy"])] = true
		if len(s.deployments) == 0 && intOf(e["tasksHealthy"]) != 2 {
			t.Fatalf("the deployment ended before all are healthy: %v", e)
		}
	}
	if !seen[0] || !seen[2] {
		t.Errorf("healthy counts seen: %v", seen)
	}
	if err := s.Fault("unhealthy", "/a"); err != nil {
		t.Fatal(err)
	}
	a["cmd"] = "sleep 300"
	call(t, s, http.MethodPut, "/v2/apps/a?partialUpdate=false", a)
	settle(s)
	if len(s.deployments) != 1 {
		t.Error("a deployment of tasks that never get healthy ended")
	}
}

func TestTheLimitOfDeploymentsIs403ForEveryWrite(t *testing.T) {
	t.Parallel()
	s := slow(t)
	if err := s.Fault("deployment-limit", ""); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ method, path string }{{"POST", "/v2/apps"}, {"PUT", "/v2/apps/a?force=true"}} {
		if code, got := call(t, s, x.method, x.path, anApp("/a", 0)); code != 403 {
			t.Errorf("%s: %d %v", x.method, code, got)
		}
	}
}

func TestErrorsAreMarathons(t *testing.T) {
	t.Parallel()
	s := slow(t)
	for _, x := range []struct {
		method, path string
		body         any
		code         int
	}{
		{"GET", "/v2/apps/none", nil, 404},
		{"GET", "/v2/nothing", nil, 500},
		{"POST", "/v2/apps", map[string]any{"id": "/a"}, 422},
		{"POST", "/v2/apps", map[string]any{"id": "/a", "cmd": "sleep 1", "cpus": "1"}, 422},
		{"POST", "/v2/apps", map[string]any{"id": "/A", "cmd": "sleep 1"}, 422},
		{"POST", "/v2/apps", map[string]any{"id": "/a", "cmd": "sleep 1", "upgradeStrategy": map[string]any{"maximumOverCapacity": 1}}, 422},
		{"POST", "/v2/apps", nil, 400},
		{"DELETE", "/v2/deployments/x", nil, 404},
		{"GET", "/v2/deployments/x", nil, 405},
	} {
		if code, got := call(t, s, x.method, x.path, x.body); code != x.code {
			t.Errorf("%s %s: %d %v, want %d", x.method, x.path, code, got, x.code)
		}
	}
}

func TestOfSimultaneousPostsOneWins(t *testing.T) {
	t.Parallel()
	for range 200 {
		s := slow(t)
		data, err := json.Marshal(anApp("/lease", 0))
		if err != nil {
			t.Fatal(err)
		}
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v2/apps", bytes.NewReader(data)))
				if w.Code == http.StatusCreated {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of five POSTs won", won.Load())
		}
	}
}
