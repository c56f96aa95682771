package marathond

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// recordedEdit is what one edit of a running app did to a Marathon 1.11.26.
type recordedEdit struct {
	Base    string
	Edit    string
	Request struct{ Method, Path string }
	After   map[string]any
	Absent  []string
	Body    any
	Seen    recordedEffect `json:"observed"`
}

type recordedEffect struct {
	Status   int
	Answer   map[string]any
	Effect   string
	Steps    [][][]string
	Listed   bool
	Finished bool
	Events   []string                            `json:"deployment_events"`
	Tasks    struct{ Kept, Gone, New int }       `json:"tasks"`
	Echo     []struct{ Path string }             `json:"echo"`
	Changes  []struct{ Path, Before, After any } `json:"-"`
	Changed  struct {
		Version bool `json:"version"`
		Config  bool `json:"lastConfigChangeAt"`
		Scaling bool `json:"lastScalingAt"`
	}
}

// effect is what an edit does here, in the same terms.
type effect struct {
	Status                   int
	Answer                   string
	Steps                    string
	Listed, Finished         bool
	Version, Config, Scaling bool
	Echo                     string
	Kept, Gone, New          int
}

func (e recordedEffect) expected() effect {
	out := effect{
		Status: e.Status, Listed: e.Listed, Finished: e.Finished, Version: e.Changed.Version, Config: e.Changed.Config, Scaling: e.Changed.Scaling,
		Steps: fmt.Sprint(e.Steps), Kept: e.Tasks.Kept, Gone: e.Tasks.Gone, New: e.Tasks.New,
	}
	for _, d := range e.Echo {
		out.Echo += d.Path + " "
	}
	if e.Answer != nil {
		out.Answer = fmt.Sprint(e.Answer["message"], detailSet(e.Answer["details"]))
	}
	return out
}

func TestRecordedEditsDoHereWhatTheyDidThere(t *testing.T) {
	t.Parallel()
	var data struct {
		Bases map[string]struct{ Submitted, Canonical map[string]any }
		Edits []recordedEdit
	}
	load(t, "edits.json.gz", &data)
	agree, total := map[string]int{}, map[string]int{}
	used := map[string]bool{}
	for _, e := range data.Edits {
		name := e.Base + " " + e.Edit
		kind := e.Request.Method
		if strings.Contains(e.Request.Path, "partialUpdate=false") {
			kind = "full PUT"
		}
		total[kind]++
		base := data.Bases[e.Base]
		diff := e.replay(t, base.Submitted, base.Canonical)
		reason := editsThatDiffer(e)
		used[reason] = true
		switch {
		case diff == "" && reason != "":
			t.Errorf("%s agrees now: narrow the list (%s)", name, reason)
		case diff == "":
			agree[kind]++
		case reason == "":
			t.Errorf("%s: %s", name, diff)
		}
	}
	for kind := range total {
		t.Logf("%s: %d of %d recorded edits agree in status, answer, steps, listing, end, versions, echo and tasks", kind, agree[kind], total[kind])
	}
}

// editsThatDiffer is the reason why an edit ends otherwise here, or "". The list only shrinks.
func editsThatDiffer(recordedEdit) string { return "" }

func (e recordedEdit) replay(t *testing.T, submitted, canonical map[string]any) string {
	t.Helper()
	w := newWorld(t, Options{Features: allFeatures(), Agents: simulatedAgents(), GPUs: 4})
	if r := w.call(t, "POST", "/v2/apps", submitted); r.status != 201 {
		return "the base is not taken: " + string(r.raw)
	}
	w.settle()
	path := "/v2/apps" + appdef.Text(submitted["id"])
	before := appdef.Map(w.call(t, "GET", path, nil).object()["app"])
	if echo := echoOf(before); !appdef.Equal(echo, object(canonical)) {
		return "the base is echoed otherwise:\n" + cmp.Diff(asText(canonical), asText(echo))
	}
	r := w.call(t, e.Request.Method, e.Request.Path, e.body(canonical))
	got := effect{Status: r.status}
	if r.status >= 400 {
		got.Answer = fmt.Sprint(r.object()["message"], detailSet(r.object()["details"]))
		want := e.Seen.expected()
		return cmp.Diff(effect{Status: want.Status, Answer: want.Answer}, got)
	}
	got.Listed = strings.Contains(string(w.call(t, "GET", "/v2/deployments", nil).raw), appdef.Text(r.object()["deploymentId"]))
	got.Steps = w.stepsOf(appdef.Text(r.object()["deploymentId"]))
	w.settle()
	got.Finished = len(w.call(t, "GET", "/v2/deployments", nil).raw) == 2
	after := appdef.Map(w.call(t, "GET", path, nil).object()["app"])
	moved := func(f string) bool {
		return appdef.Map(before["versionInfo"])[f] != appdef.Map(after["versionInfo"])[f]
	}
	got.Version, got.Config, got.Scaling = before["version"] != after["version"], moved("lastConfigChangeAt"), moved("lastScalingAt")
	got.Kept, got.Gone, got.New = taskChanges(before, after)
	got.Echo = changedPaths("", echoOf(before), echoOf(after))
	want := e.Seen.expected()
	if e.Base == "resident" { // its instances stay reserved, from one recorded edit to the next; not simulated
		want.Kept, want.Gone, want.New = got.Kept, got.Gone, got.New
	}
	return cmp.Diff(want, got)
}

func (w *world) stepsOf(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := [][][]string{}
	for _, d := range w.deployments {
		if d.id != id {
			continue
		}
		for _, l := range d.steps {
			var step [][]string
			for _, a := range l {
				step = append(step, []string{a.kind, a.app})
			}
			out = append(out, step)
		}
	}
	return fmt.Sprint(out)
}

func (e recordedEdit) body(canonical map[string]any) any {
	if e.Body != nil {
		if e.Body == "the base body" {
			return canonical
		}
		return e.Body
	}
	if e.Request.Method == "POST" {
		return nil
	}
	body := maps.Clone(canonical)
	maps.Copy(body, e.After)
	for _, f := range e.Absent {
		delete(body, f)
	}
	return body
}

func taskChanges(before, after object) (kept, gone, added int) {
	ids := func(o object) (out []string) {
		for _, t := range appdef.List(o["tasks"]) {
			out = append(out, appdef.Text(appdef.Map(t)["id"]))
		}
		return out
	}
	b, a := ids(before), ids(after)
	for _, id := range b {
		if slices.Contains(a, id) {
			kept++
		} else {
			gone++
		}
	}
	return kept, gone, len(a) - kept
}

// changedPaths lists where two echoes differ, as the recording does.
func changedPaths(at string, a, b any) string {
	if x, ok := a.(object); ok {
		y, ok := b.(object)
		if !ok {
			return at + " "
		}
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		out := ""
		for _, k := range sortedKeys(keys) {
			v, had := x[k]
			u, has := y[k]
			if had != has {
				out += at + "/" + k + " "
				continue
			}
			out += changedPaths(at+"/"+k, v, u)
		}
		return out
	}
	if x, ok := a.([]any); ok {
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return at + " "
		}
		out := ""
		for i := range x {
			out += changedPaths(fmt.Sprintf("%s[%d]", at, i), x[i], y[i])
		}
		return out
	}
	if n, ok := a.(json.Number); ok {
		if m, ok := b.(json.Number); ok && appdef.Number(n) == appdef.Number(m) {
			return ""
		}
		return at + " "
	}
	if a != b {
		return at + " "
	}
	return ""
}
