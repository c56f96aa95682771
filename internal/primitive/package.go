package primitive

import (
	"cmp"
	"path"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// packages are Debian packages: version, exact or as a glob, whether it is held, and
// whether dpkg is done with it. All that a batch installs is one transaction of apt, for
// packages may want each other's exact versions; while it runs no service may start, stop
// or restart by itself.
func packages() Primitive {
	return Primitive{
		Kind: mesh.Package, Field: "packages", order: orderPackage,
		Decode: func(declaration []byte) (Declared, error) {
			p, err := decoded[struct {
				Version string `json:"version"`
				Hold    *bool  `json:"hold"`
			}](declaration)
			hold := openNumber
			if p.Hold != nil {
				hold = map[bool]string{true: "yes", false: "no"}[*p.Hold]
			}
			return Declared{Attrs: map[string]any{"version": cmp.Or(p.Version, openNumber), "hold": hold, "state": "installed"}}, err
		},
		Settle: settlePackage,
		Named: &Named{
			Look:      lookAtPackages,
			Read:      readPackages,
			Functions: packageFunctions,
			Now:       func(name string) string { return "ms_package_now " + name },
			Expected: func(a mesh.Tree) string {
				return text(a, "version") + " " + text(a, "hold") + " " + text(a, "state")
			},
			Describe: func(now string) string { return "the package (version, held, state) " + now },
			Together: "ms_packages",
			Write: func(name string, a mesh.Tree) string {
				return "ms_package " + name + " " + word(text(a, "version")) + " " + word(text(a, "hold"))
			},
			Remove: func(name string) string { return "ms_package_remove " + name },
		},
	}
}

// settlePackage takes over the version that is there when it fits, else the one that apt
// offers; that of a package that is to be had in no known version stays as declared.
func settlePackage(want, have mesh.Tree, offers []string) mesh.Tree {
	out := want.Clone()
	declared := text(want, "version")
	for _, v := range append([]string{text(have, "version")}, offers...) {
		if fits(declared, v) {
			out["version"] = v
			break
		}
	}
	if text(want, "hold") == openNumber {
		out["hold"] = cmp.Or(text(have, "hold"), "no")
	}
	return out
}

// fits reports whether a version is what is declared.
func fits(declared, version string) bool {
	if version == "" {
		return false
	}
	ok, err := path.Match(declared, version)
	return declared == openNumber || err == nil && ok
}

// lookAtPackages asks dpkg for all, and apt only when one of them is not as declared.
func lookAtPackages(wanted []Wanted) string {
	var b strings.Builder
	b.WriteString("v=$(dpkg-query -W -f '${Package} ${db:Status-Want} ${db:Status-Status} ${Version}\\n' --" + words(namesOf(wanted)) + " 2>/dev/null)\n")
	b.WriteString("printf '%s\\n' \"$v\"\nm=''\n")
	for _, w := range wanted {
		if w.Attrs == nil {
			continue
		}
		b.WriteString("case $nl$v$nl in *\"$nl\"" + word(w.Name) + "' '*' installed '" + globWord(text(w.Attrs, "version")) + "\"$nl\"*) ;; *) m=\"$m \"" + word(w.Name) + ";; esac\n")
	}
	b.WriteString("printf 'offers\\n'\nif [ -n \"$m\" ]; then apt-cache policy --$m 2>/dev/null; fi\n")
	return b.String()
}

// globWord is a glob for a case of the shell: its stars and question marks mean what they
// do, everything else is quoted.
func globWord(glob string) string {
	if glob == openNumber {
		return "*"
	}
	var b strings.Builder
	for _, r := range glob {
		if r == '*' || r == '?' {
			b.WriteRune(r)
		} else {
			b.WriteString(word(string(r)))
		}
	}
	return b.String()
}

// readPackages reads lines NAME WANT STATUS VERSION, and behind the line "offers" what
// apt-cache policy says.
func readPackages(out string, names []string) []Seen {
	installed, offers, whole := strings.Cut("\n"+out, "\noffers\n")
	if !whole {
		return nil
	}
	found := map[string]Seen{}
	for l := range strings.Lines(strings.Trim(installed, "\n")) {
		f := strings.Fields(l)
		if len(f) < 3 {
			return nil
		}
		if f[2] == "not-installed" || f[2] == "config-files" || len(f) < 4 {
			continue
		}
		hold := map[bool]string{true: "yes", false: "no"}[f[1] == "hold"]
		found[f[0]] = Seen{Attrs: map[string]any{"version": f[3], "hold": hold, "state": f[2]}}
	}
	for name, versions := range readPolicy(offers) {
		s := found[name]
		s.Offers = versions
		found[name] = s
	}
	return inOrder(found, names)
}

// readPolicy reads what apt-cache policy says: name → versions that apt could install,
// the one that it would take first.
//
//	mesos:
//	  Installed: (none)
//	  Candidate: 1.11.0-2
//	  Version table:
//	     1.11.0-2 500
//	        500 file:/srv/apt ./ Packages
//	     1.11.0-1 500
//	        500 file:/srv/apt ./ Packages
func readPolicy(out string) map[string][]string {
	all := map[string][]string{}
	name, table := "", false
	for l := range strings.Lines(out) {
		l = strings.TrimRight(l, "\n")
		f := strings.Fields(l)
		switch {
		case l != "" && l[0] != ' ':
			name, table = strings.TrimSuffix(l, ":"), false
		case len(f) == 2 && f[0] == "Candidate:" && f[1] != "(none)":
			all[name] = append(all[name], f[1])
		case len(f) == 2 && f[0] == "Version":
			table = true
		case table && strings.HasPrefix(l, " *** ") || table && strings.HasPrefix(l, "     ") && len(f) == 2 && l[5] != ' ':
			all[name] = append(all[name], strings.TrimPrefix(f[len(f)-2], "*** "))
		}
	}
	return all
}

// packageFunctions: ms_package notes what is wanted, ms_packages does it in one
// transaction. Removing a package must take no other one along.
const packageFunctions = `PKG='' PKG_HOLD='' PKG_FREE=''
ms_package_now() {
  N=$(dpkg-query -W -f '${Version} ${db:Status-Want} ${db:Status-Status}' -- "$1" 2>/dev/null) || N=absent
  case $N in
  *' not-installed'|*' config-files'|' '*) N=absent;;
  *' hold '*) N="${N%% *} yes ${N##* }";;
  absent) ;;
  *) N="${N%% *} no ${N##* }";;
  esac
}
# ms_package NAME VERSION HOLD
ms_package() {
  if [ "$2" = any ]; then PKG="$PKG $1"; else PKG="$PKG $1=$2"; fi
  case $3 in yes) PKG_HOLD="$PKG_HOLD $1";; *) PKG_FREE="$PKG_FREE $1";; esac
}
ms_apt() {
  W=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=30 -o APT::Get::Assume-Yes=true \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null 9>&- 2>&1) && return 0
  # shellcheck disable=SC2086 # a line is looked for
  l=$(printf '%s\n' "$W" | grep -E '^(E: |dpkg: error)' | head -n 3 | tr '\n' ' ')
  case $W in
  *'Could not get lock'*|*'is another process using it'*) W="apt's lock is held by another process: $l";;
  *) W="apt-get $1 failed: ${l:-${W##*"$nl"}}";;
  esac
  return 1
}
# While it is there, policy-rc.d keeps maintainer scripts from starting and stopping services.
ms_forbid() {
  p=$R/usr/sbin/policy-rc.d
  if [ -e "$p" ] && ! grep -qs 'written by meshsync' "$p"; then ms_try mv -f -- "$p" "$B/policy-rc.d" || return 1; fi
  printf '#!/bin/sh\n# written by meshsync for the time of a transaction\nexit 101\n' >"$p" && chmod 755 "$p"
}
ms_allow() {
  p=$R/usr/sbin/policy-rc.d
  if grep -qs 'written by meshsync' "$p"; then rm -f -- "$p"; fi
  if [ -e "$B/policy-rc.d" ]; then mv -f -- "$B/policy-rc.d" "$p"; fi
}
ms_packages() {
  set -f
  # shellcheck disable=SC2086 # names and versions are words without blanks
  set -- $PKG
  set +f
  ms_forbid || { W='cannot keep services from being started: /usr/sbin cannot be written'; return 1; }
  r=0
  if [ -n "$(find "$R/etc/apt" -newer "$R/var/lib/apt/lists" 2>/dev/null | head -n 1)" ]; then ms_apt update || r=1; fi
  # what an earlier transaction left half-done is finished first
  W=$(DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a </dev/null 9>&- 2>&1) || : # what is installed next may mend it
  if [ "$r" = 0 ] && ! ms_apt install --allow-downgrades --allow-change-held-packages "$@"; then
    r=1
    case $W in *'was not found'*|*'Unable to locate package'*) # apt's lists may be older than what git wants
      ms_apt update && ms_apt install --allow-downgrades --allow-change-held-packages "$@" && r=0;;
    esac
  fi
  ms_allow
  # shellcheck disable=SC2086 # names are words without blanks
  [ -z "$PKG_FREE" ] || apt-mark -q unhold $PKG_FREE >/dev/null 2>&1
  # shellcheck disable=SC2086 # names are words without blanks
  [ -z "$PKG_HOLD" ] || ms_try apt-mark -q hold $PKG_HOLD || r=1
  return "$r"
}
ms_package_remove() {
  W=$(apt-get -s -q remove -- "$1" 2>&1 | grep -c '^Remv ')
  [ "$W" = 1 ] || { W="other packages need it: remove them first"; return 1; }
  ms_forbid && ms_apt remove --allow-change-held-packages -- "$1"
  r=$?
  ms_allow
  return "$r"
}
`
