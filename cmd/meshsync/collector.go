package main

import (
	"math"
	"runtime"
	"runtime/debug"
)

// How much garbage there may be, in percent of what is in use, before it is collected.
const (
	// whileEvaluating: CUE leaves much garbage, and this is where a repository takes most memory. A quarter more
	// of it than by default saves a twentieth of the time.
	whileEvaluating = 125
	// afterwards: what is in use is few MB again.
	afterwards = 400
	// whileServing: a sandbox keeps its hosts for hours, and what is in use grows with their number.
	whileServing = 100
)

// ample is the memory up to which garbage is let be: 448 MiB, which a mesh of a thousand hosts stays in well.
const ample = 448 << 20

// collectAt sets when garbage is collected, unless the caller's environment says so.
func (e *environment) collectAt(percent int) {
	if e.getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// relaxCollector gives up what reading the mesh took, ten times the memory of its result, so that what
// comes after takes its place and not more. Then it lets garbage grow; of many MB that would be more
// than there need be, so beyond ample it collects more often.
func (e *environment) relaxCollector() {
	if e.getenv("GOGC") != "" {
		return
	}
	runtime.GC()
	debug.SetGCPercent(afterwards)
	if e.getenv("GOMEMLIMIT") != "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetMemoryLimit(max(ample, 4*int64(m.HeapAlloc))) //nolint:gosec // memory that there is
}

// collectAsServer takes back what relaxCollector set: a sandbox of a thousand hosts has in use what a plan of
// them stays below, and near the limit it would do little else than collect.
func (e *environment) collectAsServer() {
	e.collectAt(whileServing)
	if e.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}
