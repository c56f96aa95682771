package host

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestTheTableOfSSHIsWhatTheTestsShow(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../docs/ssh.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := map[string]string{}
	lines, inside := bufio.NewScanner(f), false
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			inside = lines.Text() == "## What happens when"
		}
		cells := strings.Split(lines.Text(), "|")
		if !inside || len(cells) < 2 || cells[0] != "" || strings.HasPrefix(cells[1], "-") || strings.TrimSpace(cells[1]) == "situation" {
			continue
		}
		if len(cells) != 6 {
			t.Errorf("a row of %d cells: %s", len(cells)-2, lines.Text())
			continue
		}
		name := strings.TrimSpace(cells[1])
		if _, twice := rows[name]; twice {
			t.Errorf("two rows are about %q", name)
		}
		rows[name] = strings.Trim(strings.TrimSpace(cells[3]), "`")
		if rows[name] != string(mesh.OK) && strings.TrimSpace(cells[4]) == "" {
			t.Errorf("the row %q does not say what to do", name)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, x := range situations() {
		if shown[x.name] {
			t.Errorf("two subtests are named %q", x.name)
		}
		shown[x.name] = true
		if word, ok := rows[x.name]; !ok {
			t.Errorf("the table has no row for the subtest %q", x.name)
		} else if word != string(x.want) {
			t.Errorf("the row %q has the outcome %q, and its subtest shows %q", x.name, word, x.want)
		}
	}
	for name := range rows {
		if !shown[name] {
			t.Errorf("no subtest shows the row %q", name)
		}
	}
}
