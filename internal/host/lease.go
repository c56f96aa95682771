package host

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// leaseFunctions read, take and give back the lease, which is a file of six lines: run,
// expiry in seconds by this host's clock, how many seconds it was taken for, who, job,
// process. An expiry that is further away than that is from before the clock was set back, and what
// is no such file is no lease. l_run is who holds it, l_name whom the file names: an expired
// lease is still that run's own when nobody else took it.
const leaseFunctions = `ms_clock() { now=$(date +%s); }
# ms_holder: the run that the lease names, be it expired or not.
ms_holder() {
  l_run=''
  [ ! -f "$B/lease" ] || IFS= read -r l_run <"$B/lease"
}
# ms_uptime: seconds that go on whatever becomes of the clock, without a process.
ms_uptime() {
  up=0
  [ ! -r /proc/uptime ] || read -r up _ </proc/uptime
  up=${up%%.*}
}
ms_seconds() { case $1 in ''|*[!0-9]*|0*|???????????*) return 1;; esac; } # a 0 before it makes it octal
ms_lease() {
  l_run='' l_until='' l_for='' l_who='' l_job='' l_process=''
  [ ! -f "$B/lease" ] || { IFS= read -r l_run; IFS= read -r l_until; IFS= read -r l_for; IFS= read -r l_who; IFS= read -r l_job; IFS= read -r l_process; } <"$B/lease"
  l_name=$l_run
  if ! ms_seconds "$l_until" || ! ms_seconds "$l_for" || [ "$l_for" -gt "$L_FOR" ]; then l_until=0 l_for=0; fi
  l_left=$((l_until-now))
  if [ "$l_left" -le 0 ] || [ "$l_left" -gt "$l_for" ]; then l_run=''; fi
}
ms_renew() {
  { printf '%s\n' "$RUN" "$((now+L_FOR))" "$L_FOR" "$L_WHO" "$L_JOB" "$L_PROCESS" >"$B/.lease" && mv -f -T -- "$B/.lease" "$B/lease"; } 2>/dev/null && return 0
  W='the lease cannot be written: is the disk full or read-only?'
  [ ! -d "$B/lease" ] || W="the lease cannot be written, for $B/lease is a directory: remove it"
  return 1
}
`

// lockFunction takes the lock of the mesh, which a batch holds for its life and says so in
// it: "run RUN pid PID", and in a second line when that process started, for a killed batch leaves
// that behind and its pid may be another's. Others hold it for a moment only, which is waited
// for. Where it fails, h is what the batch that still runs says of itself, or empty. Root
// alone may open it: whoever can read a file can lock it.
const lockFunction = `ms_ticks() {
  ticks=''
  case $1 in ''|*[!0-9]*) return 0;; esac
  { read -r x <"/proc/$1/stat"; } 2>/dev/null || return 0
  set -f
  # shellcheck disable=SC2086 # the fields are wanted one by one
  set -- ${x##*) }
  set +f
  [ $# -lt 20 ] || ticks=${20}
}
ms_lock() {
  umask 077
  exec 9>>"$B/lock"
  umask 022
  k=0
  until flock -n 9; do
    h='' t=''
    { read -r h; read -r t; } <"$B/lock"
    ms_ticks "${h##* }"
    [ -z "$t" ] || [ "$t" != "$ticks" ] || return 1
    h='' k=$((k+1))
    [ "$k" -lt 100 ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}
`

// runOf and atWork read the first line of the lock.
func runOf(lock string) string {
	if f := strings.Fields(lock); len(f) == 4 {
		return f[1]
	}
	return "unknown"
}

func atWork(lock string) string {
	if f := strings.Fields(lock); len(f) == 4 {
		return fmt.Sprintf("batch of run %s still runs, pid %s", f[1], f[3])
	}
	return "a process that does not say of which run it is holds the lock below " + stateFolder + " (fuser names it)"
}

// leaseState sets what ms_renew writes.
func leaseState(l mesh.Lease) string {
	return fmt.Sprintf("L_FOR=%d L_WHO=%s L_JOB=%s L_PROCESS=%s\n", int(mesh.LeaseTime/time.Second), quote(clean(l.Who)), quote(clean(l.Job)), quote(clean(l.Process)))
}

// leaseScript is a script of one function, as the others are. Taking is under the lock that
// a batch holds, so only one of many takes an expired lease, and none that of a batch at work.
func leaseScript(meshName, token, run string, l mesh.Lease, body string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "ms_leasing() {\nT=%s\n%sumask 022\nB=%s RUN=%s\n%s%s", quote(token), observePrelude, rooted(stateDir(meshName)), quote(run), lockFunction+leaseFunctions, leaseState(l))
	s.WriteString(`[ -d "$B" ] || mkdir -p -- "$B" || { printf '%s broken\n' "$T"; return 0; }
ms_lock || { printf '%s busy %s\n' "$T" "$h"; return 0; }
`)
	s.WriteString(body)
	s.WriteString("}\n{ ms_leasing </dev/null; }\n")
	return s.String()
}

