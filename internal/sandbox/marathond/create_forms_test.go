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
	Differs    []formChange `json:"differs_from_post"`
	Repeat     *struct {
		Status  int
		Changed bool         `json:"version_changed"`
		Diff    []formChange `json:"diff"`
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

// formChange is where an echo differs from the one that POST gave, or from the one before.
type formChange struct {
	Path                      string
	Post, Here, Before, After any
}

// differ compares what changed between two echoes with what changed there.
func differ(want []formChange, from, to object) string {
	var there []string
	for _, c := range want {
		there = append(there, c.Path)
		old, now := c.Post, c.Here
		if c.Before != nil {
			old, now = c.Before, c.After
		}
		if a, b := valueAt(from, c.Path), valueAt(to, c.Path); !appdef.Equal(a, old) || !appdef.Equal(b, now) {
			return fmt.Sprintf("%s goes from %v to %v, there from %v to %v", c.Path, a, b, old, now)
		}
	}
	slices.Sort(there)
	if here := fields(changedPaths("", from, to)); !slices.Equal(here, there) {
		return fmt.Sprintf("differs in %v, there in %v", here, there)
	}
	return ""
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
	if diff := differ(c.Differs, posted, echoOf(first)); diff != "" {
		return "against POST: " + diff
	}
	again := c.write(t, w, body)
	w.settle()
	second := w.get(t, "/cf/a")
	if again.status != c.Repeat.Status || (first["version"] != second["version"]) != c.Repeat.Changed {
		return fmt.Sprintf("again: %d, new version %v; there %d, %v", again.status, first["version"] != second["version"], c.Repeat.Status, c.Repeat.Changed)
	}
	if diff := differ(c.Repeat.Diff, echoOf(first), echoOf(second)); diff != "" {
		return "again: " + diff
	}
	return ""
}

func fields(s string) []string {
	out := strings.Fields(s)
	slices.Sort(out)
	return out
}
