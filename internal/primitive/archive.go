package primitive

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// archive is a tar archive from a URL, with the digest of its bytes, unpacked in a
// directory. A marker tells which one it was; the unpacked files themselves are not looked at.
func archive() Primitive {
	return Primitive{
		Kind: "archive", Field: "archives", order: orderArchive, Keeps: true,
		Decode: func(declaration []byte) (Declared, error) {
			a, err := decoded[struct {
				URL    string `json:"url"`
				SHA256 string `json:"sha256"`
				To     string `json:"to"`
				Strip  int    `json:"strip"`
			}](declaration)
			return Declared{Attrs: map[string]any{"sha256": a.SHA256, "to": a.To, "url": a.URL, "strip": fmt.Sprint(a.Strip)}}, err
		},
		Named: &Named{
			Look: func(wanted []Wanted) string {
				var b strings.Builder
				for _, w := range wanted {
					fmt.Fprintf(&b, "ms_archive_now %s; printf '%%s\\n' \"$N\"\n", word(w.Name))
				}
				return archiveFunctions + b.String()
			},
			Read:      readArchives,
			Functions: archiveFunctions,
			Now:       func(name string) string { return "ms_archive_now " + name },
			Expected: func(a mesh.Tree) string {
				return "is " + text(a, "sha256") + " " + text(a, "strip") + " " + text(a, "to") + " " + text(a, "url")
			},
			Describe: func(now string) string { return "an unpacked archive that " + now },
			Beside:   func(a mesh.Tree) string { return text(a, "to") },
			Write: func(name string, a mesh.Tree) string {
				return "ms_archive " + name + words([]string{text(a, "sha256"), text(a, "strip"), text(a, "to"), text(a, "url")})
			},
		},
	}
}

// readArchives reads "absent", "unreadable", or "is SHA256 STRIP TO URL", for each name.
func readArchives(out string, names []string) []Seen {
	seen := readLines("marker")(out, names)
	for i, s := range seen {
		if s.Attrs == nil {
			continue
		}
		f := strings.Fields(fmt.Sprint(s.Attrs["marker"]))
		if len(f) != 4 {
			return nil
		}
		seen[i].Attrs = map[string]any{"sha256": f[0], "strip": f[1], "to": f[2], "url": f[3]}
	}
	return seen
}

// The marker is beside meshsync's records; a witness, which is empty, is in the directory:
// when that is removed and made anew, it is gone with what was unpacked.
//
// Who may write to the directory could turn what is below it elsewhere, and tar goes over
// links that are there. So it unpacks into a folder that only root can enter, and from there
// each thing is moved to its place, by a descriptor at the one end and a directory that was
// looked at on the other. A directory that is there keeps its owner and mode.
//
// A marker is a mesh's own. Those of before that were had by all, and are read where it has none.
const archiveFunctions = `ms_archive_now() {
  N=absent
  a=$R/var/lib/meshsync/.archives/$M.$1
  [ -e "$a" ] || a=${a%/*}/$1
  if [ -r "$a" ] && read -r m <"$a"; then
    d=${m#* } d=${d#* } d=${d% *}
    if [ -e "$R$d/.meshsync-$1" ]; then N="is $m"
    elif ms_hidden "$R$d/x"; then N=unreadable; fi
  elif [ -e "$a" ] || ms_hidden "$a"; then N=unreadable; fi
}
# ms_hidden PATH: whether something is there cannot be told, for a directory above it is closed.
ms_hidden() {
  p=${1%/*}
  while [ -n "$p" ] && [ ! -d "$p" ]; do p=${p%/*}; done
  [ ! -x "${p:-/}" ]
}
# ms_archive NAME SHA256 STRIP TO URL
ms_archive() {
  t=$B/staging/archive-$RUN a=$R/var/lib/meshsync/.archives
  if ms_fetch "$5" && ms_is "$2" && ms_unpack "$1" "$3" "$R$4"; then why=''; else why=$W; fi
  rm -f -- "$t"
  [ -z "$why" ] || { W=$why; return 1; }
  mkdir -p -- "$a" && printf '%s\n' "$2 $3 $4 $5" >"$a/.new.$M" && ms_sync "$a/.new.$M" && ms_try mv -f -- "$a/.new.$M" "$a/$M.$1" && ms_sync "$a" "${a%/*}" || { W='cannot note it down'; return 1; }
}
ms_fetch() {
  if [ "${1#file://}" != "$1" ]; then ms_try cp -- "$R${1#file://}" "$t"
  elif command -v curl >/dev/null 2>&1; then ms_try curl -fsSL --max-time 300 -o "$t" -- "$1"
  elif command -v wget >/dev/null 2>&1; then ms_try wget -q -T 60 -O "$t" -- "$1"
  else W='the host has neither curl nor wget to fetch it with'; false; fi || { W="cannot fetch it: $W"; return 1; }
}
ms_is() {
  W=$(sha256sum <"$t")
  [ "${W%% *}" = "$1" ] || { W="what came from there has another digest, ${W%% *}: nothing was unpacked"; return 1; }
}
# ms_unpack NAME STRIP DIR: what ends once things are moved leaves no archive, the old one neither.
ms_unpack() {
  ms_beside "$3" && ms_try mkdir -m 700 -- new && exec 8<new || return 1
  TO=$3
  if ms_try tar -x -f "$t" -C new --strip-components="$2" --no-same-owner && : >"new/.meshsync-$1" && ms_plain &&
    ms_flushed && rm -f -- "$a/$M.$1" "$a/$1" && ms_sync "${a%/*}" && ms_merge '' && ms_flushed; then why=''; else why=${W:-"cannot write into ${3#"$R"}"}; fi
  exec 8<&-
  ms_into "$3" && ms_swept
  ms_home
  [ -z "$why" ] || { W=$why; return 1; }
}
# ms_flushed: all of the file system that the shell is in is on the disk.
ms_flushed() { sync -f -- . 2>/dev/null || sync; }
# ms_plain: an archive brings files, directories and links. A program that runs as its owner
# would run as root, whoever packed it; a hard link may be to a file elsewhere.
ms_plain() {
  x=$(find new ! -type d ! -type l \( ! -type f -o -perm -4000 -o -perm -2000 \) -print)
  [ -z "$x" ] || { x=${x%%"$nl"*}; W="it holds ${x#new/}, which is a device or pipe, or runs with rights that are not its user's: nothing was unpacked"; return 1; }
  x=$(find new -type f -links +1 -exec stat -c '%i %h' -- {} + | awk '{ n[$1]++; h[$1] = $2 } END { for (i in n) if (n[i] < h[i]) print i }')
  [ -z "$x" ] || { W='it holds a hard link to a file that is not its own: nothing was unpacked'; return 1; }
}
# ms_merge BELOW: moves what is in BELOW of the unpacked into BELOW of the directory.
ms_merge() {
  ms_into "$TO$1" || return 1
  s=/proc/self/fd/8$1
  ms_try find "$s/" -mindepth 1 -maxdepth 1 ! -type d -exec mv -f -t . -- {} + || return 1
  for e in "$s"/* "$s"/.[!.]* "$s"/..?*; do
    if [ -d "$e" ] && [ ! -d "./${e##*/}" ]; then
      rm -f -- "./${e##*/}" && ms_try mv -f -T -- "$e" "./${e##*/}" || return 1
    fi
  done
  for e in "$s"/* "$s"/.[!.]* "$s"/..?*; do
    if [ -d "$e" ]; then ms_merge "$1/${e##*/}" || return 1; fi
  done
}
`
