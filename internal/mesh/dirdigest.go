package mesh

import (
	"maps"
	"slices"
	"strings"
)

// DirDigest identifies a directory's listing: name → the digest of a regular
// file's bytes, or "directory", or "symlink:TARGET", or "other". The sum is the
// same for equal listings, whatever their order.
func DirDigest(entries map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		b.WriteString(name)
		b.WriteByte(0)
		b.WriteString(entries[name])
		b.WriteByte(0)
	}
	return DigestBytes([]byte(b.String()))
}
