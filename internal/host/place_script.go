package host

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/primitive"
)

// tempPart tells whether what is called .meshsync-MESH.RUN is the folder in which a batch prepares what
// it then moves into place, in the directory of what is written, because a rename works within one
// disk only: a directory of root's, or of who looks. What others put there is listed as what it is.
const tempPart = `ms_temp() { [ -d "$1" ] && [ ! -L "$1" ] && { [ -O "$1" ] || [ ! -O / ]; }; }
`

// placePart is how things get to their paths and away from there. A user may own a
// directory on the way and turn it elsewhere at any moment, so that a path that was checked
// may be another one when it is used. Therefore the shell goes to a directory first, looks
// where it came to, and from there on uses names that no other user can turn. What is
// written is prepared in a folder of root's own, out of which it is renamed.
//
// Each function returns 1 with the reason in W when it fails. N is what ms_now said.
const placePart = `# ms_into DIR [make]: goes there, over no link that another user could turn.
ms_into() {
  ms_out
  cur='' rest=${1#/} hops=0
  while [ -n "$rest" ]; do
    c=${rest%%/*}
    case $rest in */*) rest=${rest#*/};; *) rest='';; esac
    case $c in
    ''|.) continue;;
    ..) cur=${cur%/*}; continue;;
    esac
    if [ -L "$cur/$c" ]; then
      hops=$((hops+1))
      o=$(stat -c %u -- "$cur/$c")
      if [ "$o" != 0 ] && [ "$o" != "$(id -u)" ]; then W="$cur/$c is a symbolic link that another user owns"; return 1; fi
      [ "$hops" -le 40 ] || { W="$1 leads over too many symbolic links"; return 1; }
      o=$(readlink -- "$cur/$c")
      case $o in /*) cur='';; esac
      rest=$o/$rest
      continue
    fi
    cur=$cur/$c
    if [ -n "${2-}" ] && [ ! -d "$cur" ]; then ms_cd "${cur%/*}" && ms_try mkdir -- "./$c" && ms_sync . || return 1; fi
  done
  [ -d "${cur:-/}" ] || { W="its directory ${1#"$R"} does not exist: declare it"; return 1; }
  ms_cd "$cur"
}
# ms_cd DIR: DIR has no link in it, and if it has one now, it is not what it was.
ms_cd() {
  cd -P -- "${1:-/}" 2>/dev/null || { W="cannot enter $1"; return 1; }
  [ "$PWD" = "${1:-/}" ] || { W="$1 was turned to $PWD meanwhile"; ms_home; return 1; }
}
ms_home() { cd -- "$HOME_DIR" 2>/dev/null || cd /; }
# ms_beside DIR: into the folder in DIR that only root writes to; ms_out leaves it.
ms_beside() {
  if [ "$AT" = "$1" ] && cd -P . && [ "$PWD" = "$BESIDE" ]; then return 0; fi
  ms_into "$1" || return 1
  ms_swept
  BESIDE=${PWD%/}/$TEMP
  ms_try mkdir -m 755 -- "./$TEMP" || { W="cannot write into ${1#"$R"}: ${W##*: }"; return 1; }
  cd -P -- "./$TEMP" && [ "$PWD" = "$BESIDE" ] && [ -O . ] || { W="somebody else writes into ${1#"$R"} at the same time"; ms_home; return 1; }
  AT=$1
}
ms_out() {
  if [ -n "$AT" ] && cd -P ..; then rmdir -- "./$TEMP" 2>/dev/null; fi
  AT=''
  ms_home
}
# ms_swept: removes what killed batches left where the shell is. It follows no link, and
# empties no folder that another user made.
ms_swept() {
  for e in "./.meshsync-$M."*; do
    if [ -d "$e" ] && [ ! -L "$e" ]; then
      x=$PWD
      if cd -P -- "$e" && [ "$PWD" = "${x%/}/${e#./}" ]; then
        if [ ! -d new ] || [ -L new ]; then rm -f -- new
        elif [ -O . ] && [ -O new ]; then rm -rf --one-file-system -- new
        else rmdir -- new; fi
        cd -P .. && rmdir -- "$e" 2>/dev/null
      fi
      [ "$PWD" = "$x" ] || cd -P -- "$x" || return 0
    fi
  done
}
# ms_place NAME: what is prepared as "new" into the directory above, by one rename.
ms_place() {
  if [ -d "../$1" ] && [ ! -L "../$1" ]; then
    case $N in
    directory*) ms_emptied "../$1" || { rm -f -- new; return 1; };;
    *) W="a directory is in its place"; rm -f -- new; return 1;;
    esac
  fi
  ms_try mv -f -T -- new "../$1" || { rm -f -- new; return 1; }
  ms_sync ..
}
ms_emptied() {
  ms_try rmdir -- "$1" && return 0
  case $W in *'not empty'*) W="the directory there is not empty: meshsync does not remove what it does not know; empty it by hand";; esac
  return 1
}
# ms_old FROM KEY [NEW]: keeps the content of a regular file that is about to go, the third from
# last at most, and brings it to the disk together with what takes its place. No KEY: it is not to
# be kept. Z is its size, as ms_now saw it.
ms_old() {
  case $N in 'file '*) [ -n "$2" ] && [ "$Z" -le 1048576 ];; *) false;; esac || { [ -z "${3-}" ] || ms_sync "$3"; return; }
  i=0
  for g in "$B/old/$2".*; do
    g=${g##*.}
    case $g in ''|*[!0-9]*) ;; *) [ "$g" -le "$i" ] || i=$g;; esac
  done
  slow=''
  [ -O .. ] && [ ! -k .. ] || slow=$limit
  # shellcheck disable=SC2086 # a command and its argument
  if { [ -d "$B/old" ] || ms_try mkdir -m 700 -- "$B/old"; } && W=$(umask 077; $slow cp -P -- "$1" "$B/old/.new" 2>&1) &&
    ms_try mv -f -T -- "$B/old/.new" "$B/old/$2.$((i+1))" && ms_sync ${3:+"$3"} "$B/old/$2.$((i+1))" "$B/old" "$B"; then
    [ "$i" -lt 3 ] || rm -f -- "$B/old/$2.$((i-2))"
    return 0
  fi
  rm -f -- "$B/old/.new"
  W="its old content cannot be kept below $B/old, so it stays: ${W##*: }"
  return 1
}
ms_gone_all() {
  ms_into "${1%/*}" || return 1
  if ! ms_try rm -rf --one-file-system -- "./${1##*/}"; then
    case $W in *' option'*one-file-system*) W="the host's rm cannot stay on one file system: install coreutils, or delete it by hand";; esac
    return 1
  fi
  ms_sync .
}
# ms_gone PATH KEY
ms_gone() {
  ms_into "${1%/*}" || return 1
  if [ -d "./${1##*/}" ] && [ ! -L "./${1##*/}" ]; then ms_emptied "./${1##*/}" || return 1
  else ms_old "./${1##*/}" "$2" && ms_try rm -f -- "./${1##*/}" || return 1; fi
  ms_sync .
}
`

