package host

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// ofServices is shell code that puts into v which packages are installed, and in which version,
// of those that services read and no change names: one a line, and a line end before and behind.
// "" where no service reads one.
func (b *batch) ofServices() string {
	if b.last.Host == nil {
		return ""
	}
	var names []string
	for _, read := range sortedKeys(b.last.Host.Reads) {
		if name, ok := mesh.PackageRead(read); ok && !b.changesPackage(name) {
			names = append(names, quote(name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(`v="$nl$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' -- %s 2>/dev/null)$nl"`, strings.Join(names, " "))
}

// cameAlong is shell code around a transaction. What is behind it puts into X what is to be said when
// it brought such packages along: a restart that nobody planned is not made, and what runs now is
// older than what is there. What came since the host was looked at, by a batch before or by
// somebody else, is not its doing.
func (b *batch) cameAlong() (before, behind string) {
	look := b.ofServices()
	if look == "" {
		return "", "X=''\n"
	}
	return look + "; V=$v\n", "X=''; " + look + `
o=$IFS; IFS=$nl
for l in $v; do
  case $l in *" installed "*) case $V in *"$nl$l$nl"*) ;; *) X="$X ${l%% *}";; esac;; esac
done
IFS=$o
[ -z "$X" ] || X="another version of$X came along, which a service reads: plan again"
`
}

func (b *batch) changesPackage(name string) bool {
	for _, c := range b.work.Changes {
		if c.Addr.Kind == mesh.Package && c.Addr.Name == name && c.Action != diff.Release {
			return true
		}
	}
	return false
}
