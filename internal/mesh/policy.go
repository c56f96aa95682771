package mesh

import "time"

// Policy holds what the repository says under policy. A nil or zero field was
// not said; package plan has the defaults and is the only place that applies them.
type Policy struct {
	Limits      Limits
	SecretNames []string // regular expressions; nil: DefaultSecretNames
	Unreachable Unreachable
	Restart     string // "auto", "manual" or ""
	Apps        AppPolicy
	// Blind are globs over addresses: what the account may not read there is left out.
	Blind   []string                   `json:",omitempty"`
	Rollout map[string]RolloutOverride // by role name
	Origin  map[string]Pos             // rule name such as "limits.outages" → where it is set
}

// Limits bound what one apply may do.
type Limits struct {
	Deletions    *int // resources deleted
	TaskRestarts *int // Marathon tasks restarted
	Hosts        *int // hosts changed
	Outages      *int // restarts after which an ensemble does not serve for a moment
	// IdentityChanges counts members of ensembles that become other ones in place.
	IdentityChanges *int
}

// Unreachable bounds how incomplete a plan may be that is applied nevertheless.
type Unreachable struct {
	Max         *int // targets that could not be observed
	QuorumRoles *int // of those, members of an ensemble
}

// AppPolicy bounds deployments.
type AppPolicy struct {
	Timeout time.Duration // without progress; 0: default
	// OnDeadline is what is done with an app whose deployment makes no progress for so long; "": DeadlineStop.
	OnDeadline OnDeadline
}

// OnDeadline says what becomes of an app whose deployment does not end.
type OnDeadline string

// What may be done at a deadline.
const (
	DeadlineStop     OnDeadline = "stop"     // its deployment goes on, and the run ends
	DeadlineRollback OnDeadline = "rollback" // the app goes back to its definition of before, and the run ends
)

// RolloutOverride replaces single fields of a role's Rollout. An ensemble's
// quorum and one-at-a-time cannot be overridden.
type RolloutOverride struct {
	MaxUnavailable *int
	Canary         *bool
	OnFailure      *string
	Settle         *time.Duration
	Timeout        *time.Duration
}

// DefaultSecretNames are the names of environment variables whose values are
// taken for secrets when policy.secretNames says nothing. Matched without regard to case.
func DefaultSecretNames() []string {
	return []string{`password`, `passwd`, `secret`, `token`, `api_?key`, `private_?key`, `credential`}
}

// Secrets returns the patterns that hold: those that policy says, else the defaults.
func (p Policy) Secrets() []string {
	if p.SecretNames == nil {
		return DefaultSecretNames()
	}
	return p.SecretNames
}
