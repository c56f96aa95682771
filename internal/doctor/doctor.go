// Package doctor judges what was found out about the ways to the targets of a mesh: who is
// let in, what may be read and written, and what to do about the rest. It is pure.
package doctor

import (
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// Level says how much a finding matters.
type Level string

// The levels. A problem keeps meshsync from doing its work; a warning may.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Problem Level = "problem"
)

// Finding is one thing that was found out.
type Finding struct {
	Level   Level  `json:"level"`
	Topic   string `json:"topic"` // reach, shell, clock, sudo, read, write, version
	Message string `json:"message"`
	Do      string `json:"do,omitempty"`
}

// Diagnosis has the findings about one target.
type Diagnosis struct {
	Target   mesh.Target `json:"target"`
	Findings []Finding   `json:"findings"`
}

// Troubled reports whether a target has a problem.
func (t Diagnosis) Troubled() bool {
	for _, f := range t.Findings {
		if f.Level == Problem {
			return true
		}
	}
	return false
}

// add adds a finding.
func (t *Diagnosis) add(level Level, topic, message, do string) {
	t.Findings = append(t.Findings, Finding{Level: level, Topic: topic, Message: message, Do: do})
}

// HostFacts are what was found out about a host.
type HostFacts struct {
	Name string
	User string
	Sudo mesh.Sudo
	// Outcome is how the way there ended: mesh.OK once a script ran. Message and Hint tell more.
	Outcome       mesh.Outcome
	Message, Hint string

	AsRoot  bool     // the scripts run as root
	Rights  []Right  // the commands that go by way of sudo for this user
	Groups  []string // of whom the scripts run as
	Lacks   []string // tools that are not there
	Clients []string // of those with which services are asked: perl, bash, curl
	// Skew is by how much the host's clock is certainly ahead of ours.
	Skew     time.Duration
	Folder   string // of the record, or what is there of the way to it
	Recorded bool   // the record's folder itself is there
	Writable bool   // by whom the scripts run as
	Free     int64  // bytes there; -1 when the host does not say

	Declared int // resources of the host in git
	State    mesh.TargetState
	// Blind are the resources that policy declares to be blind spots.
	Blind map[mesh.Address]bool
	// Secrets are the resources that git declares to be secrets.
	Secrets map[mesh.Address]bool
	// Barriers are what keeps the user from what it may not look at, by path.
	Barriers map[string]Barrier
}

// Right is a command that goes by way of sudo.
type Right struct {
	Purpose string
	Denied  string // why sudo refuses it; "" when it does not
}

// Barrier is the file or directory on the way to a path that the user may not read or enter.
type Barrier struct {
	Path, Owner, Group string
	Mode               uint32
}
