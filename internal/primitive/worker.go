package primitive

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// UnitWorker is a shell function that finds the newest child of a unit's main process that
// runs the same program in the same session: a master such as HAProxy's or nginx's makes new
// ones when it reloads, and stays the same process itself. A child that sshd makes for a
// connection has a session of its own. It is called after ms_unit_process and puts the line of
// /proc/PID/stat into w, or "-" where there is none, the pid into wp and the start into wt. A
// kernel that does not list children (CONFIG_PROC_CHILDREN) has none.
const UnitWorker = `ms_worker() {
  w=- wp=0 wt=0 wl='' wn=${s#*"("}
  wn=${wn%")"*}
  if [ "$s" = - ] || [ ! -r "/proc/$pid/task/$pid/children" ]; then return 0; fi
  # shellcheck disable=SC2086 # the fields are wanted one by one
  set -- ${s##*) }
  ws=$4
  read -r wl <"/proc/$pid/task/$pid/children" # it has no line end
  for c in $wl; do
    if [ ! -r "/proc/$c/stat" ] || ! read -r x <"/proc/$c/stat"; then continue; fi
    case $x in
    "$c ($wn) Z "*) ;;
    "$c ($wn) "*)
      # shellcheck disable=SC2086 # the fields are wanted one by one
      set -- ${x##*) }
      [ "$4" = "$ws" ] || continue
      shift 19
      if [ "$1" -gt "$wt" ] || { [ "$1" = "$wt" ] && [ "$c" -gt "$wp" ]; }; then w=$x wp=$c wt=$1; fi;;
    esac
  done
}
`

// workersOf is a shell word of the numbers of the units whose workers are looked at.
func workersOf(wanted []Wanted) string {
	var b strings.Builder
	for i, w := range wanted {
		if w.Workers {
			fmt.Fprintf(&b, " %d", i)
		}
	}
	return word(b.String() + " ")
}

// workerMark begins the line of a worker, behind that of its main process.
const workerMark = "+"

// splitWorkers divides the lines of processes from those of their workers, by unit. Nil
// workers are of units that were not asked for them.
func splitWorkers(lines []string) (processes []string, workers map[int]string) {
	workers = map[int]string{}
	for _, line := range lines {
		if worker, is := strings.CutPrefix(line, workerMark); is {
			workers[len(processes)-1] = worker
		} else {
			processes = append(processes, line)
		}
	}
	return processes, workers
}

// seconds reads a time of systemctl show that is in UTC; 0 where it says none, or one in
// another zone, whose name does not tell what it is.
func seconds(value string) int64 {
	t, err := time.Parse("Mon 2006-01-02 15:04:05 UTC", value)
	if err != nil {
		return 0
	}
	return t.Unix()
}

// microseconds reads a monotonic time of systemctl show; 0 where it says none.
func microseconds(value string) uint64 {
	n, _ := strconv.ParseUint(value, 10, 64)
	return n
}
