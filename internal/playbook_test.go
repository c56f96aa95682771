package internal_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

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
