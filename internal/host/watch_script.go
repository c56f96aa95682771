package host

import "time"

// longestBatch is for how long a batch may be at work before the watch takes it for stuck, and ends it.
const longestBatch = 10 * time.Minute

// The watch of a batch lies in watch/ of the mesh's folder, for root alone: copies of what it puts back, and "armed",
// which says of which run it is and which process watches. To take that file away, under the lock, is to confirm.

// settledPart ends a batch where the watch of another one is still to confirm or to put back. One whose process has gone,
// as by a reboot, puts nothing back any more; whoever is here came in.
const settledPart = `if [ -d "$B/watch" ]; then
  w_run='' w_pid='' w_ticks=''
  [ ! -f "$B/watch/armed" ] || read -r w_run w_pid w_ticks <"$B/watch/armed"
  ms_ticks "$w_pid"
  if [ -n "$w_ticks" ] && [ "$w_ticks" = "$ticks" ]; then printf '%s watched %s\n' "$T" "$w_run"; return 0; fi
  rm -rf -- "$B/watch"
fi
`

// armPart leaves the watch behind, in a session of its own: no end of the connection reaches it. It is armed
// before the first change, or the batch makes none.
const armPart = `ms_copied() { ms_into "${2%%/*}" && ms_try cp -a -- "./${2##*/}" "$B/watch/old.$1"; ms_home; }
ms_arm() {
  ms_try rm -rf -- "$B/watch" && (umask 077; mkdir -- "$B/watch") || return 1
  command -v setsid >/dev/null || { W='there is no setsid'; return 1; }
  (umask 077; printf '%%s' %[1]s >"$B/watch/run") || { W='is the disk full?'; return 1; }
  %[2]sms_ticks "$me"
  setsid /bin/sh "$B/watch/run" "$me" "$ticks" </dev/null >/dev/null 2>&1 6<&- 7<&- 9>&- &
  k=0
  until [ -f "$B/watch/armed" ]; do
    k=$((k+1))
    [ "$k" -lt 100 ] || { W='it did not begin'; return 1; }
    sleep 0.1 2>/dev/null || sleep 1
  done
}
ms_arm || { rm -rf -- "$B/watch"; printf '%%s broken %%s\n' "$T" "nothing was changed, for the watch that puts it back could not be set: $W"; return 0; }
printf '%%s watching\n' "$T"
`

// watcherPart waits, and takes back. It counts from the end of the batch, by its own seconds: a clock may be set. A batch
// that is stuck would keep the lock, and what it wrote, for ever.
const watcherPart = `ms_armed() { w_run='' && [ -f "$B/watch/armed" ] && read -r w_run _ w_ticks <"$B/watch/armed" && [ "$w_run $w_ticks" = "$RUN $own" ]; }
ms_runs() { ms_ticks "$BATCH"; [ -n "$BEGAN" ] && [ "$ticks" = "$BEGAN" ]; }
# ms_waited: returns 0 under the lock when nobody confirmed in time.
ms_waited() {
  BATCH=$1 BEGAN=$2 own=''
  trap '' HUP
  ms_ticks "$$"
  own=$ticks
  printf '%s %s %s\n' "$RUN" "$$" "$own" >"$B/watch/.armed" && mv -f -T -- "$B/watch/.armed" "$B/watch/armed" || return 1
  ms_sync "$B/watch"
  i=0
  while ms_runs; do
    ms_armed || return 1
    i=$((i+1))
    [ "$i" -lt "$LONGEST" ] || kill -9 "$BATCH"
    sleep 1
  done
  i=0
  while [ "$i" -lt "$WITHIN" ]; do
    ms_armed || return 1
    i=$((i+1))
    sleep 1
  done
  exec 9>>"$B/lock"
  flock 9
  ms_armed || return 1
  printf 'run %s pid %s\n%s\n' "$RUN" "$$" "$own" >"$B/lock"
  (umask 077; printf '%s\n' "$RUN" >"$B/put-back.new")
}
ms_tell() { printf '%s %s %s\n' "$1" "$2" "$(printf '%s' "${3-}" | tr '\n' ' ')" >>"$B/put-back.new"; }
# ms_back I PATH WAS NEW: puts the copy back over what the batch made. What somebody else made since stays.
ms_back() {
  ms_now "$2"
  case $N in
  "$3") ms_tell back "$1"; return 0;;
  "$4") ;;
  *) ms_tell left "$1" 'somebody else changed it since'; return 1;;
  esac
  if [ "$3" = absent ]; then ms_gone "$2" ''
  elif [ ! -e "$B/watch/old.$1" ] && [ ! -L "$B/watch/old.$1" ]; then W='there is no copy of it'; false
  else ms_beside "${2%/*}" && ms_try cp -a -- "$B/watch/old.$1" new && ms_sync "$B" && ms_place "${2##*/}"; fi || { ms_tell left "$1" "$W"; return 1; }
  ms_tell back "$1"
}
# ms_again I OPERATION UNIT: one that failed may have to be forgiven first, and one that is down cannot reload.
ms_again() {
  o=$2
  [ "$o" != reload ] || o=reload-or-restart
  systemctl reset-failed -- "$3" >/dev/null 2>&1 9>&-
  if ms_try systemctl "$o" -- "$3" || { [ "$o" = reload-or-restart ] && ms_try systemctl restart -- "$3"; }; then ms_tell back "$1"; else ms_tell left "$1" "$W"; fi
}
ms_ended() {
  ms_sync "$B/put-back.new"
  mv -f -T -- "$B/put-back.new" "$B/put-back"
  rm -rf -- "$B/watch"
  true >"$B/lock"
}
`

// rewindPart writes the record anew: without the lines that go, and with those that were there before.
const rewindPart = `ms_goes() {
  case $1 in
%[1]s  *) false;;
  esac
}
ms_line() { printf '%%s%%s' "$sep" "$1"; sep=",$nl"; }
ms_lines() {
  sep=''
  while IFS= read -r l; do
    case $l in '},"services":{'|'}}') return 0;; esac
    l=${l%%,}
    [ -z "$l" ] || ms_goes "$l" || ms_line "$l"
  done
  return 1
}
ms_rewound() {
  IFS= read -r l && printf '%%s\n' "$l" && ms_lines || return 1
  %[2]sprintf '\n},"services":{\n'
  ms_lines || return 1
  %[3]sprintf '\n}}\n'
}
if ms_rewound <"$B/record.json" >"$B/.record" && ms_sync "$B/.record"; then mv -f -T -- "$B/.record" "$B/record.json" && ms_sync "$B"
else rm -f -- "$B/.record"; fi
`

// confirmBody says what became of the watch of a run, and with CONFIRM ends it.
const confirmBody = `if [ -f "$B/watch/armed" ] && read -r w_run w_pid w_ticks <"$B/watch/armed" && [ "$w_run" = "$RUN" ]; then
  ms_ticks "$w_pid"
  if [ -n "$CONFIRM" ] || [ "$w_ticks" != "$ticks" ]; then rm -f -- "$B/watch/armed" && rm -rf -- "$B/watch" && printf '%s confirmed\n' "$T"
  else printf '%s armed\n' "$T"; fi
elif [ -f "$B/put-back" ] && { IFS= read -r w_run; [ "$w_run" = "$RUN" ]; } <"$B/put-back"; then
  while IFS= read -r l; do printf '%s said %s\n' "$T" "$l"; done <"$B/put-back"
  printf '%s took\n' "$T"
else printf '%s gone\n' "$T"; fi
`
