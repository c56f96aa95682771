package primitive

import (
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// service is a systemd unit: enabled, running, masked. A unit that is not there is none of
// the three. Its changes are the steps
// of a plan, in their order and between their gates; there is nothing to write.
func service() Primitive {
	return Primitive{
		Kind: mesh.Service, Field: "services", order: orderService, Keeps: true,
		Decode: func(declaration []byte) (Declared, error) {
			s, err := decoded[struct {
				Enabled bool          `json:"enabled"`
				Running bool          `json:"running"`
				Masked  bool          `json:"masked"`
				Reads   []string      `json:"reads"`
				On      string        `json:"on"`
				Check   *mesh.Check   `json:"check"`
				Reports *mesh.Reports `json:"reports"`
			}](declaration)
			slices.Sort(s.Reads)
			return Declared{
				Attrs:   map[string]any{"enabled": s.Enabled, "running": s.Running, "masked": s.Masked},
				Service: &mesh.ServiceSpec{Reads: s.Reads, On: s.On, Check: s.Check, Reports: s.Reports},
			}, err
		},
		Named: &Named{Look: lookAtUnits, Read: readUnits},
	}
}

// UnitFile is a unit's full name.
func UnitFile(unit string) string {
	if strings.Contains(unit, ".") {
		return unit
	}
	return unit + ".service"
}

// lookAtUnits asks for all units at once; systemctl prints one block for each, in order.
// Behind them stands /proc/PID/stat of their processes, read by the shell itself.
func lookAtUnits(wanted []Wanted) string {
	var b strings.Builder
	b.WriteString("u=$(systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState,MainPID,NeedDaemonReload --")
	for _, w := range wanted {
		b.WriteString(" " + word(UnitFile(w.Name)))
	}
	b.WriteString(` 2>&1)
printf '%s\n\n--processes--\n' "$u"
IFS=$nl
set -f
for l in $u; do
  case $l in MainPID=*)
    pid=${l#MainPID=}
    case $pid in
    ''|0|*[!0-9]*) ;;
    *) if [ -r "/proc/$pid/stat" ]; then read -r s <"/proc/$pid/stat"; printf '%s\n' "$s"; fi;;
    esac;;
  esac
done
set +f
unset IFS
`)
	return b.String()
}

// processes divides the blocks from the processes.
const processes = "\n\n--processes--\n"

// readUnits makes of the blocks and processes what was seen of each unit.
func readUnits(out string, names []string) []Seen {
	blocks, stats, whole := strings.Cut(out, processes)
	units := parseUnits(blocks)
	ticks, ok := startTicks(stats)
	if !whole || !ok || len(units) != len(names) {
		return nil
	}
	var seen []Seen
	for _, u := range units {
		s := u.seen()
		s.StartTicks = ticks[s.PID]
		seen = append(seen, s)
	}
	return seen
}

// startTicks reads lines of /proc/PID/stat: PID → start time. The name in parentheses
// may hold anything, so fields are counted after the last one. Field 22 is the start time.
func startTicks(stats string) (ticks map[int]uint64, ok bool) {
	ticks = map[int]uint64{}
	for l := range strings.Lines(stats) {
		first, last := strings.IndexByte(l, ' '), strings.LastIndexByte(l, ')')
		if first < 0 || last < 0 {
			return nil, false
		}
		pid, err1 := strconv.Atoi(l[:first])
		fields := strings.Fields(l[last+1:])
		if err1 != nil || len(fields) < 20 {
			return nil, false
		}
		start, err2 := strconv.ParseUint(fields[19], 10, 64)
		if err2 != nil {
			return nil, false
		}
		ticks[pid] = start
	}
	return ticks, true
}

// unit is one block of systemctl show:
//
//	Id=zookeeper.service
//	LoadState=loaded
//	ActiveState=active
//	SubState=running
//	UnitFileState=enabled
//	MainPID=1234
//	NeedDaemonReload=no
type unit struct {
	load, active, file string
	pid                int
	reload             bool
}

// parseUnits reads the blocks in order. They are divided by empty lines; an unknown
// unit has a block, too (LoadState=not-found).
func parseUnits(text string) []unit {
	var out []unit
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		u := unit{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch key {
			case "LoadState":
				u.load = value
			case "ActiveState":
				u.active = value
			case "UnitFileState":
				u.file = value
			case "NeedDaemonReload":
				u.reload = value == "yes"
			case "MainPID":
				u.pid, _ = strconv.Atoi(value)
			}
		}
		out = append(out, u)
	}
	return out
}

func (u unit) seen() Seen {
	switch u.load {
	case "":
		return Seen{Unknown: "systemctl does not describe it: is this a systemd host?"}
	case "not-found":
		return Seen{Attrs: map[string]any{"enabled": false, "running": false, "masked": false}, NoUnit: true}
	}
	masked := u.load == "masked" || strings.HasPrefix(u.file, "masked")
	s := Seen{Attrs: map[string]any{"enabled": u.enabled(), "running": u.running(), "masked": masked}, Reload: u.reload}
	if u.running() {
		s.PID = u.pid
	}
	return s
}

// enabled reports whether the unit starts at boot. A generated unit, as systemd makes
// it of a SysV script, is as enabled as its links in rc.d; systemctl says "generated".
func (u unit) enabled() bool {
	return strings.HasPrefix(u.file, "enabled") || u.file == "generated" || u.file == "static" || u.file == "alias"
}

// running reports whether the unit is up; a oneshot or SysV unit that "exited" is.
func (u unit) running() bool { return u.active == "active" || u.active == "reloading" }
