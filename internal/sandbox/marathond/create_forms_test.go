package marathond

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// createForm is one body created in one of six ways on a Marathon 1.11.26.
type createForm struct {
	What, Form string
	Body       map[string]any // with the first form only
	Status     int
	Answer     map[string]any
	Echo       map[string]any
	Differs    []struct{ Path string } `json:"differs_from_post"`
	Repeat     *struct {
		Status  int
		Changed bool                    `json:"version_changed"`
		Diff    []struct{ Path string } `json:"diff"`
	}
}

// write creates the body as the form says; it can be called again.
func (c createForm) write(t *testing.T, w *world, body object) reply {
	t.Helper()
	switch c.Form {
	case "POST":
		return w.call(t, "POST", "/v2/apps", body)
	case "PUT":
		return w.call(t, "PUT", "/v2/apps/cf/a", body)
	case "PUT full":
		return w.call(t, "PUT", "/v2/apps/cf/a?partialUpdate=false", body)
	case "bulk PUT":
		return w.call(t, "PUT", "/v2/apps", []any{body})
	case "bulk PUT full":
		return w.call(t, "PUT", "/v2/apps?partialUpdate=false", []any{body})
	case "group PUT":
		inner := maps.Clone(body)
		inner["id"] = "a"
		return w.call(t, "PUT", "/v2/groups/cf", object{"apps": []any{inner}})
	}
	t.Fatalf("no form %q", c.Form)
	return reply{}
}

func paths(l []struct{ Path string }) []string {
	var out []string
	for _, d := range l {
		out = append(out, d.Path)
	}
	slices.Sort(out)
	return out
}

// The same body is not the same app in each of the ways to create it, and sending it again
// is no new version in any.
func TestRecordedWaysOfCreatingAgree(t *testing.T) {
	t.Parallel()
	var forms []createForm
	load(t, "create-forms.json.gz", &forms)
	var body, posted object
	good := 0
	for _, c := range forms {
		if c.Form == "POST" {
			body, posted = c.Body, c.Echo
			body["id"] = "/cf/a"
		}
		if diff := c.differ(t, body, posted); diff != "" {
			t.Errorf("%s, %s: %s", c.What, c.Form, diff)
			continue
		}
		good++
	}
	t.Logf("%d of %d recorded ways of creating agree", good, len(forms))
}

func (c createForm) differ(t *testing.T, body, posted object) string {
	t.Helper()
	w := newWorld(t, Options{Features: allFeatures(), Agents: simulatedAgents()})
	r := c.write(t, w, body)
	if r.status != c.Status || c.Answer != nil && !sameRefusal(r.object(), c.Answer) {
		return fmt.Sprintf("%d %s, there %d %v", r.status, r.raw, c.Status, c.Answer)
	}
	if r.status >= 400 {
		return ""
	}
	w.settle()
	first := w.get(t, "/cf/a")
	if c.Form == "POST" {
		if !appdef.Equal(echoOf(first), posted) {
			return "echo " + asText(echoOf(first))
		}
		return ""
	}
	want := paths(c.Differs)
	if got := fields(changedPaths("", posted, echoOf(first))); !slices.Equal(got, want) {
		return fmt.Sprintf("differs from POST in %v, there in %v", got, want)
	}
	again := c.write(t, w, body)
	w.settle()
	second := w.get(t, "/cf/a")
	if again.status != c.Repeat.Status || (first["version"] != second["version"]) != c.Repeat.Changed {
		return fmt.Sprintf("again: %d, new version %v; there %d, %v", again.status, first["version"] != second["version"], c.Repeat.Status, c.Repeat.Changed)
	}
	if got := fields(changedPaths("", echoOf(first), echoOf(second))); !slices.Equal(got, paths(c.Repeat.Diff)) {
		return fmt.Sprintf("again changes %v, there %v", got, paths(c.Repeat.Diff))
	}
	return ""
}

func fields(s string) []string {
	out := strings.Fields(s)
	slices.Sort(out)
	return out
}
