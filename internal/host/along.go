package host

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// cameAlong is shell code that puts into X what is to be said when a transaction brought
// packages along that services read and no change names: a restart that nobody planned is not
// made, and what runs now is older than what is there. "" where no service reads one.
func (b *batch) cameAlong() string {
	if b.last.Host == nil {
		return ""
	}
	var names []string
	var cases strings.Builder
	for _, read := range sortedKeys(b.last.Host.Reads) {
		name, ok := mesh.PackageRead(read)
		if !ok || b.changesPackage(name) {
			continue
		}
		names = append(names, quote(name))
		digest := b.last.Host.Reads[read].Digest
		if version, there := strings.CutPrefix(digest, mesh.VersionDigest("")); there && digest != mesh.AbsentDigest {
			fmt.Fprintf(&cases, "case $v in *\"$nl\"%s\"$nl\"*) ;; *) X=\"$X \"%s;; esac\n", quote(name+" installed "+version), quote(name))
		} else {
			fmt.Fprintf(&cases, "case $v in *\"$nl\"%s*) X=\"$X \"%s;; esac\n", quote(name+" installed "), quote(name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(`v="$nl$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' -- %s 2>/dev/null)$nl"
%s[ -z "$X" ] || X="another version of$X came along, which a service reads: plan again"
`, strings.Join(names, " "), cases.String())
}

func (b *batch) changesPackage(name string) bool {
	for _, c := range b.work.Changes {
		if c.Addr.Kind == mesh.Package && c.Addr.Name == name && c.Action != diff.Release {
			return true
		}
	}
	return false
}
