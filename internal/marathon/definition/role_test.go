package definition

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestTheRoleOfANewAppIsThatOfItsGroup(t *testing.T) {
	t.Parallel()
	known := mesh.MarathonInfo{Version: "1.11.26", MesosRole: "ops", NewGroupEnforceRole: "Off", EnforceRole: map[string]bool{"/dev": true, "/free": false}}
	unread, others, old := known, known, known
	unread.EnforceRole = nil
	others.NewGroupEnforceRole = "Top"
	old.Version = "1.8.244"
	for _, c := range []struct {
		id   string
		info mesh.MarathonInfo
		want any // nil: none is said, and Marathon decides
	}{
		{"/x", known, "ops"},
		{"/dev", known, "ops"}, // it lies directly below the root
		{"/dev/x", known, "dev"},
		{"/dev/deep/x", known, "dev"},
		{"/free/x", known, "ops"},
		{"/new/x", known, "ops"},
		{"/new/x", others, nil},
		{"/dev/x", others, "dev"},
		{"/x", unread, "ops"},
		{"/dev/x", unread, nil},
		{"/dev/x", old, nil},
	} {
		app := mesh.AppSpec{Marathon: "main", ID: c.id, Definition: map[string]any{"id": c.id, "cmd": "run"}}
		r, _, err := DesiredResource(app, nil, c.info, Masker{})
		if err != nil || r.Attrs["role"] != c.want {
			t.Errorf("%s has the role %v, want %v (%v)", c.id, r.Attrs["role"], c.want, err)
		}
		app.Definition["role"] = "mine"
		if r, _, _ := DesiredResource(app, nil, c.info, Masker{}); r.Attrs["role"] != "mine" {
			t.Errorf("%s: a role that is written became %v", c.id, r.Attrs["role"])
		}
	}
}
