package config

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkPackageReads finds services that read the version of a package that git does not
// name: nobody looks at it, so its upgrade would restart nothing.
func checkPackageReads(m *mesh.Mesh, l *loader) {
	named := map[mesh.Address]bool{}
	for _, r := range m.Resources {
		named[r.Addr] = true
	}
	for _, r := range m.Resources {
		if r.Service == nil {
			continue
		}
		for _, read := range r.Service.Reads {
			name, is := strings.CutPrefix(read, mesh.PackageRead)
			if !is || named[mesh.Address{Target: r.Addr.Target, Kind: mesh.Package, Name: name}] {
				continue
			}
			l.errs.add(Error{
				Pos: l.madeAt(r, "reads"), Rule: "reads-package",
				Msg:  fmt.Sprintf("service %s of role %s reads %s, and no role of its host names that package", r.Addr.Name, r.Role, read),
				Hint: "declare it: packages: \"" + name + "\": {}",
			})
		}
	}
}
