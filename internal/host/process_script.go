package host

import "meshsync.dev/meshsync/internal/primitive"

// processPart does the operations on units, and reads what a unit runs with since: a process, or
// nothing but itself, which then is told by when it began to come up. What systemd says
// after an operation is kept in shown, so that it is asked once.
//
// A start or restart is done when the unit is up and stays up as far as can be seen at once:
// systemctl takes a fork for a start. To start a SysV script whose daemon has died does nothing,
// for systemd holds it for active; and to start what systemd itself will start again
// waits until then, be that a day. A socket whose service runs cannot be started, so it is not stopped, either.
//
// A reload notes the newest worker before it in old. It returns before a new one is up, so where
// there are workers ms_renewed waits for one, as long as a large configuration may take to be
// read: a master that cannot take it in goes on with the old ones, and tells its log alone.
//
// A unit that leaves nothing in its control group when it ends, and runs no command there but its main one, is up with
// the one process that is there after a restart and came since: the kernel says so at a fraction of what it costs to ask systemd.
// That holds as long as systemd goes by what it was observed with. While what the main process began
// is being ended, it may stand there alone: it is no leader of a session, or systemd gave it another's number.
const processPart = primitive.UnitProcess + primitive.UnitWorker + `shown='' reread=''
ms_reread() { reread=1; ms_try systemctl daemon-reload; }
# ms_alone UNIT TICKS: exactly one process is in its control group, came at TICKS or since, and is what systemd began.
ms_alone() {
  for f in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    { { read -r pid && ! read -r x; } <"$f/system.slice/$1/cgroup.procs"; } 2>/dev/null || continue
    ms_ticks "$pid"
    [ "${ticks:-0}" -ge "$2" ] || return 1
    x=${x##*) }
    case ${x#* * * } in "$pid "*) ;; *) return 1;; esac
    { while read -r x || [ -n "$x" ]; do
      case $x in *SYSTEMD_EXEC_PID=*) x=${x#*SYSTEMD_EXEC_PID=}; [ "${x%%[!0-9]*}" = "$pid" ] || return 1;; esac
    done; } 2>/dev/null <"/proc/$pid/environ" || return 1
    x=''
    shown="${nl}MainPID=$pid$nl"
    return 0
  done
  return 1
}
ms_show() {
  shown="$nl$(systemctl show -p MainPID,ControlGroup,ActiveState,SubState,Result,ConditionResult,InactiveExitTimestampMonotonic -- "$1" 2>/dev/null)$nl"
}
# ms_said PROPERTY: what systemd said of it, in V.
ms_said() {
  V=''
  case $shown in *"$nl$1="*) V=${shown#*"$nl$1="} V=${V%%"$nl"*};; esac
}
ms_process() {
  worker=''
  [ -n "$shown" ] || ms_show "$1"
  ms_unit_process "$shown"
  read -r boot </proc/sys/kernel/random/boot_id || return 1
  if [ "$s" != - ]; then
    set -f
    # shellcheck disable=SC2086 # the fields are wanted one by one
    set -- ${s##*) }
    set +f
    shift 19
    ticks=$1
  else
    case $pid in ''|0) ;; *) return 1;; esac
    ms_said InactiveExitTimestampMonotonic
    case $V in ''|0|*[!0-9]*) return 1;; esac
    pid=0 ticks=$((V/10000))
  fi
  case $ticks in ''|*[!0-9]*) return 1;; esac
}
ms_unit() {
  shown='' since=''
  case $1 in
  start)
    ms_show "$2"
    ms_said SubState
    case $V in
    auto-restart*) set -- restart "$2";;
    exited)
      ms_unit_process "$shown"
      [ "$s" != - ] || set -- restart "$2";;
    esac;;
  restart)
    ms_free "$2" || return 1
    [ -z "${3-}" ] || [ -n "$reread" ] || [ -n "$R" ] || ! read -r x _ </proc/uptime || since=${x%.*}${x#*.};;
  esac
  ms_try systemctl "$1" -- "$2" || return 1
  case $1 in
  start|restart) [ -n "$since" ] && ms_alone "$2" "$since" || ms_up "$2";;
  enable) ms_enabled "$2";;
  esac
}
ms_up() {
  ms_show "$1"
  ms_said Result
  r=$V
  ms_said SubState
  b=$V
  ms_said ActiveState
  case $V in ''|active|reloading|refreshing) return 0;; esac
  case $shown in *"$nl"ConditionResult=no"$nl"*) r=condition;; esac
  case $b/$r in
  */condition) W="systemd did not start it, for a condition of its unit does not hold: see systemctl status $1";;
  auto-restart*) W="it ended at once ($r), and systemd starts it again and again: see journalctl -u $1";;
  */success) W="it ended at once, and well, so it does not stay up: declare running: false, or give its unit RemainAfterExit=yes; see journalctl -u $1";;
  *) W="it ended at once and is $V ($r): see journalctl -u $1";;
  esac
  return 1
}
ms_enabled() {
  case $(systemctl show -p UnitFileState --value -- "$1" 2>/dev/null) in
  indirect) W="its unit is indirect: its [Install] section has Also= and nothing else, so that others were enabled and not itself; declare those, and enabled: false of this one";;
  static) W="its unit is static: it has no [Install] section, so nothing can enable it; declare enabled: false, or give the unit an [Install] section";;
  *) return 0;;
  esac
  return 1
}
# ms_free UNIT: of a socket, whether systemd can start it anew: it refuses to while the
# service that it triggers runs, unless a restart of the socket stops that, too.
ms_free() {
  case $1 in *.socket) ;; *) return 0;; esac
  t=" $(systemctl show -p RequiredBy,BoundBy,ConsistsOf --value -- "$1" 2>/dev/null | tr '\n' ' ') "
  for x in $(systemctl show -p Triggers --value -- "$1" 2>/dev/null); do
    case $t in *" $x "*) continue;; esac
    case $(systemctl show -p ActiveState --value -- "$x" 2>/dev/null) in inactive|failed|'') continue;; esac
    W="its service $x runs, under which systemd starts no socket: systemctl stop $x, and restart $1 by hand"
    return 1
  done
}
ms_reload() {
  old='' shown=''
  if ms_process "$1"; then ms_worker; old="$wp $wt"; fi
  shown=''
  ms_try systemctl reload -- "$1"
}
# ms_kept N FILE: it is the FILE that it was since it was first asked for, before the step; KEPTN is its digest.
ms_kept() {
  x=absent
  if [ -e "$2" ] || [ -L "$2" ]; then x=$(sha256sum <"$2") || return 1; x=sha256:${x%% *}; fi
  case $KEPT in
  *" $1 "*) eval "[ \"\$KEPT$1\" = \"\$x\" ]";;
  *) KEPT="$KEPT $1 "; eval "KEPT$1=\$x";;
  esac
}
ms_renewed() {
  ot=${old#* } i=0
  case $old in ''|'0 0') return 0;; esac
  while [ -r "/proc/$pid/stat" ]; do
    ms_worker
    if [ "$wt" -ge "$ot" ] && [ "$wp $wt" != "$old" ]; then return 0; fi
    i=$((i+1))
    if [ "$i" -gt 300 ]; then
      W="its reload made no new worker within 30 s, so it goes on with what it had: see journalctl -u $1"
      return 1
    fi
    sleep 0.1
  done
}
ms_new_worker() {
  ms_worker
  if [ "$w" != - ] && [ "$wp $wt" != "$old" ]; then worker=",\"worker\":{\"pid\":$wp,\"start_ticks\":$wt}"; fi
}
`
