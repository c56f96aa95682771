package primitive

import (
	"fmt"
	"strings"

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
			Type:  0o040000, // S_IFDIR
			Attrs: func(f Found) (map[string]any, string) { return ownership{f.Mode, f.Owner, f.Group}.attrs(), "" },
			Entry: func(mesh.Tree) string { return "directory" },
			Now:   `[ ! -L "$1" ] && [ -d "$1" ] && N="directory $(stat -c '%a %U %G' -- "$1")"`,
			Expected: func(attrs mesh.Tree) string {
				return strings.Join(append([]string{owned(attrs)}, tree(attrs)...), " ")
			},
			Describe: describeDirectory,
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

// tree is what is in a directory that goes with all that: how many entries, and their digest.
func tree(attrs mesh.Tree) []string {
	if text(attrs, "tree") == "" {
		return nil
	}
	return []string{text(attrs, "entries"), text(attrs, "tree")}
}

func describeDirectory(now string) string {
	f := strings.Fields(now)
	if len(f) < 5 {
		return describeOwned("directory", now)
	}
	return describeOwned("directory", strings.Join(f[:3], " ")) + fmt.Sprintf(", the entries in it being %s (digest %s…)", f[3], f[4][:min(12, len(f[4]))])
}
