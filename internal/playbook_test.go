package internal_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/config"
	"meshsync.dev/meshsync/internal/primitive"
)

// TestThePlaybookIsCovered holds the table of docs/playbook.md to the code: every row of
// the playbook is in it once, what covers it exists, and what is refused has a reason.
func TestThePlaybookIsCovered(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/playbook.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range primitive.All() {
		known[string(p.Kind)] = true
	}
	for _, name := range []string{"kit", "host"} {
		kit, err := os.ReadFile("../schema/kit/" + name + ".cue")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^(#\w+):`).FindAllStringSubmatch(string(kit), -1) {
			known[m[1]] = true
		}
	}
	seen := map[int]int{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		row, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil {
			continue
		}
		seen[row]++
		if len(cells) != 4 {
			t.Errorf("row %d has %d cells", row, len(cells))
			continue
		}
		by, why := strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		if why == "" || strings.TrimSpace(cells[1]) == "" {
			t.Errorf("row %d has neither an example nor a reason, or no task", row)
		}
		if by == "refused" {
			continue
		}
		for kind := range strings.SplitSeq(by, ", ") {
			if name := strings.Trim(kind, "`"); name == kind || !known[name] {
				t.Errorf("row %d is covered by %s, which is neither a kind nor of the kit", row, kind)
			}
		}
	}
	var want []int
	for n := 1; n <= 96; n++ {
		if n <= 66 || n >= 86 {
			want = append(want, n)
		}
	}
	for _, n := range want {
		if seen[n] != 1 {
			t.Errorf("row %d is there %d times", n, seen[n])
		}
	}
	for n := range seen {
		if !slices.Contains(want, n) {
			t.Errorf("row %d is not the playbook's", n)
		}
	}
	kinds, err := os.ReadFile("../docs/primitives.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range primitive.All() {
		if !strings.Contains(string(kinds), "\n| `"+string(p.Kind)+"` | `"+p.Field+"` |") {
			t.Errorf("docs/primitives.md has no row for %s", p.Kind)
		}
	}
}

// TestThePlaybooksExamplesAreValid puts all examples of the table into one role of a host.
func TestThePlaybooksExamplesAreValid(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/playbook.md")
	if err != nil {
		t.Fatal(err)
	}
	var yield strings.Builder
	n := 0
	for _, m := range regexp.MustCompile("`([^`]*: [^`]*)`").FindAllStringSubmatch(string(text), -1) {
		if field, declares := declaration(m[1]); declares {
			fmt.Fprintf(&yield, field+"\n", whole(m[1]))
			n++
		}
	}
	if n < 20 {
		t.Errorf("only %d examples were found", n)
	}
	files := schemaFiles(t)
	maps.Copy(files, map[string][]byte{
		"cue.mod/module.cue": []byte("module: \"example.com/infra\"\nlanguage: version: \"v0.15.0\"\n"),
		"roles/all.cue":      []byte("package roles\nimport \"meshsync.dev/kit\"\n#All: kit.#Role & {\nme: _\nuses: []\nyield: {\nrollout: layer: 10\n" + yield.String() + "}\n}\n"),
		"prod/mesh.cue": []byte("package prod\nimport (\n\"meshsync.dev/kit\"\n\"example.com/infra/roles\"\n)\nkit.#Mesh\nname: \"prod\"\n" +
			"#roles: all: roles.#All\nhosts: h1: {address: \"10.0.0.1\", roles: all: {}}\n"),
	})
	if _, err := config.Load(files, "prod"); err != nil {
		t.Errorf("%v\n%s", err, yield.String())
	}
}

// declaration tells how an example stands in a role's yield. declares is false for one that
// is only a part of something.
func declaration(example string) (format string, declares bool) {
	if strings.HasPrefix(example, "flags: ") {
		return "for k in [\"files\", \"directories\"] {(k): (kit.#FlagDirectory & {path: \"/etc/marathon/conf/\", %s})[k]}", true
	}
	field, _, _ := strings.Cut(example, ":")
	kind := slices.ContainsFunc(primitive.All(), func(p primitive.Primitive) bool { return p.Field == field })
	return "%s", kind || strings.HasPrefix(example, "(kit.#")
}

// whole is an example with what it leaves out.
func whole(example string) string {
	for left, out := range map[string]string{
		`url: "…"`: `url: "https://example.com/x.tar"`, `sha256: "…"`: `sha256: "` + strings.Repeat("0", 64) + `"`,
	} {
		example = strings.ReplaceAll(example, left, out)
	}
	left := map[string]string{
		"files":           `content: "x", mode: "0644", owner: "root", group: "root"`,
		"services":        `on: "restart", reads: []`,
		"directories":     `owner: "root", group: "root"`,
		"(kit.#AptSource": `uris: ["https://example.com"], suites: ["stable"], components: ["main"], key: "/etc/apt/keyrings/x.asc"`,
		"(kit.#Unit":      `content: "[Service]\nExecStart=/bin/true\n", reads: [], service: {enabled: true, running: true, on: "restart"}`,
	}
	kind, _, _ := strings.Cut(strings.ReplaceAll(example, " ", ":"), ":")
	return strings.ReplaceAll(example, ", …}", ", "+left[kind]+"}")
}

// schemaFiles are the shipped packages as a repository has them.
func schemaFiles(t *testing.T) map[string][]byte {
	t.Helper()
	const vendored = "../example-repo/"
	names, err := filepath.Glob(vendored + "cue.mod/pkg/meshsync.dev/*/*.cue")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[strings.TrimPrefix(name, vendored)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
