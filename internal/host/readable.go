package host

import (
	"strings"

	"meshsync.dev/meshsync/internal/primitive"
)

// unreadableEntry stands in a listing for an entry whose content cannot be read: such a
// listing has no digest that could be compared.
const unreadableEntry = "unreadable"

// plainUser is who looks at the host, "" for root.
func (h *Host) plainUser() string {
	if h.shell() == shellCommand && h.o.Dialer.User() != "root" {
		return h.o.Dialer.User()
	}
	return ""
}

// denies reports whether a line of stat says that the user may not look.
func (p *parser) denies(line string) bool {
	return p.q.user != "" && strings.Contains(line, "Permission denied")
}

// closed reports whether a directory is there whose entries the user may not list.
func (p *parser) closed(dir string) bool {
	const kind, directory = 0o170000, 0o040000
	return p.unlisted[dir] && p.stats[dir].mode&kind == directory
}

// reason says who cannot read what could not be described.
func (p *parser) reason(name, reason string) string {
	switch {
	case p.sealed[name]:
		return "it is a secret, and the key that secrets are compared by is root's alone (asked as the user " + p.q.user + ")"
	case p.unreadable[name] && p.q.user != "":
		return reason + " by the user " + p.q.user
	}
	return reason
}

// kept reports whether it is the account that may not know what is in a file.
func (p *parser) kept(name string) bool { return p.unreadable[name] || p.sealed[name] }

// unasked says who could not find out about what lies at no path.
func (p *parser) unasked(reason string) string {
	if p.q.user != "" {
		return reason + " (asked as the user " + p.q.user + ")"
	}
	return reason
}

// readPart defines how it is told of paths where a test found nothing, and of files and
// units that the user cannot read: of all three, root may know more. What is asked for goes
// to sudo on standard input, so that its commands are always the same.
func readPart(q query) string {
	switch {
	case q.user == "":
		return keyedPart + plainPart
	case q.asRoot:
		return unitsPart(sudoPrefix+unitCommand) + sealedPart + rootPart
	default:
		return unitsPart("false") + sealedPart + plainPart
	}
}

// keyedPart tells what secrets are known by. Without the key, which is root's alone, nothing can
// be told of them: sealedPart names them. By way of sudo they have a plain digest only,
// which never leaves the host.
const (
	keyedPart = `ms_secrets() {
  printf '%s keyed\n' "$T"
  for f do
    if ms_keyed_of "$f"; then printf '%s  %s\n' "$D" "$f"; fi
  done 2>/dev/null
}
`
	sealedPart = `ms_secrets() { printf '%s sealed\n' "$T"; printf '%s\n' "$@"; }
`
)

const plainPart = `ms_missing() { printf '%s missing %s\n' "$T" "$#"; stat -c '%n' -- "$@" 2>&1 >/dev/null; }
ms_unreadable() { printf '%s unreadable\n' "$T"; printf '%s\n' "$@"; }
ms_closed() { printf '%s unlisted %s\n' "$T" "$1"; }
`

// unitsPart asks for units in another way where the user cannot, and describes none of
// them where that fails, too: whoever reads it wants a block for each.
func unitsPart(other string) string {
	return `systemctl() {
  if [ "$1 $2 $3 $4" != "show -p ` + primitive.UnitProperties + ` --" ]; then command systemctl "$@"
  elif x=$(command systemctl "$@" 2>/dev/null); then printf '%s\n' "$x"
  else
    shift 4
    if x=$(printf '%s\0' "$@" | ` + other + ` 2>/dev/null); then printf '%s\n' "$x"
    else printf 'Id=%s\n\n' "$@"; fi
  fi
}
`
}

// rootPart asks by way of sudo. Of what may be a secret, because a list of them cannot be read, it
// asks for no digest. It has entries of directories by way of ls -b, which makes a line of each name. One
// that it escapes is told as odd.
const rootPart = `ms_closed() {
  if [ ! -d "$1" ]; then case $(stat -c %n -- "$1" 2>&1) in *'Permission denied'*) ;; *) return 0;; esac; fi
  if ! x=$(printf '%s\0' "$1" | ` + sudoPrefix + listCommand + ` 2>/dev/null); then
    printf '%s unlisted %s\n' "$T" "$1"
    return 0
  fi
  IFS=$nl
  set -f
  for e in $x; do
    set +f
    unset IFS
    case $e in
    *\\*) printf '%s oddname\n' "$T";;
    *) ms_more ms_p "$1/$e" -;;
    esac
  done
  set +f
  unset IFS
}
ms_root_stat() { printf '%s\0' "$@" | ` + sudoPrefix + statCommand + ` 2>&1; }
ms_unreadable() {
  printf '%s unreadable\n' "$T"
  printf '%s\n' "$@"
  [ -z "$hidden" ] || return 0
  printf '%s digests\n' "$T"
  printf '%s\0' "$@" | ` + sudoPrefix + digestCommand + ` 2>/dev/null
}
ms_missing() {
  printf '%s missing %s\n' "$T" "$#"
  e=$(stat -c '%n' -- "$@" 2>&1 >/dev/null)
  s='' z=''
  case $e in *'Permission denied'*)
    x=$(ms_root_stat "$@")
    case $x in sudo:*) ;; *)
      e=''
      IFS=$nl
      set -f
      set --
      for l in $x; do case $l in
        [0-9a-f][0-9a-f][0-9a-f][0-9a-f]' '*)
          s="$s$l$nl"
          case $l in 8*)
            l=${l#* * * * * }
            if ms_secret "$l"; then z="$z$l$nl"; else set -- "$@" "$l"; fi;;
          esac;;
        *) e="$e$l$nl";;
      esac; done
      set +f
      unset IFS;;
    esac;;
  esac
  [ -z "$e" ] || printf '%s\n' "${e%"$nl"}"
  if [ -n "$s" ]; then
    printf '%s stat 0\n%s' "$T" "$s"
    [ -z "$z" ] || printf '%s sealed\n%s' "$T" "$z"
    [ $# = 0 ] || ms_unreadable "$@"
  fi
}
`
