package primitive

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// directory is a directory: mode, owner, group. A purged one has no entries that git
// does not name.
func directory() Primitive {
	return Primitive{
		Kind: mesh.Directory, Field: "directories", order: orderDirectory,
		Decode: func(declaration []byte) (Declared, error) {
			d, err := decoded[struct {
				ownership
				Purge bool `json:"purge"`
			}](declaration)
			return Declared{Attrs: d.attrs(), Purge: d.Purge}, err
		},
		Path: &Path{
			Type:     0o040000, // S_IFDIR
			Attrs:    func(f Found) (map[string]any, string) { return ownership{f.Mode, f.Owner, f.Group}.attrs(), "" },
			Entry:    func(mesh.Tree) string { return "directory" },
			Now:      `[ ! -L "$1" ] && [ -d "$1" ] && N="directory $(stat -c '%a %U %G' -- "$1")"`,
			Expected: owned,
			Describe: func(now string) string { return describeOwned("directory", now) },
			Functions: `# ms_dir PATH MODE OWNER GROUP KEY
ms_dir() {
  case $N in
  absent|directory*)
    ms_into "$1" make && ms_try chown "$3:$4" -- . && ms_try chmod "$2" -- . && ms_sync .;;
  *)
    ms_beside "${1%/*}" && ms_try mkdir -m 700 -- new && ms_try chown "$3:$4" -- new && ms_try chmod "$2" -- new && ms_sync new &&
      ms_old "../${1##*/}" "$5" && ms_try rm -f -- "../${1##*/}" && ms_place "${1##*/}" || { [ -z "$AT" ] || rmdir -- new 2>/dev/null; return 1; };;
  esac
}
`,
			Write: func(path string, attr func(string) string, c Content) string {
				return fmt.Sprintf("ms_dir %s %s %s %s '%s'", path, attr("mode"), attr("owner"), attr("group"), c.Old)
			},
		},
	}
}
