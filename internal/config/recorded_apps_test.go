package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/recorded"
)

// recordedApp is a definition that was sent to a Marathon 1.11.26, with what it said.
type recordedApp struct {
	name    string
	text    string // the definition
	version string // of the Marathon
	refused bool
	live    rules.Marathon // what its /v2/info said
	over    map[string]any // the app that was live, of an edit
}

// exceptionsFile lists by reason the recorded definitions of which validate says another thing
// than Marathon. A reason says first which of the two is right with it: "accepted here" is what
// Marathon refuses, "refused here" what it takes. The list only shrinks: UPDATE=1 takes off what
// is right, and adds nothing.
var exceptionsFile = filepath.Join("testdata", "recorded_apps.txt")

// agreement counts what was recorded, and of what both say the same.
type agreement struct{ refused, refusedByBoth, accepted, acceptedByBoth int }

func (n *agreement) count(refused, same bool) {
	all, both := &n.accepted, &n.acceptedByBoth
	if refused {
		all, both = &n.refused, &n.refusedByBoth
	}
	*all++
	if same {
		*both++
	}
}

// TestValidateSaysOfRecordedAppsWhatMarathonSaid holds the checks of one app to all definitions
// that were sent to a Marathon: those that it refused are refused, the others are not. What its
// flags decide, and what was live, is asked as a plan asks it.
func TestValidateSaysOfRecordedAppsWhatMarathonSaid(t *testing.T) {
	t.Parallel()
	j, known := newJudge(t), knownExceptions(t)
	wrong, got := map[string]bool{}, agreement{}
	for _, a := range recordedApps(t) {
		said := j.errorsOf(t, a)
		same := (len(said) > 0) == a.refused
		got.count(a.refused, same)
		if same {
			continue
		}
		wrong[a.name] = true
		side := map[bool]string{true: "accepted here", false: "refused here"}[a.refused]
		if !strings.HasPrefix(known[a.name], side+", ") {
			t.Errorf("%s: Marathon refuses it: %v; validate says %q of\n%s", a.name, a.refused, said, a.text)
		}
	}
	if want := (agreement{refused: 330, refusedByBoth: 317, accepted: 890, acceptedByBoth: 849}); got != want {
		t.Errorf("%+v, and it was %+v", got, want)
	}
	if os.Getenv("UPDATE") == "1" {
		shrinkExceptions(t, wrong)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !wrong[name] {
			t.Errorf("%s is right now: UPDATE=1 takes it off the list", name)
		}
	}
}

// judge holds apps to the contract and to the rules, as a Load does, many with one contract.
type judge struct {
	app    *structure
	con    contract
	reader *shapeReader
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	ctx := cuecontext.New()
	con := newContract(ctx)
	app, err := structOf(con.def("#App"))
	if err != nil {
		t.Fatal(err)
	}
	return &judge{app, con, newShapeReader(ctx)}
}

// errorsOf is what validate says of a definition; its key is its id.
func (j *judge) errorsOf(t *testing.T, a recordedApp) []string {
	t.Helper()
	v := j.con.ctx.CompileString(a.text)
	if err := v.Err(); err != nil {
		return []string{err.Error()}
	}
	id, err := v.LookupPath(cue.ParsePath("id")).String()
	if err != nil {
		id = "/x"
	}
	def, _, err := readApp(j.app, j.reader, func() contract { return j.con }, v)
	if err != nil {
		return []string{err.Error()}
	}
	def["id"] = absoluteID(id)
	m := &mesh.Mesh{
		Marathons: []mesh.MarathonSpec{{Name: "main", Version: a.version}},
		Apps:      []mesh.AppSpec{{Marathon: "main", ID: absoluteID(id), Definition: def}},
	}
	l := &loader{errs: &collector{}}
	checkApps(m, l)
	checkServicePorts(m, l.errs)
	var out []string
	for _, e := range l.errs.list {
		out = append(out, e.Msg)
	}
	asked := rules.Check(m.Apps[0].ID, def, a.live) // as a plan asks them
	if a.over != nil {
		asked = append(asked, rules.Update(m.Apps[0].ID, a.over, def, a.live)...)
	}
	for _, f := range asked {
		if !f.Warning {
			out = append(out, f.Msg)
		}
	}
	return out
}

// liveMarathon is what a recording's Marathon says of itself; without flags it has all features.
func liveMarathon(version string, flags map[string]string) rules.Marathon {
	m := rules.Marathon{Version: version, Asked: true, Role: cmp.Or(flags["mesos_role"], "*"), DefaultNetwork: flags["default_network_name"]}
	if text, ok := flags["enable_features"]; ok {
		m.Features = strings.Fields(text)
	} else {
		m.Features = []string{"secrets", "external_volumes", "vips", "gpu_resources", "task_killing"}
	}
	if flags["group /dev"] != "" {
		m.Role = "dev"
	}
	return m
}

