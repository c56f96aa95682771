package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/recorded"
)

// TestWhatMarathonAnswersOfAnAppCanBePasted: each echo that was recorded is accepted as a
// definition for the same Marathon, as it stands, but for those that Marathon does not take back
// either, and those that harm it.
func TestWhatMarathonAnswersOfAnAppCanBePasted(t *testing.T) {
	t.Parallel()
	refused := map[string]string{
		"canonical-cases/canon-ports-above-range": "portDefinitions.0.port: invalid value 70000",
		"canonical-cases/canon-uris-empty-string": "fetch.0.uri: invalid value",
		"normalisation/obs-hc-interval-zero":      "intervalSeconds",
	}
	j, accepted := newJudge(t), 0
	for _, a := range recordedEchoes(t) {
		said := strings.Join(j.errorsOf(t, a), "\n")
		want, known := refused[a.name]
		if !known && strings.Contains(a.text, infinity) {
			want, known = infinity, true
		}
		if known != (said != "") || !strings.Contains(said, want) {
			t.Errorf("%s: refused as %q, and it should be as %q:\n%s", a.name, said, want, a.text)
		}
		if !known {
			accepted++
		}
	}
	if want := 547; accepted != want {
		t.Errorf("%d echoes are accepted, and there were %d", accepted, want)
	}
}

// infinity is how Marathon shows 1e400, which stops it: see docs/definitions.md.
const infinity = `"Infinity"`

// recordedEchoes are all apps that a Marathon showed, by cases, edits and exchanges.
func recordedEchoes(t *testing.T) []recordedApp {
	t.Helper()
	var out []recordedApp
	for _, file := range []string{"normalisation", "canonical-cases"} {
		var cases []struct {
			Name, Marathon string
			Get            json.RawMessage
			Config         map[string]string
		}
		recorded.Read(t, filepath.Join(recordings, file+".json.gz"), &cases)
		for _, c := range cases {
			if len(c.Get) > 0 && string(c.Get) != "null" {
				release := lastRelease(c.Marathon)
				out = append(out, recordedApp{name: file + "/" + c.Name, text: string(c.Get), version: release, live: liveMarathon(release, c.Config)})
			}
		}
	}
	var files map[string][]struct {
		Name     string
		Response struct{ Body any }
	}
	recorded.Read(t, "../sandbox/marathond/testdata/exchanges.json.gz", &files)
	seen := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, x := range files[file] {
			for i, app := range appsIn(x.Response.Body) {
				text := jsonText(t, app)
				if !seen[text] {
					out = append(out, recordedApp{name: fmt.Sprintf("exchanges/%s %s %d", file, x.Name, i), text: text, live: liveMarathon("", nil)})
				}
				seen[text] = true
			}
		}
	}
	return out
}

// appsIn are the apps of an answer: of one, of a list and of a group.
func appsIn(body any) []map[string]any {
	var out []map[string]any
	switch body := body.(type) {
	case map[string]any:
		if body["killSelection"] != nil {
			return []map[string]any{body}
		}
		for _, name := range slices.Sorted(maps.Keys(body)) {
			out = append(out, appsIn(body[name])...)
		}
	case []any:
		for _, x := range body {
			out = append(out, appsIn(x)...)
		}
	}
	return out
}
