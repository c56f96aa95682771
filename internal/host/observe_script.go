package host

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/primitive"
)

// pathsPerProcess is how many paths one stat or sha256sum gets: the kernel bounds the
// length of a command line to about 2 MiB, and a shell copies a list for each word that it adds.
const pathsPerProcess = 1000

// observeScript is the script that looks at a host: POSIX sh, nothing installed. It is
// one function that its last line calls with no input, in braces: a script that is cut anywhere
// on its way runs nothing, and no child can eat what follows. Every line of its own begins with
// the token; paths are data in single quotes. A thousand files need no more processes than
// one: lists are built with builtins and handed over at once.
func observeScript(q query, token string) string {
	var b strings.Builder
	record := "''"
	b.WriteString("ms_observe() {\nT=" + quote(token) + " M=" + quote(q.mesh) + "\n" + observePrelude + statPart)
	if !q.probeOnly {
		b.WriteString(factsPart + secretPart + slowPart + listsPart + tempPart + readPart(q))
		writePaths(&b, q)
		writeTrees(&b, q)
		writeNamed(&b, q)
		if q.lease {
			b.WriteString(holderPart(q.mesh))
		}
		record = rooted(recordPath(q.mesh))
		fmt.Fprintf(&b, "if { [ -e %[1]s ] && [ ! -r %[1]s ]; } || { [ -d %[2]s ] && [ ! -x %[2]s ]; } || { [ -d %[3]s ] && [ ! -x %[3]s ]; }; then printf '%%s norecord\\n' \"$T\"; elif [ -e %[1]s ] && [ ! -f %[1]s ]; then printf '%%s oddrecord\\n' \"$T\"; fi\n",
			record, rooted(stateDir(q.mesh)), rooted(path.Dir(stateDir(q.mesh))))
	}
	writeProbes(&b, record, q.checks, q.lives)
	if !q.probeOnly {
		b.WriteString(contentsPart)
	}
	b.WriteString("printf '\\n%s end\\n' \"$T\"\n}\n{ ms_observe </dev/null; }\n")
	return b.String()
}

// observePrelude is also the head of the change script.
const observePrelude = `R=${MESHSYNC_ROOT-}
LC_ALL=C QUOTING_STYLE=literal
export LC_ALL QUOTING_STYLE
PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin
unset CDPATH POSIXLY_CORRECT
set +efCu
nl='
'
printf '%s begin\n%s root %s\n' "$T" "$T" "$R"
`

// factsPart has what reads facts with builtins only, where there is no perl: a shell reads byte by byte, which
// of these is a thousand calls of the kernel. ms_facts tells what the host is, and of the processes in ps, and
// ms_since_boot how long ago the host was booted, once all files are looked at: none of them can have changed
// since, but by another clock. Beside that stands when this shell started: a container may be told its own
// uptime (lxcfs), and no other time since the boot goes by that.
const factsPart = `ps=''
ms_facts() {
  boot='' mid=''
  [ -r /proc/sys/kernel/random/boot_id ] && read -r boot </proc/sys/kernel/random/boot_id
  [ -r "$R/etc/machine-id" ] && read -r mid <"$R/etc/machine-id"
  printf '%s boot %s\n%s machine %s\n' "$T" "$boot" "$T" "$mid"
  if [ -r "$R/etc/os-release" ]; then
    while read -r l; do case $l in ID=*|VERSION_ID=*) printf '%s os %s\n' "$T" "$l";; esac; done <"$R/etc/os-release"
  fi
  for x in $ps; do
    if [ -r "/proc/$x/stat" ] && read -r s <"/proc/$x/stat"; then printf '%s process %s\n' "$T" "$s"; fi
  done
}
ms_since_boot() {
  if [ -r /proc/uptime ] && read -r up _ </proc/uptime; then
    x=''
    { read -r x </proc/self/stat; } 2>/dev/null
    printf '%s uptime %s %s\n' "$T" "$up" "$x"
  fi
}
`

// statPart has ms_stat, which tells what is at the paths in st, as mode, owner, group, size and time of
// change. Where there is a link, li has it also print where links lead, between // and //TOKEN: no path has
// //, and a target may hold a line break.
//
// It comes after the digests: a new content with the time of an old one would be taken for what
// runs since. The last paths are left to ms_probes.
const statPart = `st='' li=''
ms_stat() {
  set --
  [ -n "$st" ] || return 0
  eval "set -- $st"
  printf '%s stat %s\n' "$T" "$#"
  stat -c "%f %U %G %s %Z %n$li" -- "$@" 2>/dev/null
  st='' li=''
}
`

