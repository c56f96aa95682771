package definition

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/recorded"
)

// submitted is one recorded case: a body that was sent, and what GET then showed.
type submitted struct {
	Name       string            `json:"name"`
	Put        any               `json:"put"`
	Get        map[string]any    `json:"get"`
	Live       map[string]any    `json:"live"`
	Changed    *bool             `json:"changed"`
	Config     map[string]string `json:"config"`
	Method     string            `json:"method"`
	Confidence string            `json:"confidence"`
}

// info is what /v2/info of the recording said, with a case's flags.
func (s submitted) info() mesh.MarathonInfo {
	i := mesh.MarathonInfo{Version: "1.11.26", MesosRole: "*", LocalPortMin: 10000, LocalPortMax: 20000}
	if n := s.Config["default_network_name"]; n != "" {
		i.DefaultNetworkName = n
	}
	if r := s.Config["mesos_role"]; r != "" {
		i.MesosRole = r
	}
	if s.Config["group /dev"] == "enforceRole true" {
		i.EnforceRole = map[string]bool{"/dev": true}
	}
	return i
}

// withoutChosenPorts sets those service ports of an echo to 0 that were sent as 0: which
// number Marathon chose is not for a form to know.
func withoutChosenPorts(echo, sent mesh.Tree) mesh.Tree {
	out := echo.Clone()
	objects, field := servicePorts(out)
	asked, _ := servicePorts(sent)
	for i, o := range objects {
		if i < len(asked) && asked[i][field] == int64(0) {
			o[field] = int64(0)
		}
	}
	return out
}

func casesOf(t testing.TB) []submitted {
	t.Helper()
	var a, b []submitted
	recorded.Read(t, "testdata/normalisation.json.gz", &a)
	recorded.Read(t, "testdata/canonical-cases.json.gz", &b)
	return append(a, b...)
}

func TestCanonicalFormOfWhatWasSentIsThatOfTheEcho(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range casesOf(t) {
		body, ok := wholeBody(c)
		if !ok || c.Get == nil || c.Confidence != "observed 1.11.26" {
			continue
		}
		n++
		if d := difference(t, c, body); d != "" {
			t.Errorf("%s:\n%s", c.Name, d)
		}
	}
	if n != 444 { // one more sends cpus 1e400, which the contract refuses
		t.Errorf("%d cases agree", n)
	}
}

func difference(t *testing.T, c submitted, body map[string]any) string {
	t.Helper()
	sent, _, err := Canonical(body, c.info())
	if err != nil {
		return err.Error()
	}
	echo, _, err := Canonical(c.Get, c.info())
	if err != nil {
		return err.Error()
	}
	if _, ok := body["id"]; !ok {
		delete(sent, "id")
		delete(echo, "id")
	}
	echo = withoutChosenPorts(echo, sent)
	if mesh.EqualValues(sent, echo) {
		return ""
	}
	return cmp.Diff(map[string]any(sent), map[string]any(echo))
}

func TestCanonicalFormIsIdempotent(t *testing.T) {
	t.Parallel()
	for _, c := range casesOf(t) {
		if c.Get == nil {
			continue
		}
		once, _, err := Canonical(c.Get, c.info())
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		twice, _, err := Canonical(once, c.info())
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if !mesh.EqualValues(once, twice) {
			t.Errorf("%s:\n%s", c.Name, cmp.Diff(map[string]any(once), map[string]any(twice)))
		}
	}
}

func TestAFullPutOverALiveAppIsAChangeWhereMarathonMadeAVersion(t *testing.T) {
	t.Parallel()
	n, right := 0, 0
	for _, c := range casesOf(t) {
		body, ok := c.Put.(map[string]any)
		if !ok || c.Live == nil || c.Changed == nil {
			continue
		}
		n++
		got := changes(t, c, body)
		_, known := equated()[c.Name]
		switch {
		case got == *c.Changed && known:
			t.Errorf("%s is right now: take it off the list", c.Name)
		case got == *c.Changed:
			right++
		case !known:
			t.Errorf("%s: a change is %v, and that Marathon made a version is %v", c.Name, got, *c.Changed)
		}
	}
	t.Logf("%d of %d recorded full PUTs over a live app agree", right, n)
}

// equated are forms that Marathon holds different and that mean the same: meshsync equates
// them, so that neither is ever a difference.
func equated() map[string]string {
	return map[string]string{
		"canon-edit-tty-false":       "tty false is what no tty is",
		"canon-edit-linuxinfo-empty": "an empty linuxInfo is none",
		"canon-edit-limits-empty":    "empty resourceLimits are none",
		"canon-edit-index-absent":    "no portIndex is that of the only port",
	}
}

// changes tells whether a body is a change of the app that is live: the one that was posted
// before, with the service ports that the recorded echo shows where it asked for any.
func changes(t *testing.T, c submitted, body map[string]any) bool {
	t.Helper()
	var forms []mesh.Tree
	for _, def := range []map[string]any{c.Live, c.Get, body} {
		form, _, err := Canonical(def, c.info())
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		forms = append(forms, form)
	}
	live, echo, sent := forms[0], forms[1], forms[2]
	places, field := servicePorts(live)
	chosen, _ := servicePorts(echo)
	for i, o := range places {
		if o[field] == int64(0) && i < len(chosen) {
			o[field] = chosen[i][field]
		}
	}
	return len(changed(live, Resolve(sent, live, body, c.info()))) > 0
}

