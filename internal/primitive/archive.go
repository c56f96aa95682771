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
			Write: func(name string, a mesh.Tree) string {
				return "ms_archive " + name + words([]string{text(a, "sha256"), text(a, "strip"), text(a, "to"), text(a, "url")})
			},
		},
	}
}

// readArchives reads "absent", or "is SHA256 STRIP TO URL", for each name.
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
const archiveFunctions = `ms_archive_now() {
  N=absent
  a=$R/var/lib/meshsync/.archives/$1
  if [ -r "$a" ] && read -r m <"$a"; then
    d=${m#* } d=${d#* } d=${d% *}
    [ ! -e "$R$d/.meshsync-$1" ] || N="is $m"
  fi
}
# ms_archive NAME SHA256 STRIP TO URL
ms_archive() {
  t=$B/staging/archive-$RUN
  if [ "${5#file://}" != "$5" ]; then ms_try cp -- "$R${5#file://}" "$t"
  elif command -v curl >/dev/null 2>&1; then ms_try curl -fsSL --max-time 300 -o "$t" -- "$5"
  elif command -v wget >/dev/null 2>&1; then ms_try wget -q -T 60 -O "$t" -- "$5"
  else W='the host has neither curl nor wget to fetch it with'; false; fi || { rm -f -- "$t"; W="cannot fetch it: $W"; return 1; }
  W=$(sha256sum <"$t")
  if [ "${W%% *}" != "$2" ]; then rm -f -- "$t"; W="what came from there has another digest, ${W%% *}: nothing was unpacked"; return 1; fi
  ms_safe "$R$4/." || { rm -f -- "$t"; return 1; }
  # what ends amid the unpacking leaves no archive, the old one neither
  rm -f -- "$R/var/lib/meshsync/.archives/$1"
  ms_try tar -x -f "$t" -C "$R$4" --strip-components="$3" --no-same-owner || { rm -f -- "$t"; return 1; }
  rm -f -- "$t"
  [ ! -L "$R$4/.meshsync-$1" ] && : >"$R$4/.meshsync-$1" || { W="cannot write into $4"; return 1; }
  mkdir -p -- "$R/var/lib/meshsync/.archives" && printf '%s\n' "$2 $3 $4 $5" >"$R/var/lib/meshsync/.archives/.new" || { W='cannot note it down'; return 1; }
  ms_sync "$R/var/lib/meshsync/.archives/.new"
  ms_try mv -f -- "$R/var/lib/meshsync/.archives/.new" "$R/var/lib/meshsync/.archives/$1"
}
`
