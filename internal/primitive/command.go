package primitive

import "meshsync.dev/meshsync/internal/mesh"

// command is the last resort for what no other kind can say: a command, and a test that
// passes once it has done its work. Both run at apply only, since a plan runs nobody's
// code: until then the record is all that tells whether it was done.
func command() Primitive {
	return Primitive{
		Kind: "command", Field: "commands", order: orderCommand, Keeps: true,
		Decode: func(declaration []byte) (Declared, error) {
			c, err := decoded[struct {
				Test string `json:"test"`
				Run  string `json:"run"`
			}](declaration)
			return Declared{Attrs: map[string]any{"test": c.Test, "run": c.Run}}, err
		},
		Recorded: &Recorded{
			Functions: `# ms_command TEST RUN
ms_command() {
  if ms_run /bin/sh -c -- "$1"; then return 0; fi
  ms_run /bin/sh -c -- "$2" || { W="it failed: ${W##*"$nl"}"; return 1; }
  ms_run /bin/sh -c -- "$1" || { W="it ended well, and its test still fails"; return 1; }
}
`,
			Write: func(after mesh.Tree) string {
				return "ms_command " + word(text(after, "test")) + " " + word(text(after, "run"))
			},
		},
	}
}
