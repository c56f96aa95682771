// Package status says how a cluster is, from what was observed of it: which ensembles have
// their quorum and who leads them, which services and apps do what git wants of them, who is
// at work. It is pure, and it compares nothing with git but what is meant to run.
package status

import (
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// Status is how a cluster was when it was looked at. Whether it is healthy and whether all
// of it was seen are two questions with two answers.
type Status struct {
	Healthy  bool `json:"healthy"`  // nothing that was seen is wrong
	Complete bool `json:"complete"` // all was seen that health depends on

	Wrong     []Finding  `json:"wrong"`  // the worst first
	Unseen    []Finding  `json:"unseen"` // what nobody knows; it is neither healthy nor wrong
	Groups    []Group    `json:"groups"` // in the layers of their roles
	Marathons []Marathon `json:"marathons"`
	Leases    []Lease    `json:"leases"` // that are held now; sorted by target
	// Stale are processes that run with old input, Unsure those of which clocks cannot tell. They serve
	// all the same.
	Stale  []plan.Evidence `json:"stale"`
	Unsure []plan.Evidence `json:"unsure"`
}

// Finding is one thing that is wrong, or that could not be seen.
type Finding struct {
	Code    Code   `json:"code"`
	Subject string `json:"subject"` // an ensemble, a unit, an address or a target
	Message string `json:"message"` // numbers included
	Do      string `json:"do,omitempty"`
}

// Code says what kind of finding it is; it is stable and for machines.
type Code string

// The codes, the worst first.
const (
	QuorumLost     Code = "quorum.lost"     // too few members serve
	LeadersSeveral Code = "leaders.several" // more than one member says that it leads
	LeaderNone     Code = "leader.none"     // a majority serves, and nobody leads
	MembersApart   Code = "members.apart"   // all serve, and one of them does not see all others
	MarathonDown   Code = "marathon.down"   // it answers that it does not serve
	MembersDown    Code = "members.down"    // some members of an ensemble do not serve
	ServiceDown    Code = "service.down"    // a service does not serve on some hosts
	AgentsLost     Code = "agents.lost"     // the leading master does not have all agents that say that they are registered
	AppMissing     Code = "app.missing"     // git has an app that the Marathon has not
	AppDown        Code = "app.down"        // an app has fewer tasks, or healthy ones, than it should

	TargetUnseen Code = "target.unseen" // a host or a Marathon could not be observed
	Unknown      Code = "unknown"       // of a target that was seen, this could not be
)

// codes has all codes of what is wrong in the order in which they are told.
func codes() []Code {
	return []Code{QuorumLost, LeadersSeveral, LeaderNone, MembersApart, MarathonDown, MembersDown, ServiceDown, AgentsLost, AppMissing, AppDown}
}

// Of says how the cluster is of which m is the desired state.
func Of(m *mesh.Mesh, seen mesh.Observed) Status {
	b := &builder{mesh: m, states: map[mesh.Target]mesh.TargetState{}}
	for _, s := range seen.Targets {
		b.states[s.Target] = s
	}
	b.targets()
	b.groups()
	b.agents()
	b.marathons()
	b.leases()
	b.status.Stale, b.status.Unsure = plan.Outdated(m, seen)
	return b.conclude()
}

// builder carries one Of; it lives no longer.
type builder struct {
	mesh   *mesh.Mesh
	states map[mesh.Target]mesh.TargetState
	status Status
}

func (b *builder) wrong(code Code, subject, message, do string) {
	b.status.Wrong = append(b.status.Wrong, Finding{code, subject, message, do})
}

func (b *builder) unseen(code Code, subject, message, do string) {
	b.status.Unseen = append(b.status.Unseen, Finding{code, subject, message, do})
}

// targets tells of those that could not be observed. A Marathon that answers with an error was seen: it
// does not serve.
func (b *builder) targets() {
	for _, t := range b.mesh.Targets() {
		s, asked := b.states[t]
		switch {
		case !asked:
			b.unseen(TargetUnseen, t.String(), "it was not asked", "")
		case s.Outcome == mesh.OK || s.Outcome == mesh.BadStatus && t.Kind != mesh.HostTarget:
		default:
			b.unseen(TargetUnseen, t.String(), string(s.Outcome)+": "+s.Message, "meshsync doctor examines the way to it")
		}
	}
}