// edit is one recorded edit of a running app.
type edit struct {
	Base    string `json:"base"`
	Edit    string `json:"edit"`
	Request struct{ Method, Path string }
	After   map[string]any `json:"after"`
	Absent  []string       `json:"absent"`
	Seen    struct {
		Status int    `json:"status"`
		Answer any    `json:"answer"`
		Effect string `json:"effect"`
		// Echo has the members that GET then showed otherwise.
		Echo []struct {
			Path  string `json:"path"` // /portDefinitions[0]/name
			After any    `json:"after"`
		} `json:"echo"`
		// Finished is false where no agent could satisfy the edit, or the deployment hung.
		Finished bool                    `json:"finished"`
		Tasks    struct{ Gone, New int } `json:"tasks"`
	} `json:"observed"`
}

// echo is what GET showed after the edit.
func (e edit) echo(base map[string]any) map[string]any {
	out := mesh.MustTree(base)
	for _, x := range e.Seen.Echo {
		way := strings.Split(strings.TrimPrefix(strings.ReplaceAll(x.Path, "[", "/["), "/"), "/")
		put(object(out), way, x.After)
	}
	return out
}

// put sets what lies at the end of a way, such as portDefinitions, [0], name.
func put(in any, way []string, v any) {
	last := len(way) == 1
	switch in := in.(type) {
	case object:
		switch name := way[0]; {
		case !last:
			put(in[name], way[1:], v)
		case v == "<absent>":
			delete(in, name)
		default:
			in[name] = v
		}
	case []any:
		i, _ := strconv.Atoi(strings.Trim(way[0], "[]"))
		if last {
			in[i] = v
		} else {
			put(in[i], way[1:], v)
		}
	}
}

func formOf(t *testing.T, def map[string]any, info mesh.MarathonInfo) mesh.Tree {
	t.Helper()
	form, _, err := Canonical(def, info)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func TestEffectOfEveryRecordedEdit(t *testing.T) {
	t.Parallel()
	var data struct {
		Bases map[string]struct{ Canonical map[string]any }
		Edits []edit
	}
	recorded.Read(t, "testdata/edits.json.gz", &data)
	info := submitted{}.info()
	n, right := 0, 0
	for _, e := range data.Edits {
		if e.Request.Method != "PUT" || e.Seen.Status >= 300 || e.After == nil {
			continue
		}
		n++
		before, after := recordedForms(t, data.Bases[e.Base].Canonical, e, info)
		got, want := effectOf(before, after), e.effect()
		if got == want {
			right++
		} else if e.Edit != "tty-false" {
			t.Errorf("%s %s: got %s, and Marathon did %s", e.Base, e.Edit, got, want)
		} else if text := unsent(t, after, data.Bases[e.Base].Canonical, "tty", info); text != "" {
			t.Errorf("%s %s: %s", e.Base, e.Edit, text)
		} else {
			right++
		}
		if echo := withoutChosenPorts(formOf(t, e.echo(data.Bases[e.Base].Canonical), info), after); got == want && !mesh.EqualValues(after, echo) {
			t.Errorf("%s %s: GET then showed\n%s", e.Base, e.Edit, cmp.Diff(map[string]any(after), map[string]any(echo)))
		}
		if text := miscounted(EffectOf(before, after, nil), e); got == want && text != "" {
			t.Errorf("%s %s: %s", e.Base, e.Edit, text)
		}
	}
	t.Logf("%d of %d recorded edits agree", right, n)
}

// effect is what Marathon did to tasks and versions: an echo in another order is nothing.
func (e edit) effect() string {
	if e.Seen.Effect == "silent" {
		return "none"
	}
	return e.Seen.Effect
}

// unsent tells of a field that must not be sent: tty false means the same as none, and
// Marathon would replace all tasks for it, so an app without tty never gets it.
func unsent(t *testing.T, after mesh.Tree, live map[string]any, field string, info mesh.MarathonInfo) string {
	t.Helper()
	body, err := Body(after, live, info)
	if err != nil {
		t.Fatal(err)
	}
	if _, sent := body[field]; sent {
		return field + " is sent, and the effect is told as none"
	}
	return ""
}

// miscounted compares the tasks that were told with those that went and came. Of a resident
// app a reserved instance stays listed when it stops and has a new id when it starts: only
// those that came can be counted.
func miscounted(told Effect, e edit) string {
	if !e.Seen.Finished {
		return ""
	}
	gone, come := told.Restarts+told.Stops, told.Restarts+told.Starts
	if come != e.Seen.Tasks.New || e.Base != "resident" && gone != e.Seen.Tasks.Gone {
		return fmt.Sprintf("%d tasks go and %d come, and with Marathon %d and %d did", gone, come, e.Seen.Tasks.Gone, e.Seen.Tasks.New)
	}
	return ""
}

func recordedForms(t *testing.T, base map[string]any, e edit, info mesh.MarathonInfo) (before, after mesh.Tree) {
	t.Helper()
	body := maps.Clone(base)
	maps.Copy(body, e.After)
	for _, f := range e.Absent {
		delete(body, f)
	}
	before, _, err := Canonical(base, info)
	if err != nil {
		t.Fatal(err)
	}
	form, _, err := Canonical(body, info)
	if err != nil {
		t.Fatal(err)
	}
	return before, Resolve(form, before, body, info)
}

func effectOf(before, after mesh.Tree) string {
	fields := changed(before, after)
	switch {
	case len(fields) == 0:
		return "none"
	case len(fields) == 1 && fields[0] == "instances":
		return "scale"
	case instances(after) == 0:
		return "scale+config"
	default:
		return "restart"
	}
}
