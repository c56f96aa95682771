package mesh

import (
	"fmt"
	"time"
)

// Lease says who works on a target. Whoever holds it is alone there until it is released,
// or until it expires by the target's own clock.
type Lease struct {
	Run     string // id of the run
	Who     string // for people: user and machine
	Job     string // URL of the CI job; "" for none
	Process string // identifies the process on its machine, see the command line's package
	// Over is the run whose lease may be taken although it has not expired, because its
	// process is known to have ended; "" for none.
	Over string
}

// LeaseTime is how long a lease lasts when it is not renewed: longer than a connection is
// usually away, shorter than somebody waits who has to mend what a killed run left.
const LeaseTime = 5 * time.Minute

// Held is a lease that a run has now: why another one cannot take it.
type Held struct {
	Target Target
	By     Lease
	Left   time.Duration // until it expires; 0 when nobody can tell
}

// Error says who holds it, and for how long.
func (h *Held) Error() string {
	text := fmt.Sprintf("%s is leased by the run %s of %s", h.Target, h.By.Run, h.By.Who)
	if h.By.Job != "" {
		text += " (" + h.By.Job + ")"
	}
	if h.Left == 0 {
		return text + "; when that ends is not known"
	}
	return fmt.Sprintf("%s; unless that run renews it, the lease ends in %s", text, h.Left.Round(time.Second))
}

// Lost is why a run must stop: its lease is no longer its own.
type Lost struct {
	Target Target
	To     string // the run that has it now; "" when it expired
	Gone   bool   // somebody removed it, or changed whose it is
}

func (l *Lost) Error() string {
	if l.Gone {
		return fmt.Sprintf("the lease of %s is gone: somebody deleted or changed it by hand", l.Target)
	}
	if l.To == "" {
		return fmt.Sprintf("the lease of %s expired: the run was away from it for too long", l.Target)
	}
	return fmt.Sprintf("the lease of %s was taken by the run %s", l.Target, l.To)
}
