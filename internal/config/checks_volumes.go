package config

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkVolumeNames finds two apps with one dvdi volume that is not shared: Marathon refuses the
// second of them.
func checkVolumeNames(m *mesh.Mesh, l *loader) {
	where := newAppLines(l.mod)
	seen := map[string]mesh.AppSpec{}
	for _, a := range m.Apps {
		container, _ := a.Definition["container"].(map[string]any)
		for i, v := range asList(container["volumes"]) {
			name := ownVolume(v)
			key := a.Marathon + " " + name
			old, taken := seen[key]
			switch {
			case name == "":
			case !taken:
				seen[key] = a
			case old.ID != a.ID: // one app that has it twice is refused alone
				pos := where.of(a, []string{"container", "volumes", fmt.Sprint(i), "external", "name"})
				l.errs.add(Error{
					Pos: pos, Also: alsoUnless(pos, old.Origin), Rule: "app-volume-external",
					Msg:  fmt.Sprintf("apps %s and %s both have the dvdi volume %q, and Marathon lets one have it", old.ID, a.ID, name),
					Hint: "give them two names, or write shared: true in both",
				})
			}
		}
	}
}

// ownVolume is the name of an external volume that only one app can have; "" of any other.
func ownVolume(v any) string {
	o, _ := v.(map[string]any)
	e, _ := o["external"].(map[string]any)
	name, _ := e["name"].(string)
	if o["persistent"] != nil || e["provider"] != "dvdi" || e["shared"] == true {
		return ""
	}
	return name
}