// The lock is made with its mode; one that an older version made may have another, and that one left no
// file of a lease that it gave back.
const takeBody = `[ -e "$B/lease" ] || chmod 600 -- "$B/lock" # whoever can open it can hold it
ms_clock
ms_lease
if [ -n "$l_run" ] && [ "$l_run" != "$RUN" ] && [ "$l_run" != "$L_OVER" ]; then
  printf '%s held %s\n%s left %s\n%s who %s\n%s job %s\n%s process %s\n' "$T" "$l_run" "$T" "$l_left" "$T" "$l_who" "$T" "$l_job" "$T" "$l_process"
elif ms_renew; then printf '%s taken\n' "$T"
else printf '%s broken %s\n' "$T" "$W"; fi
`

const renewBody = `ms_clock
ms_lease
if [ "$l_name" != "$RUN" ]; then printf '%s lost %s\n' "$T" "$l_run"
elif ms_renew; then printf '%s taken\n' "$T"
else printf '%s broken %s\n' "$T" "$W"; fi
`

// An expired lease that nobody else took is the run's own as well. An empty file is no lease, and
// takes no process.
const releaseBody = `ms_holder
[ "$l_run" != "$RUN" ] || : >"$B/lease"
printf '%s released\n' "$T"
`

// Take takes the host's lease. The error is a *mesh.Held when another run has it.
func (h *Host) Take(ctx context.Context, l mesh.Lease) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	said, err := h.leasing(ctx, l, "L_OVER="+quote(l.Over)+"\n"+takeBody)
	if err != nil {
		return err
	}
	lock, busy := said["busy"]
	_, taken := said["taken"]
	switch {
	case busy:
		return &mesh.Held{Target: h.Target(), By: mesh.Lease{Run: runOf(lock), Who: "somebody: " + atWork(lock)}}
	case !taken:
		left, _ := strconv.Atoi(said["left"])
		return &mesh.Held{
			Target: h.Target(), Left: time.Duration(left) * time.Second,
			By: mesh.Lease{Run: said["held"], Who: said["who"], Job: said["job"], Process: said["process"]},
		}
	}
	h.lease, h.leased = l, time.Now()
	return nil
}

// Renew makes the lease last from now on. The error is a *mesh.Lost when it is no longer
// the run's own. A batch that is at work renewed it itself.
func (h *Host) Renew(ctx context.Context) error {
	if !h.mu.TryLock() {
		return nil
	}
	defer h.mu.Unlock()
	said, err := h.leasing(ctx, h.lease, renewBody)
	if err != nil {
		return err
	}
	if to, lost := said["lost"]; lost {
		return &mesh.Lost{Target: h.Target(), To: to}
	}
	if err := h.notBusy(said, "renewed"); err != nil {
		return err
	}
	h.leased = time.Now()
	return nil
}

// notBusy is the error of a script that did not get the lock.
func (h *Host) notBusy(said map[string]string, what string) error {
	lock, busy := said["busy"]
	if !busy {
		return nil
	}
	return &remote.Error{Outcome: mesh.Busy, Host: h.o.Name, Msg: "the lease could not be " + what + ": " + atWork(lock)}
}

// Release gives the lease back, if it is still the run's own.
func (h *Host) Release(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	said, err := h.leasing(ctx, h.lease, releaseBody)
	if err != nil {
		return err
	}
	return h.notBusy(said, "given back")
}

// leasing runs one of the scripts and returns the lines that it said, by their first word.
func (h *Host) leasing(ctx context.Context, l mesh.Lease, body string) (map[string]string, error) {
	if !plain(h.o.Mesh) || !plain(l.Run) {
		return nil, fmt.Errorf("host %s: mesh %q or run %q is no plain word", h.o.Name, h.o.Mesh, l.Run)
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	token := newToken()
	r, err := h.run(ctx, leaseScript(h.o.Mesh, token, l.Run, l, body))
	if err != nil {
		return nil, err
	}
	said := map[string]string{}
	for line := range bytes.Lines(r.Stdout) {
		if rest, own := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), token+" "); own {
			word, arg, _ := strings.Cut(rest, " ")
			said[word] = clean(arg)
		}
	}
	why, broken := said["broken"]
	if broken || !slices.ContainsFunc(leaseAnswers(), func(word string) bool { _, ok := said[word]; return ok }) {
		return nil, &remote.Error{Outcome: mesh.ScriptFailed, Host: h.o.Name, Msg: cmp.Or(why, "the lease cannot be written: is the disk full or read-only?")}
	}
	return said, nil
}

// leaseAnswers are how a script about the lease ends; one that does not say any broke.
func leaseAnswers() []string { return []string{"taken", "held", "busy", "lost", "released"} }
