package host

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// TestCommandsCanBeListedToTheLetter holds the commands to what sudoers can say: it knows
// no quotes and makes one blank of many.
func TestCommandsCanBeListedToTheLetter(t *testing.T) {
	t.Parallel()
	for _, r := range Rights("prod") {
		if strings.Contains(r.Command, "  ") || strings.ContainsAny(r.Command, "\n\t\\") || strings.Contains(r.Command, `'\''`) {
			t.Errorf("%s: %s", r.Purpose, r.Command)
		}
		if r.Read == r.Write {
			t.Errorf("%s is for nobody, or for both", r.Purpose)
		}
	}
	got := Sudoers("prod", "watch", "deploy")
	for _, want := range []string{
		`deploy ALL=(root) NOPASSWD: NOLOG_INPUT: NOLOG_OUTPUT: \`, `/usr/bin/stat -c %f %U %G %s %Z %n --`, `umask 077; read -r r l`, "sh prod\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	service, _ := primitive.Of(mesh.Service)
	if look := service.Named.Look([]primitive.Wanted{{Name: "s"}}); !strings.Contains(look, "systemctl show -p "+primitive.UnitProperties+" --") {
		t.Errorf("services are looked at in another way than the reading account may: %s", look)
	}
}
