package hostd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// systemPath is where the machine's own tools are.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// controlVariable names the folder with the pipes by which a command's stubs ask the sandbox.
const controlVariable = "MESHSYNC_SANDBOX_CONTROL"

// askStub asks the sandbox through a pair of pipes. It starts no process of its own: what a
// script costs on a host is to be what it costs on a real one. It waits for its turn, which
// is a line in a third pipe, since a pipeline may hold two stubs. A request is the number of
// lines that follow, the stub's pid, its name, and one argument a line. A reply begins with
// b and the pid; then 1 begins a line of stdout, 0 the last one when it has no line end, 2
// a line of stderr, and x the exit code, which is last. What comes before its own b is the
// answer to a stub that was killed.
//
// NAME is the program's name, OUTSIDE what it does where no sandbox answers, INPUT what
// puts its standard input into its arguments.
const askStub = `#!/bin/sh
# NAME of a sandbox host: the sandbox answers in its place.
c=$` + controlVariable + `
nl='
'
if [ ! -p "$c/request" ]; then
	OUTSIDE
	exit 1
fi
INPUT
case $* in
*"$nl"*)
	echo "NAME: the sandbox takes no argument with a line end" >&2
	exit 1
	;;
esac
turn=''
back() {
	[ -z "$turn" ] || printf '\n' >"$c/turn"
	turn=''
}
trap 'back; exit 143' TERM
trap 'back; exit 130' INT
trap 'back; exit 129' HUP
read -r turn <"$c/turn"
turn=1
printf '%s\n' "$(($# + 2))" "$$" NAME "$@" >"$c/request"
o='' e='' mine=''
while IFS= read -r l; do
	case $mine$l in
	"b$$") mine=m ;;
	m1*) o=$o${l#1}$nl ;;
	m0*) o=$o${l#0} ;;
	m2*) e=$e${l#2}$nl ;;
	mx*) break ;;
	esac
done <"$c/reply"
back
[ -z "$o" ] || printf '%s' "$o"
[ -z "$e" ] || printf '%s' "$e" >&2
exit "${l#x}"
`

// What systemctl says where no systemd runs.
const noSystemd = `echo "System has not been booted with systemd as init system (PID 1). Can't operate." >&2
	echo "Failed to connect to bus: Host is down" >&2`

// linesOfInput hands the lines of standard input, or of the files that are named, to the sandbox.
const linesOfInput = `f=''
for a do
	shift
	case $a in
	-*) set -- "$@" "$a" ;;
	*) f="$f$a$nl" ;;
	esac
done
set -- "$@" --lines
if [ -n "$f" ]; then
	while IFS= read -r a; do
		[ -n "$a" ] || continue
		[ -r "$a" ] || { echo "NAME: cannot open $a: No such file or directory" >&2; exit 2; }
		while IFS= read -r l || [ -n "$l" ]; do set -- "$@" "$l"; done <"$a"
	done <<EOF
$f
EOF
else
	while IFS= read -r l || [ -n "$l" ]; do set -- "$@" "$l"; done
fi`

// linesOfSelections does the same for dpkg where it reads what is selected.
const linesOfSelections = `case " $* " in
*' --set-selections '*) while IFS= read -r l || [ -n "$l" ]; do set -- "$@" "$l"; done ;;
esac`

// otherDatabases leaves the databases that a sandbox's host has not to the machine's getent.
const otherDatabases = `case ${1-} in
passwd | group | shadow | hosts | ahosts | ahostsv4 | '' | -*) ;;
*) [ ! -x REAL ] || exec REAL "$@" ;;
esac`

// askingStub is the stub of one program.
func askingStub(name string) string {
	outside := `echo "NAME: the sandbox of this host has ended" >&2`
	input := ":"
	switch name {
	case "systemctl":
		outside = noSystemd
	case "debconf-set-selections":
		input = linesOfInput
	case "dpkg":
		input = linesOfSelections
	case "getent":
		program := systemProgram(name)
		if program == "" {
			program = "/usr/bin/getent"
		}
		input = strings.ReplaceAll(otherDatabases, "REAL", program)
	}
	return strings.NewReplacer("OUTSIDE", strings.ReplaceAll(outside, "NAME", name), "INPUT", strings.ReplaceAll(input, "NAME", name), "NAME", name).Replace(askStub)
}

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

// allStubs are the programs that stand in a host's PATH before the machine's, by name.
func allStubs(mode Mode) map[string]string {
	stubs := map[string]string{"sudo": sudoStub}
	for name := range tools() {
		stubs[name] = askingStub(name)
	}
	if mode == ModePlain {
		for name, text := range plainStubs() {
			stubs[name] = text
		}
	}
	return stubs
}

// writeStubs fills the folder that comes first in a host's PATH.
func writeStubs(dir string, mode Mode) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range allStubs(mode) {
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
