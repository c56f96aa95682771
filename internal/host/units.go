package host

import (
	"strconv"
	"strings"
)

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
	load, active, sub, file string
	pid                     int
	known                   bool // the block was complete
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
				u.load, u.known = value, true
			case "ActiveState":
				u.active = value
			case "SubState":
				u.sub = value
			case "UnitFileState":
				u.file = value
			case "MainPID":
				u.pid, _ = strconv.Atoi(value)
			}
		}
		out = append(out, u)
	}
	return out
}

// enabled reports whether the unit starts at boot. A generated unit, as systemd makes
// it of a SysV script, is as enabled as its links in rc.d; systemctl says "generated".
func (u unit) enabled() bool {
	return strings.HasPrefix(u.file, "enabled") || u.file == "generated" || u.file == "static" || u.file == "alias"
}

// running reports whether the unit is up; a oneshot or SysV unit that "exited" is.
func (u unit) running() bool { return u.active == "active" || u.active == "reloading" }
