// Package primitive knows the kinds of things that a host holds, one file each: how a
// repository declares one, how one looks on a host, and the shell commands that bring it
// there. A new kind is a file here with a line in All, and a definition in schema/mesh.
//
// The shell parts are POSIX sh and call what package host puts around them: ms_safe PATH,
// ms_move FROM TO, ms_slice OFFSET SIZE DIGEST TO, ms_sync PATH and ms_try COMMAND each
// return 1 with the reason in W; $RUN is the run's id.
package primitive

import (
	"encoding/json"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Primitive is one kind of resource on a host.
type Primitive struct {
	Kind  mesh.Kind
	Field string // of the contract's #Resources: name → declaration
	// Decode reads one declaration, which the contract has accepted.
	Decode func(declaration []byte) (Declared, error)
	// Path is set for what lies at a path, else Look and Read are.
	Path *Path
	// Look is the shell code that prints how the named ones are; Read makes of its
	// output one Seen for each name, in order, or nil when the output is not whole.
	Look func(names []string) string
	Read func(out string, names []string) []Seen
}

// Declared is a desired resource without its address. Attrs are what is compared.
type Declared struct {
	Attrs   map[string]any
	Text    *string
	Purge   bool
	Service *mesh.ServiceSpec
}

// Seen is how one thing was found. Unknown says why that cannot be told; else no Attrs
// mean that it is not there.
type Seen struct {
	Attrs      map[string]any
	Unknown    string
	PID        int    // of the process that it runs; 0 for none
	StartTicks uint64 // of that process, since boot; 0 when it has gone
}

// Path is what a primitive that lies at a path has beyond the others.
type Path struct {
	Type uint64 // the bits of stat(2)'s st_mode that say so
	// Attrs are the attributes of what was found. A reason says why there are none.
	Attrs func(Found) (attrs map[string]any, reason string)
	// Entry stands for it in the listing of its directory, see mesh.DirDigest.
	Entry func(attrs mesh.Tree) string
	// Now is a shell command list that ends well where $1 is one of its kind and then
	// sets N to Word, a blank, and what Expected makes of the same attributes. It must
	// fail for a symbolic link unless it means one.
	Now string
	// Expected is what Now puts behind the kind; Describe is the same in words.
	Expected func(attrs mesh.Tree) string
	Describe func(expected string) string
	// Functions are the shell functions that Write calls; "" for none.
	Functions string
	// Write is the shell command that puts it to a path, which is a shell word. attr
	// gives an attribute as a shell word.
	Write func(path string, attr func(key string) string, c Content) string
}

// Found is what lies at a path.
type Found struct {
	Mode         string // "0644"
	Owner, Group string
	Digest       string // of a regular file's content, "sha256:HEX"; "" when it cannot be read
	Target       string // of a symbolic link
	HasTarget    bool
}

// Content is where a file's content is in the payload. Digest is the hex digits only.
type Content struct {
	Offset, Size int
	Digest       string
}

// All returns the primitives. Their order means nothing.
func All() []Primitive { return []Primitive{directory(), file(), symlink(), service()} }

// Of returns the primitive of a kind; ok is false for what is none, such as an app.
func Of(k mesh.Kind) (p Primitive, ok bool) {
	all := All()
	i := slices.IndexFunc(all, func(p Primitive) bool { return p.Kind == k })
	if i < 0 {
		return Primitive{}, false
	}
	return all[i], true
}

// At returns the primitive that lies at a path whose st_mode is given.
func At(mode uint64) (p Primitive, ok bool) {
	const typeBits = 0o170000 // S_IFMT
	for _, p := range All() {
		if p.Path != nil && p.Path.Type == mode&typeBits {
			return p, true
		}
	}
	return Primitive{}, false
}

// decoded decodes the declaration into v, for the Decode of each kind.
func decoded[T any](declaration []byte) (v T, err error) {
	err = json.Unmarshal(declaration, &v)
	return v, err
}

// ownership is what files and directories have in common.
type ownership struct {
	Mode  string `json:"mode"`
	Owner string `json:"owner"`
	Group string `json:"group"`
}

func (o ownership) attrs() map[string]any {
	return map[string]any{"mode": o.Mode, "owner": o.Owner, "group": o.Group}
}
