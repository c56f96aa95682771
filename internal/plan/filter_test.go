package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// Of a Marathon for which git names no app any more, its record may name some: a plan that
// is narrowed to what they may be looks at it.
func TestAMarathonWithoutAppsInGitIsLookedAt(t *testing.T) {
	t.Parallel()
	m := &mesh.Mesh{
		Hosts:     []mesh.HostSpec{{Name: "m1"}},
		Marathons: []mesh.MarathonSpec{{Name: "batch"}, {Name: "main"}},
		Apps:      []mesh.AppSpec{{Marathon: "main", ID: "/www"}},
		Resources: []mesh.Resource{{Addr: mesh.Address{Target: mesh.Host("m1"), Kind: mesh.File, Name: "/etc/x"}}},
	}
	for _, tt := range []struct{ only, exclude, want string }{
		{"marathon/*", "", "marathon/batch marathon/main"},
		{"marathon/batch", "", "marathon/batch"},
		{"marathon/b*", "", "marathon/batch"},
		{"*/app:*", "", "marathon/batch marathon/main"},
		{"*/app:/www", "", "marathon/batch marathon/main"},
		{"marathon/?atch/app:/a/*", "", "marathon/batch"},
		{"*", "", "host/m1 marathon/batch marathon/main"},
		{"host/*", "", "host/m1"},
		{"*/file:*", "", "host/m1"},
		{"marathon/main/app:/www", "", "marathon/main"},
		{"marathon/main/app:/old", "", "marathon/main"},
		{"", "host/m1", "marathon/batch marathon/main"},
		{"", "marathon/batch", "host/m1 marathon/main"},
		{"", "*/app:*", "host/m1"},
		{"", "marathon/batch/app:/one", "host/m1 marathon/batch marathon/main"},
		{"marathon/*", "marathon/batch", "marathon/main"},
	} {
		f := &Filter{}
		if tt.only != "" {
			f.Only = []string{tt.only}
		}
		if tt.exclude != "" {
			f.Exclude = []string{tt.exclude}
		}
		var got []string
		for _, x := range f.Needs(m) {
			got = append(got, x.String())
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("--only %q --exclude %q looks at %s, want %s", tt.only, tt.exclude, text, tt.want)
		}
	}
}
