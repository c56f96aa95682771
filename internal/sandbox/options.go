package sandbox

import (
	"time"

	"meshsync.dev/meshsync/internal/sandbox/hostd"
)

// Options describe a sandbox.
type Options struct {
	Dir       string // its folder; made when it is not there, kept when it ends
	Hosts     []HostOptions
	Marathons []string      // names
	Idle      time.Duration // Serve ends after this time without a connection; 0: never
	User      string        // who logs in; "" is ops
	Mode      Mode          // how hosts are kept apart; "" is as well as the machine can
	Timing    Timing        // of the programs' slow steps
}

// HostOptions describe one host.
type HostOptions = hostd.HostOptions

// UnitOptions describe one unit of a host.
type UnitOptions = hostd.UnitOptions

// PackageOptions describe a package that a host can get.
type PackageOptions = hostd.PackageOptions

// Mode says how hosts are kept apart from the machine: "namespaces" or "plain"; "" is as
// well as the machine can.
type Mode = hostd.Mode

// Timing says how long the slow steps of the programs take.
type Timing = hostd.Timing

func (o Options) user() string {
	if o.User == "" {
		return "ops"
	}
	return o.User
}
