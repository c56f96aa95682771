package definition

import "meshsync.dev/meshsync/internal/mesh"

// waitsBeforeUnreachable: these releases had other defaults for unreachableStrategy.
func waitsBeforeUnreachable(r mesh.Release) bool {
	return r.Major == 1 && (r.Minor == 4 && r.Patch <= 8 || r.Minor == 5 && r.Patch == 0)
}