// sweep removes what a killed batch of this mesh left on the host, wherever that was, and
// notes down where this one may leave something. Under the lock nobody else is at work; with
// a lease nobody else is to come either, so that payloads of others are of ended runs.
func (b *batch) sweep() string {
	var dirs []string
	for _, c := range b.work.Changes {
		switch p, _ := primitive.Of(c.Addr.Kind); {
		case p.Path != nil:
			dirs = append(dirs, quote(path.Dir(c.Addr.Name)))
		case p.Named != nil && p.Named.Beside != nil:
			attrs := c.After
			if attrs == nil {
				attrs = c.Before
			}
			dirs = append(dirs, quote(p.Named.Beside(attrs)))
		}
	}
	slices.Sort(dirs)
	note := "printf '%s\\n' " + strings.Join(slices.Compact(dirs), " ") + " >\"$B/unfinished\" && NOTED=$B/unfinished"
	if len(dirs) == 0 {
		note = ":"
	}
	others := ""
	if b.lease.Run != "" {
		others = `for e in "$B/staging"/*; do [ ! -f "$e" ] || [ "$e" = "$B/staging/$RUN" ] || rm -f -- "$e"; done
`
	}
	return fmt.Sprintf(`if [ -s "$B/unfinished" ]; then
  rm -f -- "$B/old/.new" "$B/.record" "$B/.record.static"
  while IFS= read -r d; do
    if ms_into "$R$d"; then ms_swept; fi
  done <"$B/unfinished"
  ms_home
fi
%s || { printf '%%s broken %%s\n' "$T" 'cannot note down what is begun: is the disk full or read-only?'; return 1; }
%s`, note, others)
}
