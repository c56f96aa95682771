// Package schema embeds the CUE files that meshsync ships: the contract, the kit and
// the roles. Only the contract is evaluated from here; kit and roles are vendored
// into a user's repository and read from there.
package schema

import "embed"

// Files holds mesh/, kit/ and roles/ with their .cue files.
//
//go:embed mesh/*.cue kit/*.cue roles/*.cue
var Files embed.FS

// ImportPath is under which the packages are imported in CUE: meshsync.dev/mesh and so on.
const ImportPath = "meshsync.dev"
