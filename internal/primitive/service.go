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

// UnitProperties are what systemctl show is asked for. Accounts that only read have it in
// their sudoers to the letter.
const UnitProperties = "Id,LoadState,ActiveState,SubState,UnitFileState,MainPID,ControlGroup,NeedDaemonReload,FragmentPath,DropInPaths,KillMode,ExecCondition,ExecStartPre,ExecStartPost,ExecStop,ExecStopPost,StateChangeTimestampMonotonic,InactiveExitTimestamp,InactiveExitTimestampMonotonic"

// RootSlice is the unit that is there since systemd came up, on every host: it began when that did.
const RootSlice = "-.slice"

// lookAtUnits asks for all units at once; systemctl prints one block for each, in order, with
// times by UTC, whatever the zone of the host.
// Behind them stands a line for the process of each, and one for the newest worker where that is asked for,
// and the names of those that are to be enabled. The line is that of /proc/PID/stat, or @PID, and PID is in ps
// then: a shell reads byte by byte, so these are left to what reads the facts.
func lookAtUnits(wanted []Wanted) string {
	var b strings.Builder
	workers, worker := "", ""
	if slices.ContainsFunc(wanted, func(w Wanted) bool { return w.Workers }) {
		workers = UnitWorker + "have=" + workersOf(wanted) + "\n"
		worker = `  case $have in *" $k "*) ms_unit_process "$b"; printf '%s\n' "$s"; ms_worker; s=''; printf '` + workerMark + `%s\n' "$w";; esac` + "\n"
	}
	b.WriteString(UnitProcess + workers + "u=$(TZ=UTC; export TZ; systemctl show -p " + UnitProperties + " --")
	for _, w := range wanted {
		b.WriteString(" " + word(UnitFile(w.Name)))
	}
	b.WriteString(` 2>&1)
printf '%s\n\n--processes--\n' "$u"
k=0 part=''
while [ -n "$u" ]; do
  case $u in
  *"$nl$nl"*) b=$part${u%%"$nl$nl"*} u=${u#*"$nl$nl"};;
  *) b=$part$u u='';;
  esac
  case $nl$b in *"${nl}Id="*) part='';; *) part=$b$nl$nl; continue;; esac
  s=-
` + worker + `  if [ -n "$s" ]; then
    ms_unit_pid "$b"
    case $pid in
    ''|0|*[!0-9]*) printf '%s\n' -;;
    *) ps="$ps $pid"; printf '@%s\n' "$pid";;
    esac
  fi
  k=$((k+1))
done
printf '\n--enabled--\n'
`)
	for _, w := range wanted {
		if w.Attrs["enabled"] == true {
			b.WriteString("printf '%s\\n' " + word(w.Name) + "\n")
		}
	}
	b.WriteString(`printf '\n--rc--\n'
for l in "$R"/etc/rc[2345].d/S[0-9][0-9]*; do printf '%s\n' "${l##*/S[0-9][0-9]}"; done
`)
	return b.String()
}

// What lookAtUnits prints between its parts: blocks, processes, names of units that are to be
// enabled, names of init.d's scripts that a boot starts.
const (
	processes = "\n\n--processes--\n"
	toEnable  = "\n--enabled--\n"
	scripts   = "\n--rc--\n"
)

// ProcessLines stands behind what Look of services prints, and behind it a line of /proc/PID/stat for each
// process in ps that was still there.
const ProcessLines = "\n--stats--\n"

// readUnits makes of the blocks and processes what was seen of each unit.
func readUnits(out string, names []string) []Seen {
	told := ""
	if i := strings.LastIndex(out, ProcessLines); i >= 0 {
		out, told = out[:i], out[i+len(ProcessLines)-1:]
	}
	blocks, rest, one := strings.Cut(out, processes)
	stats, rest, two := strings.Cut("\n"+rest, toEnable)
	enable, links, three := strings.Cut("\n"+rest, scripts)
	units := parseUnits(blocks)
	if one && len(units) == 1 && units[0].load == "" { // no host of systemd, or it does not answer
		return slices.Repeat([]Seen{{Unknown: notDescribed}}, len(names))
	}
	lines, workers := splitWorkers(strings.Split(strings.TrimSuffix(strings.TrimPrefix(stats, "\n"), "\n"), "\n"))
	if !one || !two || !three || len(units) != len(names) || len(lines) != len(names) {
		return nil
	}
	listed := func(list, name string) bool { return strings.Contains("\n"+list+"\n", "\n"+name+"\n") }
	var seen []Seen
	for i, u := range units {
		pid, ticks, ok := startTicks(lineOf(lines[i], told))
		if !ok {
			return nil
		}
		u.linked = listed(links, strings.TrimSuffix(names[i], ".service"))
		u.toEnable = listed(enable, names[i])
		as := u.seen(pid, ticks)
		if line, asked := workers[i]; asked {
			if as.Worker.PID, as.Worker.StartTicks, ok = startTicks(line); !ok {
				return nil
			}
			as.ChangedAt = u.changed
		}
		seen = append(seen, as)
	}
	return seen
}

// lineOf is a process's line of /proc/PID/stat, which may stand among those that were told later; "-" where
// the process has ended.
func lineOf(line, told string) string {
	pid, later := strings.CutPrefix(line, "@")
	if !later {
		return line
	}
	_, rest, there := strings.Cut(told, "\n"+pid+" ")
	if !there {
		return "-"
	}
	rest, _, _ = strings.Cut(rest, "\n")
	return pid + " " + rest
}

