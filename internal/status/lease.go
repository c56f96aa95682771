package status

import (
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Lease is that a run is at work on a target, or was when it was killed.
type Lease struct {
	Target  mesh.Target `json:"target"`
	Run     string      `json:"run"`
	Who     string      `json:"who"` // user and machine
	Job     string      `json:"job,omitempty"`
	Seconds int         `json:"seconds"` // until it ends, unless that run renews it; 0: nobody can tell
	// Ended is true when its process is known to have ended: the next run on that machine takes it at once.
	Ended   bool   `json:"ended,omitempty"`
	Process string `json:"-"` // see mesh.Lease
}

// leases lists who holds a lease; sorted by target.
func (b *builder) leases() {
	for _, s := range b.states {
		held := holder(s)
		if held == nil {
			continue
		}
		b.status.Leases = append(b.status.Leases, Lease{
			Target: s.Target, Run: held.By.Run, Who: held.By.Who, Job: held.By.Job, Process: held.By.Process,
			Seconds: int(held.Left.Seconds()),
		})
	}
	slices.SortFunc(b.status.Leases, func(x, y Lease) int { return x.Target.Compare(y.Target) })
}

func holder(s mesh.TargetState) *mesh.Held {
	switch {
	case s.Host != nil:
		return s.Host.Lease
	case s.Marathon != nil:
		return s.Marathon.Lease
	default:
		return nil
	}
}