// listsPart defines how paths get on the lists for stat, sha256sum and head: st, ha and ct
// are words for eval, mi those of paths where nothing is. The path of number N is $pN. The
// third argument of ms_p is the digest with which a file need not be sent, or - to never
// send it, or ! for a secret, of which even the digest is sent under the host's key only: what is
// one is decided before anything else, and sa has them. hx has a line DIGEST/N for each word of ha.
// ur has files that this user cannot read.
// fa and fx are for ha and hx of files that somebody may turn into pipes, see slowPart, and of what
// links lead to; late is for their contents.
const listsPart = `ha='' hx='' fa='' fx='' mi='' ct='' ur='' sa='' late=''
ms_p() {
  if [ -L "$2" ]; then st="$st \"\$p$1\"" li=//%N//$T
  elif [ -f "$2" ]; then
    st="$st \"\$p$1\""
    if [ "$3" = ! ] || ms_secret "$2"; then sa="$sa \"\$p$1\""
    elif [ ! -r "$2" ]; then ur="$ur \"\$p$1\""
    else ms_ha "$1" "$2" "$3"; fi
  elif [ -e "$2" ]; then st="$st \"\$p$1\""
  else mi="$mi \"\$p$1\""; fi
}
ms_r() {
  ms_p "$1" "$2" -
  if [ -L "$2" ] && [ -f "$2" ] && [ -r "$2" ]; then
    if ms_secret "$2"; then sa="$sa \"\$p$1\""
    else fa="$fa \"\$p$1\"" fx="$fx$nl-/$1"; fi
  fi
}
ms_ha() {
  ms_slow "$2"
  if [ -z "$slow" ]; then ha="$ha \"\$p$1\"" hx="$hx$nl$3/$1"
  else fa="$fa \"\$p$1\"" fx="$fx$nl$3/$1"; fi
}
ms_entry() {
  if [ -e "$1" ] || [ -L "$1" ]; then
    case $1 in
    *"$nl"*) printf '%s oddname\n' "$T";;
    *) ms_more ms_p "$1" -;;
    esac
  fi
}
# ms_more HOW PATH…: PATH gets the next number.
ms_more() {
  n=$((n+1))
  eval "p$n=\$2"
  "$1" "$n" "$2" "${3-}"
  case $n in *000) ms_flush; ms_stat;; esac
}
# ms_units FILE…: what is in the places of units, but for what is in own, which was looked at. Hardly any
# is used: where its folder can be searched, the look of the shell itself is enough, and costs no process.
ms_units() {
  for k in etc run lib; do
    k=$R/$k/systemd/system search=''
    if [ -x "$k/." ]; then search=1; fi
    for w do
      for u in "$k/$w" "$k/$w.d"; do
        if [ -n "$search" ] && [ ! -e "$u" ] && [ ! -L "$u" ]; then continue; fi
        ms_own "$u" || ms_more ms_r "$u"
        case $u in *.d) ms_dir "$u" ms_own;; esac
      done
    done
  done
}
ms_own() { case $own in *"$nl$1$nl"*) return 0;; esac; return 1; }
# ms_dir DIR KNOWN: its entries, but for those that the function KNOWN knows.
ms_dir() {
  if [ ! -e "$1" ] && [ -x "${1%/*}/." ]; then return 0; fi
  if [ ! -r "$1" ] || [ ! -x "$1" ]; then ms_closed "$1"; return 0; fi
  [ -d "$1" ] || return 0
  for e in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    "$2" "$e" || case $e in */".meshsync-$M."*) ms_temp "$e" || ms_entry "$e";; *) ms_entry "$e";; esac
  done
}
ms_hash() {
  [ -n "$ha" ] || return 0
  eval "set -- $ha"
  hn=$#
  d=$($slow sha256sum -- "$@" 2>/dev/null)
  printf '%s digests\n%s\n' "$T" "$d"
  IFS=$nl
  set -f
  set -- $d
  [ "$#" = "$hn" ] || set -- # a file that cannot be read has no line: nothing is taken for known
  for x in $hx; do
    g=${1-}
    g=${g%% *}
    case $x in
    -/*|"${g#\\}"/*) ;;
    *) ct="$ct \"\$p${x#*/}\"";;
    esac
    [ "$#" = 0 ] || shift
  done
  set +f
  unset IFS
}
ms_flush() {
  set --
  if [ -n "$mi" ]; then eval "set -- $mi"; ms_missing "$@"; fi
  if [ -n "$ur" ]; then eval "set -- $ur"; ms_unreadable "$@"; fi
  slow=''; ms_hash
  if [ -n "$fa" ]; then ha=$fa hx=$fx slow=$limit late=$limit; ms_hash; fi
  if [ -n "$sa" ]; then eval "set -- $sa"; ms_secrets "$@"; fi
  ha='' hx='' fa='' fx='' mi='' ur='' sa=''
}
`

