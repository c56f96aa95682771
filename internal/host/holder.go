package host

import (
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// holderPart prints the lines of the lease's file, see leaseFunctions, with builtins only.
func holderPart(meshName string) string {
	return `printf '%s lease\n' "$T"
l=` + rooted(stateDir(meshName)) + `/lease
if [ -f "$l" ] && [ -r "$l" ]; then
  {
    for _ in 1 2 3 4 5 6; do
      x=''
      IFS= read -r x || [ -n "$x" ] || break
      printf '%s\n' "$x"
    done
  } <"$l"
fi
printf '%s leaseend\n' "$T"
`
}

// holderOf reads what holderPart printed, as leaseFunctions do: nil when nobody holds the lease. now is what the host's
// clock said, in Unix nanoseconds; where that is not known, nobody can tell when the lease ends.
func holderOf(t mesh.Target, said string, now int64) *mesh.Held {
	lines := append(strings.Split(said, "\n"), make([]string, 6)...)
	until, err1 := strconv.ParseInt(lines[1], 10, 64)
	lasts, err2 := strconv.ParseInt(lines[2], 10, 64)
	longest := int64(mesh.LeaseTime / time.Second)
	if lines[0] == "" || err1 != nil || err2 != nil || lasts > longest {
		return nil
	}
	held := &mesh.Held{Target: t, By: mesh.Lease{Run: clean(lines[0]), Who: clean(lines[3]), Job: clean(lines[4]), Process: clean(lines[5])}}
	if now == 0 {
		return held
	}
	left := until - now/1e9
	if left <= 0 || left > lasts {
		return nil
	}
	held.Left = time.Duration(left) * time.Second
	return held
}
