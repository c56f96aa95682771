package hostd

import (
	"fmt"
	"os"
	"path/filepath"
)

// systemPath is where the machine's own tools are.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// controlVariable names the folder with the pipes by which a command's systemctl asks the sandbox.
const controlVariable = "MESHSYNC_SANDBOX_CONTROL"

// systemctlStub asks the sandbox through a pair of pipes. It starts no process of its own:
// what a script costs on a host is to be what it costs on a real one. A request is the
// number of arguments and one argument a line. In the reply, 1 begins a line of stdout,
// 2 one of stderr, and x the exit code, which is last.
const systemctlStub = `#!/bin/sh
# systemctl of a sandbox host: the sandbox runs the host's units and answers.
c=$` + controlVariable + `
if [ ! -p "$c/request" ]; then
	echo "System has not been booted with systemd as init system (PID 1). Can't operate." >&2
	echo "Failed to connect to bus: Host is down" >&2
	exit 1
fi
printf '%s\n' "$#" "$@" >"$c/request"
while IFS= read -r l; do
	case $l in
	1*) printf '%s\n' "${l#1}" ;;
	2*) printf '%s\n' "${l#2}" >&2 ;;
	x*) exit "${l#x}" ;;
	esac
done <"$c/reply"
exit 1
`

// sudoStub serves scripts that run as root already. The SSH server itself turns a command
// that begins with sudo into one of root: a script cannot become somebody else.
const sudoStub = `#!/bin/sh
# sudo of a sandbox host, for who is root already.
while :; do
	case $1 in
	-n | -H | -E) shift ;;
	--) shift; break ;;
	*) break ;;
	esac
done
if [ "${` + sudoVariable + `:-}" != root ]; then
	echo "sudo: a password is required" >&2
	exit 1
fi
exec "$@"
`

// sudoVariable says to the sudo stub whom a command counts as.
const sudoVariable = "MESHSYNC_SANDBOX_USER"

// writeStubs fills the folder that comes first in a host's PATH.
func writeStubs(dir string, mode Mode) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	stubs := map[string]string{"systemctl": systemctlStub, "sudo": sudoStub}
	if mode == ModePlain {
		for name, text := range plainStubs() {
			stubs[name] = text
		}
	}
	for name, text := range stubs {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			return fmt.Errorf("write the stub of %s: %w", name, err)
		}
		if err := os.Chmod(file, 0o755); err != nil { // whatever the umask
			return fmt.Errorf("write the stub of %s: %w", name, err)
		}
	}
	return nil
}
