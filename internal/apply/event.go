package apply

import (
	"time"

	"meshsync.dev/meshsync/internal/plan"
)

// Event is one line of the journal. Progress, report and exit code are folds of
// the same events; nothing else is remembered of a run.
type Event struct {
	Time    time.Time `json:"time"`
	Run     string    `json:"run"` // id of the run
	Type    EventType `json:"type"`
	Stage   int       `json:"stage,omitempty"`  // from 1
	Batch   int       `json:"batch,omitempty"`  // from 1 within its stage
	Target  string    `json:"target,omitempty"` // host/m1
	Subject string    `json:"subject,omitempty"`
	Action  string    `json:"action,omitempty"` // what is done to the subject: "update", "restart"
	Message string    `json:"message"`          // one line for people, complete in itself
	Code    string    `json:"code,omitempty"`   // outcome or refusal code
	// Restarts are those of an app's tasks, of a Done event of an update.
	Restarts *plan.Restarts `json:"restarts,omitempty"`
}

// EventType says what happened.
type EventType string

// The events of a run, in the order in which they may appear.
const (
	RunStart   EventType = "run_start"   // Message: what is applied, from which commit
	Leased     EventType = "leased"      // the leases of all targets were taken
	LeaseHeld  EventType = "lease_held"  // another run holds one: nothing is done
	LeaseLost  EventType = "lease_lost"  // the run's own is gone: nothing new is started
	StageStart EventType = "stage_start" //
	BatchStart EventType = "batch_start" // written and synced before anything of the batch is sent
	GateWait   EventType = "gate_wait"   // a gate does not hold yet; Message says what it waits for
	GateHeld   EventType = "gate_held"   //
	GateFailed EventType = "gate_failed" // it did not hold in time: the run stops here
	Starting   EventType = "starting"    // one action, written and synced before it is sent
	Done       EventType = "done"        // one action
	Failed     EventType = "failed"      // one action
	Conflict   EventType = "conflict"    // one action: the target moved since the plan
	RolledBack EventType = "rolled_back" // one action: it failed, and what was there before is there again
	Skipped    EventType = "skipped"     // one action that was not tried
	UnknownEnd EventType = "unknown"     // one action whose end was not seen: the next run looks
	Progress   EventType = "progress"    // a long action still runs; Message says what it waits for
	StageDone  EventType = "stage_done"  //
	Interrupt  EventType = "interrupted" // a signal: nothing new is started
	RunEnd     EventType = "run_end"     // Code: see the codes
)
