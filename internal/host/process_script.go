package host

import "meshsync.dev/meshsync/internal/primitive"

// processPart reads which process a unit runs now, and does the operations on units. To
// start a SysV script whose daemon has died does nothing, for systemd holds it for active.
//
// A reload notes the newest worker before it in old. It returns before a new one is up, so where
// there are workers ms_renewed waits for one, as long as a large configuration may take to be
// read: a master that cannot take it in goes on with the old ones, and tells its log alone.
const processPart = primitive.UnitProcess + primitive.UnitWorker + `ms_process() {
  worker=''
  ms_unit_process "$(systemctl show -p MainPID,ControlGroup -- "$1" 2>/dev/null)"
  [ "$s" != - ] && read -r boot </proc/sys/kernel/random/boot_id || return 1
  set -f
  # shellcheck disable=SC2086 # the fields are wanted one by one
  set -- ${s##*) }
  set +f
  shift 19
  ticks=$1
  case $ticks in ''|*[!0-9]*) return 1;; esac
}
ms_unit() {
  if [ "$1" = start ] && [ "$(systemctl show -p SubState --value -- "$2" 2>/dev/null)" = exited ]; then
    ms_process "$2" || ms_try systemctl restart -- "$2"
  else
    ms_try systemctl "$1" -- "$2"
  fi
}
ms_reload() {
  old=''
  if ms_process "$1"; then ms_worker; old="$wp $wt"; fi
  ms_try systemctl reload -- "$1"
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
