package definition

import (
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// recorded reads data that was recorded from a Marathon 1.11.26 with simulated agents.
func recorded(t *testing.T, name string, into any) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(z)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

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
	return i
}

// ports sets every service port to 0: which number Marathon chose is not for a form to know.
func withoutPorts(form mesh.Tree) mesh.Tree {
	out := form.Clone()
	objects, field := servicePorts(out)
	for _, o := range objects {
		o[field] = int64(0)
	}
	return out
}

func casesOf(t *testing.T) []submitted {
	t.Helper()
	var a, b []submitted
	recorded(t, "normalisation.json.gz", &a)
	recorded(t, "canonical-cases.json.gz", &b)
	return append(a, b...)
}

func TestCanonicalFormOfWhatWasSentIsThatOfTheEcho(t *testing.T) {
	t.Parallel()
	n, wrong := 0, []string{}
	for _, c := range casesOf(t) {
		body, ok := c.Put.(map[string]any)
		if !ok || c.Get == nil || c.Confidence != "observed 1.11.26" || !fullBody(c) {
			continue
		}
		n++
		if d := difference(t, c, body); d != "" {
			wrong = append(wrong, c.Name)
			if !slices.Contains(slices.Collect(maps.Keys(exceptions())), c.Name) {
				t.Errorf("%s:\n%s", c.Name, d)
			}
		}
	}
	for name := range exceptions() {
		if !slices.Contains(wrong, name) {
			t.Errorf("%s is right now: take it off the list", name)
		}
	}
	t.Logf("%d of %d recorded cases agree", n-len(wrong), n)
}

// fullBody reports whether the case sends a whole app: partial updates are merged by
// Marathon, and meshsync sends none.
func fullBody(c submitted) bool {
	return !strings.Contains(c.Method, "PATCH") && !strings.Contains(c.Method, "groups") && !strings.Contains(strings.ToLower(c.Method), "partial")
}

// exceptions are recorded cases that do not agree yet, with the reason. The list only shrinks.
func exceptions() map[string]string {
	nested := "Marathon drops unknown members of nested objects; the contract refuses them before"
	return map[string]string{
		"patch-version-alone-is-rollback":            "the body is an instruction to roll back and no definition",
		"put-body-id-ignored":                        "the id in the path wins; meshsync sends the same in both",
		"obs-bulk-partial-put-creates-without-ports": "a bulk PUT in partial mode, which meshsync never sends",
		"obs-unknown-keys-nested":                    nested,
		"obs-container-type-appc":                    nested,
		"obs-secret-env-extra-key":                   nested,
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
	if _, ok := body["role"]; !ok {
		sent["role"] = echo["role"]
	}
	if _, ok := body["id"]; !ok {
		delete(sent, "id")
		delete(echo, "id")
	}
	a, b := withoutPorts(sent), withoutPorts(echo)
	if mesh.EqualValues(a, b) {
		return ""
	}
	return cmp.Diff(map[string]any(a), map[string]any(b))
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

// edit is one recorded edit of a running app.
type edit struct {
	Base    string `json:"base"`
	Edit    string `json:"edit"`
	Request struct{ Method, Path string }
	After   map[string]any `json:"after"`
	Absent  []string       `json:"absent"`
	Seen    struct {
		Status int    `json:"status"`
		Effect string `json:"effect"`
	} `json:"observed"`
}

func TestEffectOfEveryRecordedEdit(t *testing.T) {
	t.Parallel()
	var data struct {
		Bases map[string]struct{ Canonical map[string]any }
		Edits []edit
	}
	recorded(t, "edits.json.gz", &data)
	info := submitted{}.info()
	n, right := 0, 0
	for _, e := range data.Edits {
		if e.Request.Method != "PUT" || e.Seen.Status >= 300 || e.After == nil {
			continue
		}
		n++
		got := recordedEffect(t, data.Bases[e.Base].Canonical, e, info)
		want := e.Seen.Effect
		if got == want {
			right++
		} else if _, known := editExceptions()[e.Base+" "+e.Edit]; !known {
			t.Errorf("%s %s: got %s, and Marathon did %s", e.Base, e.Edit, got, want)
		}
	}
	t.Logf("%d of %d recorded edits agree", right, n)
}

// editExceptions are recorded edits of which the effect is told otherwise, with the reason.
func editExceptions() map[string]string {
	tty := "false means the same as absent, so it is never sent and nothing restarts"
	return map[string]string{
		"host-cmd tty-false": tty, "docker-bridge tty-false": tty, "mesos-container tty-false": tty, "health tty-false": tty, "resident tty-false": tty,
		"host-cmd constraints-reversed": "an equal set in another order: only the order of the echo changes",
	}
}

func recordedEffect(t *testing.T, base map[string]any, e edit, info mesh.MarathonInfo) string {
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
	after := Resolve(form, before, body, info)
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
