package rules

import (
	"encoding/json"
	"strings"
	"testing"
)

// parsed is a definition as the contract gives it.
func parsed(t testing.TB, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var def map[string]any
	if err := d.Decode(&def); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return def
}

// verdict is what Check says of an app that has these fields beside something to run: each
// finding on a line, a warning with its word in front; of deprecated forms nothing.
func verdict(t testing.TB, id, fields, version string) string {
	t.Helper()
	def := parsed(t, "{"+fields+"}")
	if def["cmd"] == nil && def["args"] == nil && !strings.Contains(fields, `"image"`) {
		def["cmd"] = "sleep 1"
	}
	var out []string
	for _, f := range Check(id, def, Marathon{Version: version}) {
		if f.Warning && strings.HasPrefix(f.Rule, "deprecated") {
			continue
		}
		line := strings.Join(f.Path, ".") + ": " + f.Msg
		if f.Warning {
			line = "warning: " + line
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// ruleCase is a definition's fields, and a part of what is said of it; "" is nothing.
type ruleCase struct{ fields, want string }

func checkCases(t *testing.T, cases []ruleCase) {
	t.Helper()
	for _, x := range cases {
		got := verdict(t, "/shop/web", x.fields, "")
		if x.want == "" && got != "" || x.want != "" && !strings.Contains(got, x.want) {
			t.Errorf("%s\n got %q\nwant %q", x.fields, got, x.want)
		}
	}
}

func TestFindingsAreSortedAndHaveWordsForAll(t *testing.T) {
	t.Parallel()
	found := Check("/A", parsed(t, `{"cmd": "x", "args": ["a"], "gpus": 1e400, "mem": 1e400, "dependencies": ["/"], "constraints": [["", "x"]], "executor": "/"}`), Marathon{})
	last := ""
	for _, f := range found {
		path := strings.Join(f.Path, "\x00")
		if path < last || f.Rule == "" || f.Msg == "" || f.Hint == "" {
			t.Errorf("%+v", f)
		}
		last = path
	}
	if len(found) != 7 {
		t.Errorf("%d: %+v", len(found), found)
	}
}

func TestADefinitionIsNotModified(t *testing.T) {
	t.Parallel()
	const text = `{"args":["a"],"constraints":[["rack","LIKE","a"]],"dependencies":["b"],"env":{"A":{"secret":"k"}}}`
	def := parsed(t, text)
	Check("/x", def, Marathon{})
	if got, _ := json.Marshal(def); string(got) != text {
		t.Errorf("%s", got)
	}
}