// startTicks reads a line of /proc/PID/stat, or "-" for no process. The name in parentheses
// may hold anything, so fields are counted after the last one. Field 22 is the start time.
func startTicks(line string) (pid int, ticks uint64, ok bool) {
	if line == "-" {
		return 0, 0, true
	}
	first, last := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ')')
	if first < 0 || last < 0 {
		return 0, 0, false
	}
	pid, err1 := strconv.Atoi(line[:first])
	fields := strings.Fields(line[last+1:])
	if err1 != nil || len(fields) < 20 {
		return 0, 0, false
	}
	ticks, err2 := strconv.ParseUint(fields[19], 10, 64)
	return pid, ticks, err2 == nil
}

// unit is one block of systemctl show:
//
//	Id=zookeeper.service
//	LoadState=loaded
//	ActiveState=active
//	SubState=running
//	UnitFileState=enabled
//	MainPID=1234
//	ControlGroup=/system.slice/zookeeper.service
//	NeedDaemonReload=no
//	FragmentPath=/lib/systemd/system/zookeeper.service
//	DropInPaths=/etc/systemd/system/zookeeper.service.d/heap.conf
//	KillMode=control-group
//	StateChangeTimestampMonotonic=81244516
//	InactiveExitTimestamp=Sat 2026-11-28 21:51:38 UTC
//	InactiveExitTimestampMonotonic=80991223
type unit struct {
	load, active, sub, file string
	pid                     int
	reload                  bool
	kills                   string   // what it kills when it ends
	others                  bool     // commands run there besides its main one
	files                   []string // by which systemd has loaded it
	changed                 uint64
	began                   Moment // when it began to come up
	linked                  bool   // a boot starts the script of init.d that has its name
	toEnable                bool   // it is declared to be enabled
}

// blocksOf are the blocks in order; an unknown unit has one, too (LoadState=not-found). They are
// divided by empty lines, but a command of the unit, which stands before its Id, may have some itself.
func blocksOf(text string) []string {
	var out []string
	part := ""
	for b := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		part += b
		if strings.Contains("\n"+part, "\nId=") {
			out, part = append(out, part), ""
		} else {
			part += "\n\n"
		}
	}
	if len(out) == 0 || strings.TrimSpace(part) != "" {
		out = append(out, part) // systemd does not answer
	}
	return out
}

func parseUnits(text string) []unit {
	var out []unit
	for _, block := range blocksOf(text) {
		u := unit{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch key {
			case "LoadState":
				u.load = value
			case "ActiveState":
				u.active = value
			case "SubState":
				u.sub = value
			case "UnitFileState":
				u.file = value
			case "NeedDaemonReload":
				u.reload = value == "yes"
			case "KillMode":
				u.kills = value
			case "ExecCondition", "ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost":
				u.others = u.others || value != ""
			case "FragmentPath", "DropInPaths":
				u.files = append(u.files, strings.Fields(value)...)
			case "InactiveExitTimestampMonotonic":
				u.began.Elapsed = microseconds(value)
			case "InactiveExitTimestamp":
				u.began.Wall = seconds(value)
			case "StateChangeTimestampMonotonic":
				u.changed = microseconds(value)
			case "MainPID":
				u.pid, _ = strconv.Atoi(value)
			}
		}
		out = append(out, u)
	}
	return out
}

func (u unit) seen(pid int, ticks uint64) Seen {
	switch u.load {
	case "":
		return Seen{Unknown: notDescribed}
	case "not-found":
		return Seen{Attrs: map[string]any{"enabled": false, "running": false, "masked": false}, NoUnit: true}
	}
	if u.toEnable && u.file == "static" && !u.reload { // one that is to be loaded anew may have become another
		return Seen{Unknown: staticUnit}
	}
	masked := u.load == "masked" || strings.HasPrefix(u.file, "masked")
	s := Seen{Attrs: map[string]any{"enabled": u.enabled(), "running": u.running(pid), "masked": masked}, Reload: u.reload, Began: u.began}
	s.Tidy = u.kills == "control-group" && !u.others && !u.reload
	if u.reload {
		s.Loaded = u.files
	}
	switch {
	case !u.running(pid):
	case pid != 0:
		s.PID, s.StartTicks = pid, ticks
	case u.pid != 0:
		s.PID = u.pid // it has gone since
	default:
		s.StartTicks = u.began.Elapsed / microsecondsPerTick
	}
	return s
}

// notDescribed is told of a unit of which systemctl says nothing.
const notDescribed = "systemctl does not describe it: is this a systemd host?"

// staticUnit is told of a unit of which systemctl enable takes nothing and says that all is well.
const staticUnit = "its unit is static: it has no [Install] section, so nothing can enable it, and it starts when another unit wants it; " +
	"declare enabled: false, or give the unit an [Install] section"

// microsecondsPerTick makes clock ticks of what systemd says: a unit that runs without a process,
// as timers and sockets do, is told from what it was before a restart by when it began to come up.
const microsecondsPerTick = 10_000

// enabled reports whether the unit itself was made to start at boot, and not until the next one
// only ("enabled-runtime"). A generated unit, as systemd makes
// it of a SysV script, is as enabled as its links in rc.d; systemctl says "generated".
func (u unit) enabled() bool {
	return u.file == "enabled" || u.file == "generated" && u.linked || u.file == "alias"
}

// running reports whether the unit is up; a oneshot unit that "exited" is. That a SysV script
// exited says only that it was called: its daemon is up when it has a process.
func (u unit) running(pid int) bool {
	if u.file == "generated" && u.sub == "exited" {
		return u.active == "active" && pid != 0
	}
	return u.active == "active" || u.active == "reloading"
}
