package marathond

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// echoChange is where the echo of an app changed.
type echoChange struct {
	Path          string
	Before, After any
}

type changedEcho struct {
	Name          string
	Diff, Changed []echoChange
}

// recordedEchoes are many apps over a change of leader.
type recordedEchoes struct {
	After  []changedEcho `json:"after_leader_change"`
	Subset struct {
		Apps        int
		Resubmitted []changedEcho `json:"resubmitted_by_group_put_new_version"`
		Status      int           `json:"echo_back_status"`
		EchoBack    []changedEcho `json:"echo_sent_back_by_full_bulk_put_new_version"`
	} `json:"subset_of_20"`
}

// echoWorld holds apps of the recorded submissions, each in one group under its case's name.
type echoWorld struct {
	*world
	bodies map[string]object
}

const echoGroup = "/lce/"

func newEchoWorld(t *testing.T) *echoWorld {
	t.Helper()
	var cases []submission
	load(t, "cases.json.gz", &cases)
	w := &echoWorld{newWorld(t, Options{Features: allFeatures()}), map[string]object{}}
	for _, c := range cases {
		if c.Set != "normalisation" || c.Status != 0 || c.Method != "" && c.Method != "POST" || c.Live != nil || len(c.Config) > 0 || c.PutText != "" {
			continue
		}
		if s := string(c.Put); strings.Contains(s, `"intervalSeconds":0`) {
			continue // it would busy the leader
		}
		body := appdef.Map(decode(c.Put))
		body["id"], body["instances"] = echoGroup+c.Name, 0
		if w.call(t, "POST", "/v2/apps", body).status == 201 {
			w.bodies[c.Name] = body
		}
	}
	w.settle()
	return w
}

// echoes reads all apps.
func (w *echoWorld) echoes(t *testing.T) map[string]object {
	t.Helper()
	out := map[string]object{}
	for _, a := range appdef.List(w.call(t, "GET", "/v2/apps", nil).object()["apps"]) {
		out[strings.TrimPrefix(appdef.Text(appdef.Map(a)["id"]), echoGroup)] = appdef.Map(a)
	}
	return out
}

// compareEchoes holds the echoes of now to those before: they differ where they did there, by the same values.
func compareEchoes(t *testing.T, what string, before, after map[string]object, want []changedEcho, versions bool) {
	t.Helper()
	known := map[string][]echoChange{}
	for _, c := range want {
		known[c.Name] = slices.Concat(c.Diff, c.Changed)
	}
	for name := range known {
		if before[name] == nil {
			t.Errorf("%s: the case %s is not among the apps", what, name)
		}
	}
	for name, now := range after {
		if versions && (now["version"] != before[name]["version"]) != (known[name] != nil) {
			t.Errorf("%s: %s: a new version: %v", what, name, now["version"] != before[name]["version"])
		}
		var there []string
		for _, c := range known[name] {
			there = append(there, c.Path)
			if a, b := valueAt(before[name], c.Path), valueAt(now, c.Path); !appdef.Equal(a, c.Before) || !appdef.Equal(b, c.After) {
				t.Errorf("%s: %s%s goes from %v to %v, there from %v to %v", what, name, c.Path, a, b, c.Before, c.After)
			}
		}
		if here := strings.Fields(changedPaths("", echoOf(before[name]), echoOf(now))); !slices.Equal(here, there) {
			t.Errorf("%s: %s changed in %v, there in %v", what, name, here, there)
		}
	}
}

// valueAt is what stands at a path such as /healthChecks[0]/portIndex, or the recording's word for nothing.
func valueAt(v any, path string) any {
	for _, part := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		key, index, listed := strings.Cut(part, "[")
		next, ok := appdef.Map(v)[key]
		if !ok {
			return "<absent>"
		}
		v = next
		if listed {
			v = appdef.List(v)[appdef.Int(json.Number(strings.TrimSuffix(index, "]")))]
		}
	}
	return v
}

// What a change of leader makes of definitions, and what sending them again does then.
func TestRecordedEchoesAfterALeaderChange(t *testing.T) {
	t.Parallel()
	var want recordedEchoes
	load(t, "leader-change-echo.json.gz", &want)
	w := newEchoWorld(t)
	before := w.echoes(t)
	w.call(t, "DELETE", "/v2/leader", nil)
	after := w.echoes(t)
	compareEchoes(t, "leader change", before, after, want.After, false)

	var apps []any // the recorded subset is known only by those of it that changed
	few := map[string]object{}
	for _, c := range want.Subset.Resubmitted {
		few[c.Name] = w.bodies[c.Name]
	}
	for _, name := range sortedKeys(w.bodies) {
		if b := w.bodies[name]; len(few) < want.Subset.Apps && b["dependencies"] == nil && b["executorResources"] == nil { // these change with the way of a write
			few[name] = w.bodies[name]
		}
	}
	for _, name := range sortedKeys(few) {
		apps = append(apps, few[name])
	}
	if r := w.call(t, "PUT", "/v2/groups/lce", object{"apps": apps}); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	w.settle()
	again := w.echoes(t)
	compareEchoes(t, "sent again", after, again, want.Subset.Resubmitted, true)

	var echoes []any
	for _, name := range sortedKeys(again) {
		echoes = append(echoes, echoOf(again[name]))
	}
	if r := w.call(t, "PUT", "/v2/apps?partialUpdate=false", echoes); r.status != want.Subset.Status {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	w.settle()
	compareEchoes(t, "the echo sent back", again, w.echoes(t), want.Subset.EchoBack, true)
}
