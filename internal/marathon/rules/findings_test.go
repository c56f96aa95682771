package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFindings holds what is said of definitions to the files of testdata: each case is a
// line with its name, one with the definition, and the findings. UPDATE=1 rewrites them.
func TestFindings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file was found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for i, one := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
				if i > 0 {
					got.WriteString("\n")
				}
				got.WriteString(withFindings(t, strings.Split(one, "\n")))
			}
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if d := cmp.Diff(string(text), got.String()); d != "" {
				t.Errorf("%s is another one; UPDATE=1 rewrites it:\n%s", file, d)
			}
		})
	}
}

// withFindings is a case with what is found now. A case with two definitions is a change
// from the first to the second.
func withFindings(t *testing.T, lines []string) string {
	t.Helper()
	var defs []map[string]any
	out := lines[0] + "\n"
	for _, l := range lines[1:] {
		if strings.HasPrefix(l, "{") {
			out += l + "\n"
			defs = append(defs, decoded(t, []byte(l)))
		}
	}
	var found []Finding
	if len(defs) == 2 {
		found = Update("/a", defs[0], defs[1], Marathon{})
	} else {
		c := &checker{id: "/a", def: defs[0]}
		c.healthChecks()
		c.volumes()
		found = c.found
	}
	for _, f := range found {
		kind := "refused"
		if f.Warning {
			kind = "warning"
		}
		out += fmt.Sprintf("%s %s %s\n  app /a %s\n", kind, f.Rule, strings.Join(f.Path, "."), f.Msg)
		if f.Hint != "" {
			out += "  hint: " + f.Hint + "\n"
		}
	}
	return out
}

func decoded(t *testing.T, body []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var def map[string]any
	if err := d.Decode(&def); err != nil {
		t.Fatal(err)
	}
	return def
}
