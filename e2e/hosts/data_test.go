//go:build linux

package hosts

import (
	"encoding/json"
	"fmt"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
)

// nasty are values that would be code, an option or a pattern if they were not data.
var nasty = []string{
	`a b`, `it's`, `"q"`, `$(touch meshsync-canary)`, "`touch meshsync-canary`", `;touch meshsync-canary;`, `$HOME`, `-rf`, `*`, `?[a]`,
	`a\b`, `%s`, `!x`, `#x`, `~`, `ä ö`, `'"'"'`, `a  b`, `${R}`, `&`, `|x`, `>x`,
}

// The tools of the real host read some of these in ways of their own: debconf, awk, apt.
func TestValuesAreDataOnARealHost(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Must(t, "mkdir -p /srv/t; chmod 755 /srv/t")
	var want []mesh.Resource
	for i, v := range []string{`a\n b`, `back\`, ` lead`, `trail `, ``, `a\\b`} {
		text, _ := json.Marshal(v)
		want = append(want, m.declare(t, "debconf", fmt.Sprintf("y y/q%d string", i), fmt.Sprintf(`{"value": %s}`, text)))
	}
	for i, v := range nasty {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, m.all(t,
			"debconf", fmt.Sprintf("x x/q%d string", i), fmt.Sprintf(`{"value": %s}`, text),
			"files", "/srv/t/"+v, fmt.Sprintf(`{"content": %s, "mode": "0644", "owner": "root", "group": "root", "check": "test -e %%s"}`, text),
			"symlinks", fmt.Sprintf("/srv/t/l%d", i), fmt.Sprintf(`{"to": %s}`, text),
			"users", fmt.Sprintf("u%d", i), fmt.Sprintf(`{"home": %q, "system": true}`, "/srv/t/"+`h`),
			"commands", fmt.Sprintf("c%d", i), fmt.Sprintf(`{"test": "test -e /srv/t/c%d", "run": "touch /srv/t/c%d # "}`, i, i))...)
	}
	m.converge(t, want)
	m.holds(t, "! find / -xdev -name meshsync-canary | grep .")
}
