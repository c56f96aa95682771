package primitive

// packageFunctions: ms_package notes what is wanted, ms_packages does it in one
// transaction, and so for what goes: PKG_GONE and ms_packages_gone. Nothing may go that is not
// on that list, neither with what goes nor for what comes.
const packageFunctions = `PKG='' PKG_HOLD='' PKG_FREE='' PKG_GONE=''
ms_package_now() {
  N=$(dpkg-query -W -f '${Version} ${db:Status-Want} ${db:Status-Status}' -- "$1" 2>/dev/null) || N=absent
  case $N in
  *' not-installed'|*' config-files'|' '*) N=absent;;
  *' hold '*) N="${N%% *} yes ${N##* }";;
  absent) ;;
  *) N="${N%% *} no ${N##* }";;
  esac
}
# ms_package NAME VERSION HOLD: N says how it is. What is there needs apt only to be held;
# its version may be on offer no more.
ms_package() {
  case $N in
  "$2 "*' installed') ;;
  *) if [ "$2" = any ]; then PKG="$PKG $1"; else PKG="$PKG $1=$2"; fi;;
  esac
  case $3 in yes) PKG_HOLD="$PKG_HOLD $1";; *) PKG_FREE="$PKG_FREE $1";; esac
}
# Names are names: apt would take some for patterns otherwise.
ms_apt() {
  W=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=30 -o APT::Cmd::Pattern-Only=true \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null 2>&1) && return 0
  l=$(printf '%s\n' "$W" | grep -E '^E: ' | head -n 3 | tr '\n' ' ')
  case $W in
  *'Could not get lock'*|*'is another process using it'*) W="apt's lock is held by another process: $l"; return 1;;
  *'but remove is disabled'*)
    l=$(printf '%s\n' "$W" | sed -n '/ will be REMOVED:$/,/^[^ ]/s/^  *//p' | tr -s ' \n' ' ')
    W="apt would remove for it: ${l% }; nothing was changed. Take out of git what does not go with the other, or, if it may go, remove it first"
    return 1;;
  *'dpkg: error'*) l="$(printf '%s\n' "$W" | grep -E -B 1 -A 1 '^dpkg: error' | head -n 6 | tr -s ' \n' ' ')$l";;
  esac
  W="apt-get $1 failed: ${l:-${W##*"$nl"}}"
  return 1
}
# ms_transaction KIND COMMAND…: apt at work under the policy. It is a process of its own:
# when the script is killed it ends all the same, and puts back what was there. It holds the
# batch's lock as long, and nothing of the connection, which would stay open for it.
ms_transaction() {
  W=$(
    exec 2>/dev/null
    ms_forbid || { printf '%s' 'cannot keep services from being started: /usr/sbin cannot be written'; exit 1; }
    MESHSYNC_APT=$1
    export MESHSYNC_APT
    shift
    W='' r=0
    "$@" || r=1
    ms_allow
    printf '%s' "$W"
    exit "$r"
  )
}
ms_install() {
  if [ -n "$(find "$R/etc/apt" -newer "$R/var/lib/apt/lists" 2>/dev/null | head -n 1)" ]; then ms_apt update 7<&- 9>&- || return 1; fi
  # what an earlier transaction left half-done is finished first; what does not go may be mended by what comes
  DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a </dev/null >/dev/null 2>&1 7<&- 9>&- || :
  ms_install_exactly "$@" && return 0
  case $W in
  *'was not found'*|*'Unable to locate package'*|*'apt has no version of'*) ;; # apt's lists may be older than what git wants
  *) return 1;;
  esac
  ms_apt update 7<&- 9>&- && ms_install_exactly "$@"
}
ms_install_exactly() {
  ms_exact "$@" || return 1
  set -f
  # shellcheck disable=SC2086 # names and versions are words without blanks
  set -- $PKG
  set +f
  ms_apt install --no-remove --allow-downgrades --allow-change-held-packages -- "$@" 7<&- 9>&-
}
# ms_exact WORD…: the words into PKG, each with a version. Of a name alone apt takes what
# provides it, or, where it ends in +, what is called so but for that.
ms_exact() {
  PKG='' l=''
  for x do case $x in *=*) ;; *) l="$l $x";; esac; done
  [ -z "$l" ] || l=$(apt-cache -o APT::Cmd::Pattern-Only=true policy -- $l 2>/dev/null | awk '/^[^ ]/ { n = $1 } $1 == "Candidate:" && $2 != "(none)" { print n $2 }')
  for x do
    case $x in
    *=*) ;;
    *)
      v="$nl$l$nl"
      case $v in
      *"$nl$x:"*) v=${v#*"$nl$x:"} x=$x=${v%%"$nl"*};;
      *) ms_no_version "$x"; return 1;;
      esac;;
    esac
    PKG="$PKG $x"
  done
}
ms_no_version() {
  l=$(apt-cache showpkg -- "$1" 2>/dev/null | awk 'p { print $1 } /^Reverse Provides:/ { p = 1 }' | sort -u | tr '\n' ' ')
  W="apt has no version of $1: is it in the sources of the host?"
  [ -z "$l" ] || W="apt has no version of $1, which is the name of what others provide: declare one of them, $l"
}
ms_packages() {
  r=0 Z=''
  if [ -n "$PKG" ]; then
    set -f
    # shellcheck disable=SC2086 # names and versions are words without blanks
    set -- $PKG
    set +f
    ms_transaction install ms_install "$@" || r=1 Z=$W
  fi
  # shellcheck disable=SC2086 # names are words without blanks
  [ -z "$PKG_FREE" ] || apt-mark -q unhold $PKG_FREE >/dev/null 2>&1
  # shellcheck disable=SC2086 # names are words without blanks
  [ -z "$PKG_HOLD" ] || ms_try apt-mark -q hold $PKG_HOLD || r=1
  W=${Z:-$W}
  return "$r"
}
ms_packages_gone() {
  set -f
  # shellcheck disable=SC2086 # names are words without blanks
  set -- $PKG_GONE
  set +f
  W=''
  for x in $(apt-get -s -q -y --allow-change-held-packages remove -- "$@" 2>/dev/null | sed -n 's/^Remv \([^ ]*\) .*/\1/p'); do
    case "$PKG_GONE " in *" $x "*) ;; *) W="$W $x";; esac
  done
  [ -z "$W" ] || { W="other packages need it:$W; remove them first, or declare it"; return 1; }
  ms_transaction remove ms_apt remove --allow-change-held-packages -- "$@"
}
`