// contentsPart sends the files that differ, each cut at MaxText, in one process. The
// reader divides them by the sizes that stat gave and verifies each digest.
const contentsPart = `printf '%s contents\n' "$T"
if [ -n "$ct" ]; then
  eval "set -- $ct"
  printf '%s\n' "$@"
  printf '%s bytes\n' "$T"
  $late head -q -c 1048576 -- "$@" 2>/dev/null
else
  printf '%s bytes\n' "$T"
fi
`

func writePaths(b *strings.Builder, q query) {
	count := 0
	flush := func() {
		if count%pathsPerProcess == 0 {
			b.WriteString("ms_flush\nms_stat\n")
		}
	}
	look := func(how, name, more string) {
		count++
		fmt.Fprintf(b, "p%[1]d=%[2]s; %[3]s %[1]d \"$p%[1]d\"%[4]s\n", count, rooted(name), how, more)
		flush()
	}
	named := map[string]bool{}
	for _, w := range q.paths {
		if w.secret {
			b.WriteString("sec=$sec$nl" + rooted(w.addr.Name) + "\n")
		}
	}
	for _, w := range q.paths {
		named[w.addr.Name] = true
		expect := "-"
		if w.secret {
			expect = "!"
		}
		if w.text {
			expect = cmp.Or(strings.TrimPrefix(w.digest, "sha256:"), "any")
		}
		look("ms_p", w.addr.Name, " "+quote(expect))
	}
	units := q.units()
	own := "$nl" // what is looked at by name and lies in a place of a unit
	for _, r := range q.reads {
		p := strings.TrimSuffix(r, "/")
		switch {
		case named[p] && units.place[r]:
			own += rooted(p) + "$nl"
		case !named[p] && !units.place[r]:
			look("ms_r", p, "")
		}
		named[p] = true
	}
	for _, name := range q.packages {
		look("ms_p", packageList(name), " -")
	}
	for _, p := range slices.Concat(q.parents, q.ways) {
		if !named[p] {
			named[p] = true
			look("ms_p", p, " -")
		}
	}
	fmt.Fprintf(b, "n=%d\n", count)
	for _, d := range q.listed() {
		if units.place[d+"/"] {
			for _, name := range lookedAtIn(d, named) {
				own += name + "$nl"
			}
			continue
		}
		writeListing(b, d, named)
		count++
		flush()
	}
	if len(units.files) > 0 {
		fmt.Fprintf(b, "own=%s\nms_units%s\n", own, words(units.files))
	}
	b.WriteString("ms_flush\n")
}

// writeListing looks at the entries of a directory that are not looked at by name already.
// What a killed batch left is none: the next batch removes it before it does anything.
func writeListing(b *strings.Builder, dir string, named map[string]bool) {
	known := lookedAtIn(dir, named)
	if len(known) == 0 {
		fmt.Fprintf(b, "ms_dir %s false\n", rooted(dir))
		return
	}
	fmt.Fprintf(b, "ms_known() { case $1 in %s) ;; *) return 1;; esac; }\nms_dir %s ms_known\n", strings.Join(known, "|"), rooted(dir))
}

// lookedAtIn are the paths in a directory that are looked at by name, as shell words; sorted.
func lookedAtIn(dir string, named map[string]bool) []string {
	var known []string
	for name := range named {
		if path.Dir(name) == dir {
			known = append(known, rooted(name))
		}
	}
	slices.Sort(known)
	return known
}

// writeNamed looks at what lies at no path, kind by kind.
func writeNamed(b *strings.Builder, q query) {
	for _, p := range primitive.All() {
		if wanted := q.named[p.Kind]; len(wanted) > 0 {
			fmt.Fprintf(b, "printf '%%s kind %[1]s\n' \"$T\"\n%[2]sprintf '\n%%s kindend %[1]s\n' \"$T\"\n", p.Kind, p.Named.Look(wanted))
		}
	}
}

// recordPath is where the record of a mesh lies on a host.
func recordPath(meshName string) string { return stateDir(meshName) + "/record.json" }

// stateFolder has a folder for each mesh that works on a host.
const stateFolder = "/var/lib/meshsync"

func stateDir(meshName string) string { return stateFolder + "/" + meshName }
