package host

import (
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/primitive"
)

// rounded is by what two times may differ that are one, since each is cut to its second.
const rounded = int64(time.Second)

// now is what the host's clock says, in Unix nanoseconds; 0 when that is not known.
func (p *parser) now() int64 {
	if p.btime == 0 || p.uptime == 0 {
		return 0
	}
	return p.btime*1e9 + int64(p.uptime*1e9)
}

// uptimeOf reads the uptime and the line of /proc/PID/stat of a process that runs; 0 when that one
// started later than the host says to be up, so that it says so of something else than its boot time.
func uptimeOf(said string) float64 {
	up, stat, _ := strings.Cut(said, " ")
	uptime, _ := strconv.ParseFloat(up, 64)
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	const start = 19 // behind the name
	if len(fields) > start {
		if ticks, _ := strconv.ParseFloat(fields[start], 64); ticks/ticksPerSecond > uptime+1 {
			return 0
		}
	}
	return uptime
}

// setSince is by how much the host's clock was set since a unit began to come up, in nanoseconds. A
// host's boot time is what its clock says less the time since the boot, so it moves when the clock
// is set: it is now another one than by the two times that systemd noted.
//
// systemd's time does not go on while a machine sleeps, but the kernel's does, by which processes
// start: where the start of this one is when systemd says, the clock is the same.
func (p *parser) setSince(seen primitive.Seen) int64 {
	if seen.Began.Wall == 0 || seen.Began.Elapsed == 0 || p.btime == 0 {
		return 0
	}
	noted := seen.Began.Wall * 1e9
	by := p.btime*1e9 - (noted - int64(seen.Began.Elapsed)*1e3) //nolint:gosec // microseconds since boot
	slept := by < 0 && within(startedAt(p.btime, seen.StartTicks)-noted, rounded)
	if within(by, rounded) || slept {
		return 0
	}
	return by
}

func within(d, limit int64) bool { return -limit <= d && d <= limit }