// recordedApps are all definitions of whole apps that were recorded, with unlike names.
func recordedApps(t *testing.T) []recordedApp {
	t.Helper()
	return slices.Concat(recordedCases(t, "normalisation"), recordedCases(t, "canonical-cases"), recordedEdits(t), recordedExchanges(t))
}

const recordings = "../marathon/definition/testdata"

func recordedCases(t *testing.T, file string) []recordedApp {
	t.Helper()
	var cases []struct {
		Name, Method, Marathon string
		Put, Get               json.RawMessage
		Config                 map[string]string
		PutText                string `json:"put_text"`
		Status                 int
	}
	recorded.Read(t, filepath.Join(recordings, file+".json.gz"), &cases)
	var out []recordedApp
	for _, c := range cases {
		if c.Method == "PATCH" || c.Method == "PUT" {
			continue // meshsync sends no partial updates
		}
		text := cmp.Or(c.PutText, string(c.Put))
		out = append(out, recordedApp{
			name: file + "/" + c.Name, text: text, version: lastRelease(c.Marathon), refused: c.Status >= 400 || string(c.Get) == "null",
			live: liveMarathon(lastRelease(c.Marathon), c.Config),
		})
	}
	return out
}

// lastRelease is the newest Marathon of which a case is true: 1.4 of "0.8 to 1.4 (…)".
func lastRelease(text string) string {
	text, _, _ = strings.Cut(text, "(")
	all := release.FindAllString(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

var release = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// recordedEdits are the full PUTs that were recorded over five apps.
func recordedEdits(t *testing.T) []recordedApp {
	t.Helper()
	var doc struct {
		Bases map[string]struct{ Canonical map[string]any }
		Edits []struct {
			Base, Edit string
			Request    struct{ Method, Path string }
			After      map[string]any
			Absent     []string
			Observed   struct{ Status int }
		}
	}
	recorded.Read(t, filepath.Join(recordings, "edits.json.gz"), &doc)
	var out []recordedApp
	for _, e := range doc.Edits {
		if e.Request.Method != "PUT" || !strings.Contains(e.Request.Path, "partialUpdate=false") {
			continue
		}
		base := doc.Bases[e.Base].Canonical
		body := maps.Clone(base)
		maps.Copy(body, e.After)
		for _, field := range e.Absent {
			delete(body, field)
		}
		out = append(out, recordedApp{
			name: "edits/" + e.Base + " " + e.Edit, text: jsonText(t, body), refused: e.Observed.Status >= 400, live: liveMarathon("", nil), over: base,
		})
	}
	return out
}

// recordedExchanges are the writes of whole apps in exchanges that were taken, or refused for
// what they say.
func recordedExchanges(t *testing.T) []recordedApp {
	t.Helper()
	var files map[string][]struct {
		Name, To string
		Request  struct {
			Method, Path string
			Body         any
		}
		Response struct{ Status int }
	}
	recorded.Read(t, "../sandbox/marathond/testdata/exchanges.json.gz", &files)
	var out []recordedApp
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, x := range files[file] {
			body, object := x.Request.Body.(map[string]any)
			path, query, _ := strings.Cut(x.Request.Path, "?")
			full := x.Request.Method == "POST" || x.Request.Method == "PUT" && strings.Contains(query, "partialUpdate=false")
			judged := slices.Contains([]int{200, 201, 400, 405, 422, 500}, x.Response.Status)
			if !object || !full || !judged || x.To == "follower" || !strings.HasPrefix(path, "/v2/apps") || strings.HasSuffix(path, "/restart") {
				continue
			}
			if _, ok := body["cut"]; ok {
				continue // the body is not recorded whole
			}
			out = append(out, recordedApp{
				name: "exchanges/" + file + " " + x.Name, text: jsonText(t, body), refused: x.Response.Status >= 400, live: liveMarathon("", nil),
			})
		}
	}
	return out
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// knownExceptions maps the names on the list to their reasons: a line that begins with # gives
// the reason of the names that follow.
func knownExceptions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(exceptionsFile)
	if err != nil {
		t.Fatal(err)
	}
	out, reason := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if r, ok := strings.CutPrefix(line, "# "); ok {
			reason = r
		} else if line != "" {
			out[line] = reason
		}
	}
	return out
}

func shrinkExceptions(t *testing.T, wrong map[string]bool) {
	t.Helper()
	byReason := map[string][]string{}
	for name, reason := range knownExceptions(t) {
		if wrong[name] {
			byReason[reason] = append(byReason[reason], name)
		}
	}
	var out []string
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		names := byReason[reason]
		slices.Sort(names)
		out = append(out, fmt.Sprintf("# %s\n%s\n", reason, strings.Join(names, "\n")))
	}
	if err := os.WriteFile(exceptionsFile, []byte(strings.Join(out, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}
