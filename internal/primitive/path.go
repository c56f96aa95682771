package primitive

import "meshsync.dev/meshsync/internal/mesh"

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

// Content is where a file's content is in the payload.
type Content struct {
	Offset, Size int
	Validate     string // see mesh.Resource
	// Old is under which name the content that it replaces is kept, see ms_old; "" for none.
	Old string
	// Confidential says that the file is a secret, or that not everybody may read it: what its
	// check says may quote it and is not shown.
	Confidential bool
}
