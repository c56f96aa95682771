package plan

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// What would go into one step of one deployment is one layer.
func TestLayersAreTheStepsThatAMarathonMakes(t *testing.T) {
	t.Parallel()
	ids := []string{"/a/one", "/a/two", "/b/three", "/b/four", "/c", "/d/e/five"}
	on := []string{"/a", "/a/one", "/a/two", "/b", "/b/three", "/b/four", "/c", "/d", "/d/e", "/nowhere"}
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		var changes []diff.Change
		var apps []map[string]any
		for _, id := range ids {
			deps := []any{}
			for _, d := range rapid.SliceOfNDistinct(rapid.SampledFrom(on), 0, 2, rapid.ID[string]).Draw(rt, id) {
				deps = append(deps, d)
			}
			apps = append(apps, map[string]any{"id": id, "cmd": "run it", "dependencies": deps})
			changes = append(changes, diff.Change{
				Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: id}, Action: diff.Create,
				After: mesh.MustTree(map[string]any{"dependencies": deps}),
			})
		}
		steps := stepsOf(t, apps)
		if steps == nil {
			return // a circle
		}
		compared++
		layers := map[int][]string{}
		graph := func(t mesh.Target) *appGraph { return newAppGraph(mesh.TargetState{Target: t}, changes) }
		for _, x := range deployOrder(changes, graph) {
			layers[x.layer] = append(layers[x.layer], x.change.Addr.Name)
		}
		for i, step := range steps {
			slices.Sort(layers[i+1])
			if !slices.Equal(step, layers[i+1]) {
				rt.Fatalf("%v: steps %v, layers %v", apps, steps, layers)
			}
		}
		if len(steps) != len(layers) {
			rt.Fatalf("%v: steps %v, layers %v", apps, steps, layers)
		}
	})
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// stepsOf are the apps of each step that scales some, sorted, when a Marathon is given all at once; nil where it refuses.
func stepsOf(t *testing.T, apps []map[string]any) [][]string {
	t.Helper()
	s := marathond.New(marathond.Options{Name: "main", Clock: marathond.NewManualClock(time.Unix(0, 0))})
	defer func() { _ = s.Close() }()
	body, err := json.Marshal(apps)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	if ask(http.MethodPut, "/v2/apps?partialUpdate=false", body).Code >= http.StatusMultipleChoices {
		return nil
	}
	var deployments []struct {
		Steps []struct {
			Actions []struct{ Action, App string }
		}
	}
	if err := json.Unmarshal(ask(http.MethodGet, "/v2/deployments", nil).Body.Bytes(), &deployments); err != nil || len(deployments) != 1 {
		t.Fatal(err, deployments)
	}
	var out [][]string
	for _, step := range deployments[0].Steps {
		var scaled []string
		for _, a := range step.Actions {
			if a.Action == "ScaleApplication" {
				scaled = append(scaled, a.App)
			}
		}
		if slices.Sort(scaled); scaled != nil {
			out = append(out, scaled)
		}
	}
	return out
}
