package hostd

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A snapshot is a unit's state at one moment.
type snapshot struct {
	state, result string
	exitCode, pid int
	since         time.Time
}

func (u *unit) snapshot() snapshot {
	u.host.world.mu.Lock()
	defer u.host.world.mu.Unlock()
	s := snapshot{state: u.state, result: u.result, exitCode: u.exitCode, since: u.since}
	if u.main != nil {
		s.pid = u.main.pid
	}
	return s
}

// A property is one line of systemctl show.
type property struct{ name, value string }

// show prints properties of units: a block each, in the order of the units, with an empty
// line between two. Within a block they come in systemd's own order, whatever was asked for.
func (h *Host) show(c call, a *answer) {
	if len(c.units) == 0 {
		a.printf("Version=252.39-1~deb12u1\n")
		return
	}
	for i, name := range c.units {
		if i > 0 {
			a.printf("\n")
		}
		for _, p := range h.properties(name) {
			asked := slices.Contains(c.properties, p.name)
			switch {
			case len(c.properties) > 0 && !asked, len(c.properties) == 0 && p.value == "" && !c.all:
			case c.value:
				a.printf("%s\n", p.value)
			default:
				a.printf("%s=%s\n", p.name, p.value)
			}
		}
	}
}

// properties lists what is known of a unit, in systemd's order.
func (h *Host) properties(name string) []property {
	if name == rootSlice {
		return h.rootSlice()
	}
	u := h.unit(name)
	if u == nil {
		return missingUnit(full(name))
	}
	s := u.snapshot()
	file := u.fragment()
	load, need, sub := "loaded", "no", map[string]string{stateActive: "running", stateInactive: "dead", stateFailed: "failed"}[s.state]
	if u.masked() {
		load, file = "masked", "/etc/systemd/system/"+full(name)
	} else if u.stale() {
		need = "yes"
	}
	pid := strconv.Itoa(s.pid)
	return []property{
		{"Type", "simple"},
		{"Restart", "no"},
		{"MainPID", pid},
		{"ControlPID", "0"},
		{"Result", s.result},
		{"NRestarts", "0"},
		{"ExecMainPID", pid},
		{"ExecMainStatus", strconv.Itoa(s.exitCode)},
		{"Id", full(name)},
		{"Names", full(name)},
		{"Description", u.name},
		{"LoadState", load},
		{"ActiveState", s.state},
		{"FreezerState", "running"},
		{"SubState", sub},
		{"FragmentPath", shown(file)},
		{"DropInPaths", strings.Join(u.loadedDropIns(), " ")},
		{"UnitFileState", u.fileState()},
		{"UnitFilePreset", "enabled"},
		{"StateChangeTimestamp", timestamp(s.since)},
		{"StateChangeTimestampMonotonic", monotonic(s.since)},
		{"InactiveExitTimestamp", activeOnly(s, timestamp(s.since))},
		{"InactiveExitTimestampMonotonic", activeOnly(s, monotonic(s.since))},
		{"ActiveEnterTimestamp", activeOnly(s, timestamp(s.since))},
		{"ActiveEnterTimestampMonotonic", activeOnly(s, monotonic(s.since))},
		{"CanStart", "yes"},
		{"CanStop", "yes"},
		{"CanReload", map[bool]string{true: "yes", false: "no"}[u.reloads()]},
		{"NeedDaemonReload", need},
		{"ConditionResult", "yes"},
	}
}

// rootSlice is the unit that holds all others: it is there since systemd came up.
const rootSlice = "-.slice"

func (h *Host) rootSlice() []property {
	return []property{
		{"ControlGroup", "/"},
		{"Id", rootSlice},
		{"Names", rootSlice},
		{"Description", "Root Slice"},
		{"LoadState", "loaded"},
		{"ActiveState", stateActive},
		{"FreezerState", "running"},
		{"SubState", stateActive},
		{"FragmentPath", ""},
		{"UnitFileState", ""},
		{"UnitFilePreset", ""},
		{"StateChangeTimestamp", timestamp(h.booted)},
		{"StateChangeTimestampMonotonic", h.elapsed},
		{"InactiveExitTimestamp", timestamp(h.booted)},
		{"InactiveExitTimestampMonotonic", h.elapsed},
		{"ActiveEnterTimestamp", timestamp(h.booted)},
		{"ActiveEnterTimestampMonotonic", h.elapsed},
		{"CanStart", "yes"},
		{"CanStop", "no"},
		{"CanReload", "no"},
		{"NeedDaemonReload", "no"},
		{"ConditionResult", "no"},
	}
}

// shown is a file as Debian's systemd names it.
func shown(file string) string { return strings.Replace(file, "/usr/lib/", "/lib/", 1) }

// loadedDropIns are those that systemd read last.
func (u *unit) loadedDropIns() []string {
	u.host.world.mu.Lock()
	was := u.host.loaded[u.name]
	u.host.world.mu.Unlock()
	var out []string
	for line := range strings.Lines(was.stamp) {
		file, _, _ := strings.Cut(line, " ")
		if strings.HasSuffix(file, ".conf") {
			out = append(out, shown(file))
		}
	}
	return out
}

// stale reports whether the unit's files are others than when systemd read them last.
func (u *unit) stale() bool {
	u.host.world.mu.Lock()
	was := u.host.loaded[u.name]
	u.host.world.mu.Unlock()
	return u.stamp(was.dropIns) != was.stamp
}

// missingUnit is what systemd says of a unit that nobody has heard of.
func missingUnit(name string) []property {
	return []property{
		{"Restart", "no"},
		{"MainPID", "0"},
		{"ControlPID", "0"},
		{"Result", "success"},
		{"NRestarts", "0"},
		{"ExecMainPID", "0"},
		{"ExecMainStatus", "0"},
		{"Id", name},
		{"Names", name},
		{"Description", name},
		{"LoadState", "not-found"},
		{"ActiveState", stateInactive},
		{"FreezerState", "running"},
		{"SubState", "dead"},
		{"FragmentPath", ""},
		{"DropInPaths", ""},
		{"UnitFileState", ""},
		{"UnitFilePreset", ""},
		{"StateChangeTimestamp", ""},
		{"StateChangeTimestampMonotonic", "0"},
		{"InactiveExitTimestamp", ""},
		{"InactiveExitTimestampMonotonic", "0"},
		{"ActiveEnterTimestamp", ""},
		{"ActiveEnterTimestampMonotonic", "0"},
		{"CanStart", "no"},
		{"CanStop", "yes"},
		{"CanReload", "no"},
		{"NeedDaemonReload", "no"},
		{"ConditionResult", "no"},
	}
}

func activeOnly(s snapshot, text string) string {
	if s.state == stateActive {
		return text
	}
	return ""
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("Mon 2006-01-02 15:04:05 MST")
}
