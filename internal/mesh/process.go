package mesh

// ProcessID tells a process from all others of one boot: a pid may be reused, the pair of
// pid and start ticks is not.
type ProcessID struct {
	PID        int    `json:"pid"`
	StartTicks uint64 `json:"start_ticks"` // field 22 of /proc/PID/stat: clock ticks after boot
}

// Process is a running process, or with the pid 0 a unit that runs without one, such as a timer
// or what has done its work and stays up: it started when it began to come up.
type Process struct {
	ProcessID

	StartedAt int64 `json:"started_at"` // the start as Unix nanoseconds, by the clock as it was set when looked at; exact to about 1 s
	// SetSince is by how much the host's clock was set since the unit began to come up, in
	// nanoseconds, below zero for back; 0 when it was not, or when that is not known. A clock
	// that was set and set back again was not. A worker has none of its own.
	SetSince int64 `json:"set_since,omitempty"`
	// Worker is the newest child that runs the same program in the same session, of a service
	// that reloads.
	Worker *Process `json:"worker,omitempty"`
	// ChangedAt is when systemd last saw the state of such a service change, in Unix
	// nanoseconds: it came up, or a reload ended. 0 when that is not known.
	ChangedAt int64 `json:"changed_at,omitempty"`
}

// cameAlong is within what time of a start or a reload a worker came by it, in nanoseconds.
const cameAlong = int64(2e9)

// RenewsWorkers reports whether a reload of the process makes new workers, so that the
// newest one tells what it runs with. There are servers whose children come with connections
// and tell nothing: a worker came when the service started or reloaded. learned says that it is
// known already, since meshsync saw one come.
func (p Process) RenewsWorkers(learned bool) bool {
	if p.Worker == nil {
		return false
	}
	along := func(of int64) bool { return max(of-p.Worker.StartedAt, p.Worker.StartedAt-of) <= cameAlong }
	return learned || along(p.StartedAt) || along(p.ChangedAt)
}

// Newest is the newest worker of a process that has any, else the process.
func (p Process) Newest() Process {
	if p.Worker != nil {
		return *p.Worker
	}
	return p
}
