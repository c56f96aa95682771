package hostd

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// hostVariable names the folder with the ports that stand for a host's, for the stubs of a
// machine without namespaces.
const hostVariable = "MESHSYNC_SANDBOX_HOST"

// ownersVariable names the folder with the owners of a host's files: a file INODE-BIRTH
// with user and group for each file whose owner was set.
const ownersVariable = "MESHSYNC_SANDBOX_OWNERS"

// plainStubs are the further stand-ins of a machine without namespaces, by their names.
// REAL in them is the path of the real program.
func plainStubs() map[string]string {
	all := map[string]string{"chown": chownStub, "stat": statStub, "curl": curlStub, "perl": perlStub, "bash": bashStub}
	out := map[string]string{}
	for name, text := range all {
		if program := systemProgram(name); program != "" {
			text = strings.ReplaceAll(text, "REAL", program)
			out[name] = strings.ReplaceAll(text, "STAT", systemProgram("stat"))
		}
	}
	return out
}

// systemProgram finds one of the machine's own programs; "" when it has none of that name.
func systemProgram(name string) string {
	for _, dir := range filepath.SplitList(systemPath) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return file
		}
	}
	return ""
}

// chownStub notes an owner. A name that the host's passwd lacks is an error, as for the real one.
const chownStub = `#!/bin/sh
# chown of a sandbox host without namespaces: owners are kept beside the files.
[ "$1" = -h ] && shift
o=$1
shift
[ "$1" = -- ] && shift
u=${o%%:*} g=
case $o in *:*) g=${o#*:} ;; esac
known() {
	case $2 in '' | *[!0-9]*) ;; *) return 0 ;; esac
	while IFS=: read -r n _; do [ "$n" = "$2" ] && return 0; done <"$MESHSYNC_ROOT/etc/$1"
	return 1
}
[ -z "$u" ] || known passwd "$u" || { echo "chown: invalid user: '$o'" >&2; exit 1; }
[ -z "$g" ] || known group "$g" || { echo "chown: invalid group: '$o'" >&2; exit 1; }
for p do
	k=$(STAT -c '%i-%W' -- "$p") || exit 1
	f=$` + ownersVariable + `/$k a=root b=root
	[ -r "$f" ] && read -r a b <"$f"
	echo "${u:-$a} ${g:-$b}" >"$f" || exit 1
done
`

// statStub asks the real stat for the file's identity where a name is wanted, and puts the
// noted name there.
const statStub = `#!/bin/sh
# stat of a sandbox host without namespaces: owners are kept beside the files.
f=
[ "$1" = -c ] && f=$2
case $f in
*%[UG]*) ;;
*) exec REAL "$@" ;;
esac
shift 2
g=
while :; do
	case $f in
	*%[UG]*) ;;
	*) break ;;
	esac
	h=${f%%%[UG]*}
	f=${f#"$h"%}
	g="$g$h` + mark + `${f%"${f#?}"}%i-%W` + mark + `"
	f=${f#?}
done
out=$(REAL -c "$g$f" "$@")
code=$?
IFS='
'
set -f
for l in $out; do
	while :; do
		case $l in
		*` + mark + `*) ;;
		*) break ;;
		esac
		h=${l%%` + mark + `*}
		l=${l#"$h` + mark + `"}
		k=${l%%` + mark + `*}
		l=${l#"$k` + mark + `"}
		u=root w=root
		IFS=' '
		[ -r "$` + ownersVariable + `/${k#?}" ] && read -r u w <"$` + ownersVariable + `/${k#?}"
		case $k in G*) u=$w ;; esac
		l=$h$u$l
	done
	printf '%s\n' "$l"
done
exit "$code"
`

// mark stands around what is to be replaced: no name of a file has it.
const mark = "\x01"

// The stubs of the network's tools send probes of the host's 127.0.0.1 to the ports that
// stand for the host's. A port on which nothing of the host listens is refused, whoever
// listens there on the machine.
const curlStub = `#!/bin/sh
# curl of a sandbox host without namespaces.
n=$#
while [ "$n" -gt 0 ]; do
	a=$1 n=$((n - 1))
	shift
	case $a in
	http://127.0.0.1:* | http://localhost:* | telnet://127.0.0.1:*)
		t=${a#*://*:}
		p=${t%%[!0-9]*}
		q=
		[ -r "$` + hostVariable + `/port-$p" ] && read -r q <"$` + hostVariable + `/port-$p"
		[ -n "$q" ] || exit 7
		a=${a%%://*}://127.0.0.1:$q${t#"$p"}
		;;
	esac
	set -- "$@" "$a"
done
exec REAL "$@"
`

const perlStub = `#!/bin/sh
# perl of a sandbox host without namespaces. It changes where connect leads, in modules, too:
# what follows -M is code that perl runs before it loads anything else.
exec REAL '-Mvars; BEGIN { *CORE::GLOBAL::connect = sub (*$) {
	my ($s, $to) = @_;
	my ($family, $port, $host) = unpack "S n a4", $to;
	if ($family == 2 && $host eq "\x7f\0\0\1") {
		my $real;
		if (open my $f, "<", "$ENV{` + hostVariable + `}/port-$port") { chomp($real = <$f>) }
		if (!$real) { $! = 111; return 0 }
		$to = pack "S n a4 x8", $family, $real, $host;
	}
	CORE::connect($s, $to);
} }' "$@"
`

const bashStub = `#!/bin/bash
# bash of a sandbox host without namespaces. It changes every /dev/tcp/127.0.0.1/$N.
port_of() {
	local q=0 # nothing listens there
	[[ -r $` + hostVariable + `/port-$1 ]] && read -r q <"$` + hostVariable + `/port-$1"
	echo "$q"
}
export -f port_of
if [[ $1 == -c ]]; then
	script=$2
	for n in 1 2 3 4 5 6 7 8 9; do
		script=${script//"/dev/tcp/127.0.0.1/\$$n"/"/dev/tcp/127.0.0.1/\$(port_of \"\$$n\")"}
	done
	exec REAL -c "$script" "${@:3}"
fi
exec REAL "$@"
`

// noteOwner notes the owner of a file that the sandbox itself made.
func (h *Host) noteOwner(name, owner string) error {
	id, err := identity(name)
	if err != nil {
		return err
	}
	note := filepath.Join(h.owners, id)
	if err := os.WriteFile(note, []byte(owner+" "+owner+"\n"), 0o644); err != nil {
		return err
	}
	return h.handOver(note) // chown's stub changes it as the user who runs the commands
}

// plainOwners gives the host's root to the user who runs its commands, and makes the place
// where owners are noted.
func (h *Host) plainOwners() error {
	if err := os.MkdirAll(h.owners, 0o755); err != nil {
		return err
	}
	if !isRoot() {
		return nil
	}
	give := func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	}
	if err := filepath.WalkDir(h.root, give); err != nil {
		return err
	}
	return give(h.owners, nil, nil)
}
