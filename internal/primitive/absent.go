package primitive

import "meshsync.dev/meshsync/internal/mesh"

// absent is a path at which nothing may be. What is there is deleted, as a change of its
// own kind; a directory must be empty, unless it is to go with all that is in it.
func absent() Primitive {
	return Primitive{
		Kind: "absent", Field: "absent", order: orderPath, Keeps: true,
		Decode: func(declaration []byte) (Declared, error) {
			a, err := decoded[struct {
				Recursive bool `json:"recursive"`
			}](declaration)
			return Declared{Attrs: map[string]any{}, Gone: true, Recursive: a.Recursive}, err
		},
		Path: &Path{
			Attrs:    func(Found) (map[string]any, string) { return map[string]any{}, "" },
			Entry:    func(mesh.Tree) string { return "" },
			Expected: func(mesh.Tree) string { return "" },
			Describe: func(string) string { return "nothing" },
			Write:    func(string, func(string) string, Content) string { return "true" },
		},
	}
}