// policyFunctions begin every batch: what a transaction left that was killed is cleared
// away, unless apt is at work still. While it is there, policy-rc.d keeps maintainer scripts
// of our own transaction from starting and stopping services; the services of what is removed
// are stopped. Anybody else gets the answer of the host's own one.
const policyFunctions = `ms_forbid() {
  p=$R/usr/sbin/policy-rc.d
  if [ -e "$p" ] && ! grep -qs 'written by meshsync' "$p"; then mv -f -- "$p" "$R/var/lib/meshsync/.policy-rc.d" || return 1; fi
  cat >"$p.meshsync" <<'END' && chmod 755 "$p.meshsync" && mv -f -- "$p.meshsync" "$p"
#!/bin/sh
# written by meshsync for the time of a transaction
case ${MESHSYNC_APT-} in
install) exit 101;;
remove) case " $* " in *' stop '*) exit 0;; esac; exit 101;;
esac
[ ! -x /var/lib/meshsync/.policy-rc.d ] || exec /var/lib/meshsync/.policy-rc.d "$@"
exit 0
END
}
# ms_works: an apt is at work that one of our transactions started.
ms_works() {
  # shellcheck disable=SC2013 # a path below /proc is one word
  for x in $(grep -ls MESHSYNC_APT= /proc/[0-9]*/environ); do
    if read -r c <"${x%environ}comm"; then case $c in apt-get|dpkg) return 0;; esac; fi
  done 2>/dev/null
  return 1
}
ms_allow() {
  ms_works && return 0
  p=$R/usr/sbin/policy-rc.d
  if [ -e "$R/var/lib/meshsync/.policy-rc.d" ]; then mv -f -- "$R/var/lib/meshsync/.policy-rc.d" "$p"
  elif [ -e "$p" ] && grep -qs 'written by meshsync' "$p"; then rm -f -- "$p"; fi
}
if [ -e "$R/var/lib/meshsync/.policy-rc.d" ] || { [ -e "$R/usr/sbin/policy-rc.d" ] && grep -qs 'written by meshsync' "$R/usr/sbin/policy-rc.d"; }; then
  ms_allow
fi
`
