// Package plan turns differences, policy and health into an ordered plan: stages,
// batches, gates, effects and refusals. It is pure and deterministic: the same
// inputs give the same plan, byte for byte. It knows how an ensemble may be
// restarted, and nothing of ZooKeeper.
package plan

import (
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// Schema is the name and major version of a plan's JSON.
const Schema = "meshsync.plan/v1"

// Plan is what apply would do. Whether it is complete, applicable and empty are
// three questions with three answers.
type Plan struct {
	Schema  string      `json:"schema"`
	Version string      `json:"meshsync"` // of the program
	Mesh    string      `json:"mesh"`
	Digest  string      `json:"digest"` // of the evaluated desired state
	Source  mesh.Source `json:"source"`
	Policy  string      `json:"policy_from"` // where policy was read: "this commit" or a revision
	Sandbox bool        `json:"sandbox"`
	// Snapshot is the file that was planned against instead of the live cluster; "" for live.
	Snapshot string `json:"snapshot,omitempty"`
	// Marathons are those of the mesh, where there are several: an app's id alone names none then.
	Marathons []string `json:"marathons,omitempty"`
	// Restart is the role or service whose restart was asked for, which is all that is planned; "" for none.
	Restart string `json:"restart,omitempty"`
	// Filter is set when --only or --exclude narrowed the plan.
	Filter *Filter `json:"filter,omitempty"`

	Complete   bool `json:"complete"`   // everything was observed
	Applicable bool `json:"applicable"` // no refusal stands
	Empty      bool `json:"empty"`      // nothing to do

	Summary  Summary   `json:"summary"`
	Effects  []Effect  `json:"effects"`
	Rules    []Rule    `json:"rules"`
	Refusals []Refusal `json:"refusals"`
	Warnings []Warning `json:"warnings"`
	Stages   []Stage   `json:"stages"`
	// Apps says of each change of an app what Marathon does with it; sorted by address.
	Apps []AppVerdict `json:"apps"`

	Unknown     []Unknown      `json:"unknown"`      // could not be observed
	Unsure      []Evidence     `json:"unsure"`       // processes of which clocks cannot tell
	Stale       []Evidence     `json:"stale"`        // processes that run with old input, also where policy says "manual"
	NotServing  []Evidence     `json:"not_serving"`  // services that run, that nothing is done about, and that fail their check
	Unmanaged   []mesh.Address `json:"unmanaged"`    // live, not in git, not meshsync's: listed, untouched
	NotCompared []NotCompared  `json:"not_compared"` // fields that were not compared
	Notes       []string       `json:"notes"`        // sentences for the reader: what the plan could not know
}

// Filter narrows a plan to addresses that match one of Only (all, when empty) and none of Exclude.
// Patterns are globs over whole addresses; "*" matches any run of characters, "/" included.
type Filter struct {
	Only    []string `json:"only,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
	Hidden  int      `json:"hidden"` // changes left out
}

// Summary holds the totals of a plan. Every change is counted once by action and once by class.
type Summary struct {
	Creates   int `json:"create"`
	Updates   int `json:"update"`
	Deletes   int `json:"delete"`
	Releases  int `json:"release"`
	Finishes  int `json:"finish,omitempty"`  // apps whose deployment is followed to its end
	Restarts  int `json:"restart,omitempty"` // apps of which tasks run an older configuration
	Pending   int `json:"pending"`
	Drift     int `json:"drift"`
	Both      int `json:"both"`
	Differs   int `json:"differs"`
	Stale     int `json:"stale,omitempty"`
	Hosts     int `json:"hosts"` // hosts with a change or an effect
	Unchanged int `json:"unchanged"`
}

// EffectKind says what a change does beyond itself.
type EffectKind string

// The effects.
const (
	Restart     EffectKind = "restart"      // of a service
	Reload      EffectKind = "reload"       // of a service
	Start       EffectKind = "start"        // of a service
	Stop        EffectKind = "stop"         // of a service
	TaskRestart EffectKind = "task_restart" // of an app's tasks
	TaskStart   EffectKind = "task_start"   // of an app's tasks
	TaskStop    EffectKind = "task_stop"    // of an app's tasks
	Outage      EffectKind = "outage"       // an ensemble does not serve for a moment
)

// Effect is one consequence, with its cause.
type Effect struct {
	Kind    EffectKind  `json:"kind"`
	Target  mesh.Target `json:"target"`
	Subject string      `json:"subject"` // unit, app id, or ensemble
	Count   int         `json:"count"`   // services 1; tasks: how many
	// Because names what causes it: addresses of changes, fields of an app, or a sentence for a process found stale.
	Because []string `json:"because"`
	// Capacity is what stays up while tasks are replaced; for task_restart only.
	Capacity *Capacity `json:"capacity,omitempty"`
	// Observed is true when the cause was seen (a stale process), false when this plan's changes bring it about.
	Observed bool `json:"observed,omitempty"`
}

// Rule is one line of the effective policy with the plan's own number.
type Rule struct {
	Name   string `json:"name"` // "limits.outages"
	Value  int    `json:"value"`
	Actual int    `json:"actual"` // what this plan comes to
	Source string `json:"source"` // "default" or file:line
	OK     bool   `json:"ok"`
	// Override is true when --override named exactly this plan's number.
	Override bool `json:"override,omitempty"`
}

// Refusal is a policy that says no. Its code is stable and for machines.
type Refusal struct {
	Code    string `json:"code"` // "limits.outages", "unreachable.max", "quorum", …
	Subject string `json:"subject"`
	Message string `json:"message"`        // numbers included
	Hint    string `json:"hint,omitempty"` // what to do
	Source  string `json:"source"`         // "default" or file:line
}

// Warning is what the plan may do and somebody may regret. Its code is stable and for machines.
type Warning struct {
	Code    string `json:"code"` // "app.harmless", …
	Subject string `json:"subject"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do
}

// Stage is a group of batches that run one after another. Stages run in order; the
// next starts when all of this one succeeded.
type Stage struct {
	N     int    `json:"n"`
	Title string `json:"title"` // "zookeeper", "apps"
	Role  string `json:"role,omitempty"`
	Why   string `json:"why"` // the reason for its place and for the order of its batches
	// LeaderLast: before each batch the executor asks who leads and takes the
	// batch of the leader last; the order below is the prediction.
	LeaderLast bool          `json:"leader_last,omitempty"`
	Ensemble   string        `json:"ensemble,omitempty"`
	Settle     time.Duration `json:"settle_ns"`
	Batches    []Batch       `json:"batches"`
}

// Batch is done together: all its targets at once.
type Batch struct {
	Targets []mesh.Target `json:"targets"` // sorted
	// Layer of an app, from 1: it depends on apps of layers before, never on one of its own. 0 of hosts.
	Layer   int           `json:"layer,omitempty"`
	Changes []diff.Change `json:"changes"` // sorted by address
	Service []ServiceStep `json:"services,omitempty"`
	Before  []Gate        `json:"gates_before,omitempty"`
	After   []Gate        `json:"gates_after,omitempty"`
	// RollBack: when the batch fails, what it wrote is taken back. NotRolledBack says why not, where the role
	// wants that and it cannot be done; both are empty where the role wants nothing of the kind.
	RollBack      bool   `json:"roll_back,omitempty"`
	NotRolledBack string `json:"not_rolled_back,omitempty"`
	// Confirm is set where the batch can cut a host off.
	Confirm *Confirm `json:"confirm,omitempty"`
}

// Confirm says that a host takes back what a batch did unless a new connection, with its login and sudo, comes in in time.
type Confirm struct {
	Within  time.Duration `json:"within_ns"` // from the end of the batch on the host
	Because []string      `json:"because"`   // "/etc/ssh/sshd_config can cut off SSH"
}

// ServiceStep is one operation on a unit, done after the changes of its host.
type ServiceStep struct {
	Target mesh.Target `json:"target"`
	Unit   string      `json:"unit"`
	Op     Op          `json:"op"`
	// Spec is what the role says of the service: what it reads, its check.
	Spec mesh.ServiceSpec `json:"spec"`
}

// Addr is the address of the service.
func (s ServiceStep) Addr() mesh.Address {
	return mesh.Address{Target: s.Target, Kind: mesh.Service, Name: s.Unit}
}

// Op is an operation on a unit.
type Op string

// The operations.
const (
	OpRestart Op = "restart"
	OpReload  Op = "reload"
	OpStart   Op = "start"
	OpStop    Op = "stop"
	OpEnable  Op = "enable"
	OpDisable Op = "disable"
	OpMask    Op = "mask"
	OpUnmask  Op = "unmask"
)

// GateKind says what a gate asks.
type GateKind string

// The gates.
const (
	// GateQuorum: the ensemble still has its quorum when the targets of the batch are down.
	GateQuorum GateKind = "quorum"
	// GateServing: the members among the targets of the batch serve, and no member that served before is lost.
	GateServing GateKind = "serving"
	// GateHealthy: the services of the batch pass their checks, or run as systemd says where they have none.
	GateHealthy GateKind = "healthy"
	// GateDeployment: Marathon's deployment ended and the app has all its tasks.
	GateDeployment GateKind = "deployment"
)

// Gate must hold before or after a batch. The executor asks the live cluster; the
// gate itself is data.
type Gate struct {
	Kind     GateKind       `json:"kind"`
	Ensemble *mesh.Ensemble `json:"ensemble,omitempty"` // for quorum and serving
	Need     int            `json:"need,omitempty"`     // members that must serve
	Of       int            `json:"of,omitempty"`
	Timeout  time.Duration  `json:"timeout_ns"` // how long it may take to hold; 0: it must hold at once
	Text     string         `json:"text"`       // the gate in words
	// Services are asked by a healthy gate; empty: those of its batch.
	Services []ServiceStep `json:"services,omitempty"`
}

// Unknown is a target or resource that could not be observed.
type Unknown struct {
	Target  mesh.Target   `json:"target"`
	Addr    *mesh.Address `json:"address,omitempty"` // nil: the whole target
	Outcome mesh.Outcome  `json:"outcome"`
	Message string        `json:"message"`
}

// Evidence is what is known of one process against what is on disk.
type Evidence struct {
	Target  mesh.Target `json:"target"`
	Unit    string      `json:"unit"`
	Message string      `json:"message"` // which path, and by which evidence
	// Owed is true of a stale process when it is git's own write that it has not taken in.
	Owed bool `json:"owed,omitempty"`
}

// NotCompared is a field that the plan leaves alone, or with no field a whole resource.
type NotCompared struct {
	Addr   mesh.Address `json:"address"`
	Field  string       `json:"field"`
	Reason string       `json:"reason"`
}
