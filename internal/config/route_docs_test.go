package config

import (
	"os"
	"strings"
	"testing"
)

// TestTheRoleOfTheDocumentationIsOne: what docs/route.md gives as a role can be taken as it stands.
func TestTheRoleOfTheDocumentationIsOne(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/route.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "<!-- role: internal/config holds it to the contract -->\n```cue\n")
	role, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("docs/route.md has no role")
	}
	m := loaded(t, "prod", map[string]string{
		"roles/route.cue": role,
		"prod/route.cue": `package prod

import "example.com/infra/roles"

#roles: route: roles.#Route
hosts: m1: roles: route: {}
settings: route: {url: "https://example.com/meshsync.tar.gz", sha256: "` + strings.Repeat("0", 64) + `"}
`,
	})
	unit := textOf(t, m, "m1", "/etc/systemd/system/meshsync-route.service")
	for _, want := range []string{"ExecStart=/opt/meshsync/meshsync route --url", "--watch \\\n  --out /etc/haproxy/meshsync-route.cfg", "\nWantedBy=multi-user.target\n"} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit has no %q:\n%s", want, unit)
		}
	}
}
