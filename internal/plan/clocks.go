package plan

import (
	"fmt"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// clockMargin is added on both sides when clocks decide: process start and file
// change time are each rounded to about a second, in nanoseconds.
const clockMargin = int64(2e9)

// startTimes are when a process started, in Unix nanoseconds, by each setting that its host's
// clock is known to have had: as it is now, as it was at the start, and as it was at the boot.
type startTimes struct{ now, then, boot int64 }

func startTimesOf(p mesh.Process, h mesh.HostFacts) startTimes {
	at := p.Newest().StartedAt
	return startTimes{at, at - p.SetSince, at - h.SetSinceBoot}
}

// first is the time before which a change came before the start: a change that came after it has
// its time by the clock of the start, or of since.
func (s startTimes) first() int64 { return min(s.now, s.then) }

// last is the time after which a change came after the start: one that came before it has
// its time by the clock of the start, or of the boot, or where it came before the boot
// by one that was right, as the present one is taken to be.
func (s startTimes) last() int64 { return max(s.now, s.then, s.boot) }

// unsure says why nobody knows of a change between the two whether it came before the start.
func (s startTimes) unsure(path string, changed int64, what string) string {
	by, since := s.now-s.then, ""
	switch {
	case changed > s.now-clockMargin && changed <= s.now+clockMargin:
		return path + " changed within 2 s of the process's start: it may or may not run with it"
	case by == 0 || changed > max(s.now, s.then)+clockMargin:
		by, since = s.now-s.boot, " it booted"
	}
	way := "forward"
	if by < 0 {
		way, by = "back", -by
	}
	return fmt.Sprintf("%s changed before or after %s had started: the host's clock was set %s by %s since%s, so that no clock tells", path, what, way, inWords(by), since)
}

// inWords is about how long a span of nanoseconds is, in the largest unit of which it has two.
func inWords(ns int64) string {
	d := time.Duration(ns).Round(time.Second)
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= 2*unit.of {
			return fmt.Sprintf("%d %s", d.Round(unit.of)/unit.of, unit.name)
		}
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
