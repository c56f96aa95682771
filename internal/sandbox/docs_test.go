package sandbox_test

import (
	"os"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestAllFaultsAreDocumented holds docs/sandbox.md to the faults that there are.
func TestAllFaultsAreDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range sandbox.Faults() {
		if !strings.HasPrefix(line, "  ") {
			continue // a heading
		}
		n++
		name, _, _ := strings.Cut(strings.Fields(line)[0], "=")
		name, _, _ = strings.Cut(name, "[")
		if !strings.Contains(string(doc), "`"+name) {
			t.Errorf("docs/sandbox.md lacks the fault %s", name)
		}
	}
	if n < 20 {
		t.Errorf("only %d faults are listed", n)
	}
}
