package host

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// What a directory hands on to new files, it hands on whatever the way of their content.
func TestALargeFileInheritsAsASmallOneDoes(t *testing.T) {
	t.Parallel()
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shell...)
			b.put("/d/x", "")
			var acl []byte // user::rwx user:65534:r-- group::r-x mask::rwx other::r-x
			for _, e := range [][3]uint32{{1, 7, 1<<32 - 1}, {2, 4, 65534}, {4, 5, 1<<32 - 1}, {16, 7, 1<<32 - 1}, {32, 5, 1<<32 - 1}} {
				acl = binary.LittleEndian.AppendUint32(acl, e[1]<<16|e[0])
				acl = binary.LittleEndian.AppendUint32(acl, e[2])
			}
			if err := syscall.Setxattr(b.path("/d"), "system.posix_acl_default", append([]byte{2, 0, 0, 0}, acl...), 0); err != nil {
				t.Skip("no access control lists here: " + err.Error())
			}
			for _, size := range []int{1, maxInline + 1, largePart + 1} {
				works(t, b, []mesh.Resource{file("/d/f", strings.Repeat("x", size))})
				if n, err := syscall.Getxattr(b.path("/d/f"), "system.posix_acl_access", nil); err != nil || n == 0 {
					t.Errorf("%d bytes: it has none: %v", size, err)
				}
			}
			if left := b.left(); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
		})
	}
}
