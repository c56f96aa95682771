package host

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/remote"
)

// Sudoers are the lines for a mesh's two accounts: one that only reads, and one that
// applies. What the scripts print or take in is logged by neither.
func Sudoers(meshName, reader, writer string) string {
	var read, write []string
	for _, r := range Rights(meshName) {
		if r.Read {
			read = append(read, r.sudoers())
		}
		if r.Write {
			write = append(write, r.sudoers())
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# meshsync, mesh %s. Put it into /etc/sudoers.d/meshsync-%[1]s with mode 0440; look at it
# with visudo -cf first. The commands are listed to the letter, as meshsync runs them.

# The account that reads (ssh.sudo: "read"): state, names and digests of any file, no content, no write.
%[2]s

# The account that applies. It writes any file and restarts services: it is as good as root.
# Guard its key like root's.
%[3]s
`, meshName, sudoersLine(reader, read), sudoersLine(writer, write))
	return b.String()
}

func sudoersLine(account string, commands []string) string {
	return account + " ALL=(root) NOPASSWD: NOLOG_INPUT: NOLOG_OUTPUT: \\\n    " + strings.Join(commands, ", \\\n    ")
}

// sudoers is a command as sudoers lists it: without quotes, with single blanks, and with
// what would be read as sudoers' own or as a pattern escaped.
func (r Right) sudoers() string {
	var b strings.Builder
	for _, c := range remote.AsRun(r.Command) {
		if c == '\'' {
			continue
		}
		if strings.ContainsRune(`,:=\#*?[]`, c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
