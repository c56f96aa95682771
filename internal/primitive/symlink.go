package primitive

import "meshsync.dev/meshsync/internal/mesh"

// symlink is a symbolic link: where it leads. Its owner and mode mean nothing.
func symlink() Primitive {
	return Primitive{
		Kind: "symlink", Field: "symlinks", order: orderPath,
		Decode: func(declaration []byte) (Declared, error) {
			l, err := decoded[struct{ To string }](declaration)
			return Declared{Attrs: map[string]any{"to": l.To}}, err
		},
		Path: &Path{
			Type: 0o120000, // S_IFLNK
			Attrs: func(f Found) (map[string]any, string) {
				if !f.HasTarget {
					return nil, "the symbolic link cannot be read"
				}
				return map[string]any{"to": f.Target}, ""
			},
			Entry:    func(attrs mesh.Tree) string { return "symlink:" + text(attrs, "to") },
			Now:      `[ -L "$1" ] && N="symlink $(readlink -- "$1")"`,
			Expected: func(attrs mesh.Tree) string { return text(attrs, "to") },
			Describe: func(now string) string { return "a link to " + now },
			Functions: `ms_link() {
  ms_beside "${1%/*}" || return 1
  ms_try ln -s -- "$2" new && ms_old "../${1##*/}" "$3" || { rm -f -- new; return 1; }
  ms_place "${1##*/}"
}
`,
			Write: func(path string, attr func(string) string, c Content) string {
				return "ms_link " + path + " " + attr("to") + " '" + c.Old + "'"
			},
		},
	}
}
