package internal_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/config"
)

// TestTheTableOfRolesIsThatOfTheSchema holds docs/roles.md to the shipped roles: each is in it once, with
// its layer and its check.
func TestTheTableOfRolesIsThatOfTheSchema(t *testing.T) {
	t.Parallel()
	doc := rolesDoc(t)
	rows := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| `#(\\w+)` \\| .* \\| (?:`([a-z.]+)`)? ?\\| (\\d+) \\|$").FindAllStringSubmatch(doc, -1)
	var mesh strings.Builder
	mesh.WriteString("package all\nimport (\n\"meshsync.dev/kit\"\n\"meshsync.dev/roles\"\n)\nkit.#Mesh\nname: \"all\"\nhosts: h1: {address: \"10.0.0.1\", id: 1}\nhosts: h2: {address: \"10.0.0.2\", id: 2}\n")
	for _, r := range rows {
		on := "h1"
		if r[1] == "mesos-agent" || r[1] == "consul" { // files of theirs are also another role's
			on = "h2"
		}
		fmt.Fprintf(&mesh, "#roles: %q: roles.#%s\nhosts: %s: roles: %q: {}\n", r[1], r[2], on, r[1])
	}
	files := schemaFiles(t)
	files["cue.mod/module.cue"] = []byte("module: \"example.com/infra\"\nlanguage: version: \"v0.15.0\"\n")
	files["all/mesh.cue"] = []byte(mesh.String())
	m, err := config.Load(files, "all")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Roles) != len(rows) || len(rows) < 10 {
		t.Errorf("%d rows, %d roles", len(rows), len(m.Roles))
	}
	for _, r := range rows {
		for _, role := range m.Roles {
			if role.Name == r[1] && fmt.Sprint(role.Rollout.Layer) != r[4] {
				t.Errorf("%s has layer %d, and the page says %s", r[1], role.Rollout.Layer, r[4])
			}
		}
		check := ""
		for _, res := range m.Resources {
			if res.Role == r[1] && res.Service != nil && res.Service.Check != nil {
				check = res.Service.Check.Kind
			}
		}
		if check != r[3] {
			t.Errorf("%s has the check %q, and the page says %q", r[1], check, r[3])
		}
	}
	for _, name := range shippedRoles(t) {
		if name != "ConsulAgent" && !strings.Contains(doc, "| `#"+name+"` |") {
			t.Errorf("docs/roles.md has no row for #%s", name)
		}
	}
}

// TestARoleOfYourOwnIsEvaluated puts the page's files into the example repository.
func TestARoleOfYourOwnIsEvaluated(t *testing.T) {
	t.Parallel()
	files := exampleFiles(t)
	blocks := regexp.MustCompile("(?s)```cue\n// (\\S+)\n(.*?)```").FindAllStringSubmatch(rolesDoc(t), -1)
	for _, b := range blocks {
		files[b[1]] = []byte(b[2])
	}
	m, err := config.Load(files, "prod")
	if err != nil || len(blocks) != 2 {
		t.Fatalf("%d files: %v", len(blocks), err)
	}
	for _, r := range m.Resources {
		if r.Addr.Name == "/etc/mesos-dns/config.json" && strings.Contains(*r.Text, `"zk": "zk://10.0.0.11:2181,10.0.0.12:2181,10.0.0.13:2181/mesos"`) &&
			strings.Contains(*r.Text, "10.0.0.2") {
			return
		}
	}
	t.Error("the role yields no file with its settings")
}

func rolesDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shippedRoles are the definitions of roles in the schema.
func shippedRoles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../schema/roles/*.cue")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^#(\w+): (?:kit\.#Role|#ConsulAgent) & \{`).FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// exampleFiles are all CUE files of the example repository.
func exampleFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := maps.Clone(schemaFiles(t))
	for _, glob := range []string{"cue.mod/*.cue", "*/*.cue", "*/apps/*/*.cue"} {
		names, err := filepath.Glob("../example-repo/" + glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if files[strings.TrimPrefix(name, "../example-repo/")], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}
